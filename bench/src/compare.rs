//! Repeated runs: the median of each figure, and the ratio of two builds that run in turns.

use crate::{
    outcome::{Outcome, three_digits},
    report::table,
};

/// The median and the extremes of a list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// Returns `None` for an empty list.
    pub(crate) fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = if values.len().is_multiple_of(2) {
            f64::midpoint(values[middle - 1], values[middle])
        } else {
            values[middle]
        };
        Some(Self { median, min, max })
    }
}

/// Returns an outcome with the median of each figure.
pub(crate) fn medians(rounds: &[Outcome]) -> Option<Outcome> {
    let mut outcome = rounds.first()?.clone();
    for figure in &mut outcome.figures {
        let values = rounds.iter().filter_map(|round| round.value(figure.name)).collect();
        figure.value = Spread::of(values)?.median;
    }
    Some(outcome)
}

/// Returns the ratios of each figure, of the first build to the second one, round by round.
pub(crate) fn ratios(rounds: &[(Outcome, Outcome)]) -> Vec<(&'static str, Spread)> {
    let figures = rounds.first().map_or(&[][..], |(this, _)| &this.figures);
    let spread = |name: &'static str| {
        let ratio = |(this, other): &(Outcome, Outcome)| {
            let (this, other) = (this.value(name)?, other.value(name)?);
            (other != 0.0).then(|| this / other)
        };
        Some((name, Spread::of(rounds.iter().filter_map(ratio).collect())?))
    };
    figures.iter().filter_map(|figure| spread(figure.name)).collect()
}

/// Returns a table of the two builds' medians and of their ratios.
pub(crate) fn render(rounds: &[(Outcome, Outcome)]) -> String {
    let (these, others): (Vec<_>, Vec<_>) = rounds.iter().cloned().unzip();
    let Some((this, other)) = medians(&these).zip(medians(&others)) else { return String::new() };
    let title = format!("{}: {}", this.scenario, this.shape);
    let mut rows =
        vec![[&title, "this", "other", "ratio", "min", "max"].map(str::to_owned).to_vec()];
    for (name, spread) in ratios(rounds) {
        let values = [this.value(name), other.value(name)].map(Option::unwrap_or_default);
        let numbers = [values[0], values[1], spread.median, spread.min, spread.max];
        rows.push([name.to_owned()].into_iter().chain(numbers.map(three_digits)).collect());
    }
    table::align(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(cpu: f64) -> Outcome {
        let mut outcome = Outcome::new("deliver", "2 members".to_owned());
        outcome.add("CPU", "us", cpu);
        outcome
    }

    #[test]
    fn spread_has_the_middle_and_the_extremes() {
        let spread = |values: &[f64]| Spread::of(values.to_vec());
        assert_eq!(spread(&[]), None);
        assert_eq!(spread(&[3.0, 1.0, 9.0]), Some(Spread { median: 3.0, min: 1.0, max: 9.0 }));
        assert_eq!(spread(&[4.0, 2.0]), Some(Spread { median: 3.0, min: 2.0, max: 4.0 }));
    }

    #[test]
    fn ratios_are_of_the_same_round() {
        let rounds = [(outcome(1.0), outcome(2.0)), (outcome(9.0), outcome(10.0))];
        let [(name, spread)] = ratios(&rounds)[..] else { panic!("one figure") };
        assert_eq!((name, spread), ("CPU", Spread { median: 0.7, min: 0.5, max: 0.9 }));
        assert_eq!(medians(&[outcome(1.0), outcome(9.0)]).unwrap().value("CPU"), Some(5.0));
        assert!(render(&rounds).contains("| CPU "));
        assert!(render(&[]).is_empty());
    }

    #[test]
    fn figure_that_is_zero_has_no_ratio() {
        assert!(ratios(&[(outcome(1.0), outcome(0.0))]).is_empty());
    }
}
