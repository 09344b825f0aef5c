//! What a run of a scenario has found: named figures with units.

use serde::Serialize;

use crate::latencies::Latencies;

/// One figure.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Figure {
    /// What it is, such as `CPU/delivery`.
    pub(crate) name: &'static str,
    /// Its unit, empty for a count or a ratio.
    pub(crate) unit: &'static str,
    /// Its value.
    pub(crate) value: f64,
}

/// The figures of one run.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Outcome {
    /// The scenario's name.
    pub(crate) scenario: &'static str,
    /// Its parameters in a few words, such as `1000 members, 16 waiting`.
    pub(crate) shape: String,
    /// What was measured.
    pub(crate) figures: Vec<Figure>,
}

impl Outcome {
    pub(crate) const fn new(scenario: &'static str, shape: String) -> Self {
        Self { scenario, shape, figures: Vec::new() }
    }

    /// Adds a figure.
    pub(crate) fn add(&mut self, name: &'static str, unit: &'static str, value: f64) {
        self.figures.push(Figure { name, unit, value });
    }

    /// Adds the quantiles of times.
    pub(crate) fn add_latencies(&mut self, latencies: &Latencies) {
        for (name, share) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)] {
            self.add(name, "ms", latencies.millis(share));
        }
    }

    /// Returns the value of a figure.
    pub(crate) fn value(&self, name: &str) -> Option<f64> {
        self.figures.iter().find(|figure| figure.name == name).map(|figure| figure.value)
    }
}

/// Returns a share of a whole, as floating-point numbers.
#[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
pub(crate) fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Returns a count as a floating-point number.
#[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
pub(crate) const fn float(count: u64) -> f64 {
    count as f64
}

/// Returns a number with three significant digits.
pub(crate) fn three_digits(value: f64) -> String {
    let whole = value.abs();
    if whole == 0.0 || whole >= 99.95 {
        format!("{value:.0}")
    } else if whole >= 9.995 {
        format!("{value:.1}")
    } else if whole >= 0.9995 {
        format!("{value:.2}")
    } else {
        format!("{value:.3}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_has_three_significant_digits() {
        for (value, text) in
            [(0.0, "0"), (0.1234, "0.123"), (1.236, "1.24"), (12.36, "12.4"), (123.6, "124")]
        {
            assert_eq!(three_digits(value), text);
        }
        assert_eq!(three_digits(9.999), "10.0");
        assert_eq!(three_digits(99.99), "100");
    }

    #[test]
    fn value_is_found_by_name() {
        let mut outcome = Outcome::new("deliver", String::new());
        outcome.add("rate", "/s", 5.0);
        assert_eq!(outcome.value("rate"), Some(5.0));
        assert_eq!(outcome.value("other"), None);
        assert!((ratio(1, 4) - 0.25).abs() < f64::EPSILON && ratio(1, 0) == 0.0);
    }
}
