//! Aligned tables in Markdown.

use crate::outcome::{Outcome, three_digits};

/// Returns the outcomes as tables, one for each run of outcomes with the same figures.
pub(crate) fn render(outcomes: &[Outcome]) -> String {
    let same = |a: &Outcome, b: &Outcome| header(a) == header(b);
    let tables = outcomes.chunk_by(same).map(|outcomes| {
        let mut rows: Vec<_> = outcomes.first().map(header).into_iter().collect();
        rows.extend(outcomes.iter().map(row));
        align(&rows)
    });
    tables.collect::<Vec<_>>().join("\n")
}

fn header(outcome: &Outcome) -> Vec<String> {
    let figures = outcome.figures.iter().map(|figure| {
        if figure.unit.is_empty() {
            figure.name.to_owned()
        } else {
            format!("{} {}", figure.name, figure.unit)
        }
    });
    [outcome.scenario.to_owned()].into_iter().chain(figures).collect()
}

fn row(outcome: &Outcome) -> Vec<String> {
    let figures = outcome.figures.iter().map(|figure| three_digits(figure.value));
    [outcome.shape.clone()].into_iter().chain(figures).collect()
}

/// Returns rows as a table whose first row is its header. The first column is aligned to the left.
pub(crate) fn align(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default().max(3)
    };
    let widths: Vec<_> = (0..columns).map(width).collect();
    let mut lines = rows.iter().map(|row| line(row, &widths));
    let header = lines.next().unwrap_or_default();
    [header, rule(&widths)].into_iter().chain(lines).collect()
}

fn line(row: &[String], widths: &[usize]) -> String {
    let cells = widths.iter().enumerate().map(|(column, width)| {
        let cell = row.get(column).map_or("", String::as_str);
        if column == 0 { format!(" {cell:<width$} |") } else { format!(" {cell:>width$} |") }
    });
    format!("|{}\n", cells.collect::<String>())
}

/// Returns the line below the header.
fn rule(widths: &[usize]) -> String {
    let cells = widths.iter().enumerate().map(|(column, width)| {
        let dashes = "-".repeat(width + 1);
        if column == 0 { format!("{dashes}-|") } else { format!("{dashes}:|") }
    });
    format!("|{}\n", cells.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_a_new_table_starts_with_other_figures() {
        let mut small = Outcome::new("deliver", "10 members".to_owned());
        small.add("CPU", "us", 1.5);
        let mut large = Outcome::new("deliver", "10000 members".to_owned());
        large.add("CPU", "us", 1234.5);
        let mut other = Outcome::new("send", "1".to_owned());
        other.add("rate", "", 2.0);
        let expected = "\
| deliver       | CPU us |
|---------------|-------:|
| 10 members    |   1.50 |
| 10000 members |   1234 |

| send | rate |
|------|-----:|
| 1    | 2.00 |
";
        assert_eq!(render(&[small, large, other]), expected);
    }
}
