//! A plot of a sweep as SVG: the figures over the swept parameter, both on logarithmic axes.

use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use plotters::{
    chart::ChartBuilder,
    coord::combinators::IntoLogRange,
    prelude::{IntoDrawingArea, LineSeries, Palette, Palette99, PathElement, SVGBackend},
    style::{BLACK, Color, WHITE},
};

use crate::outcome::Outcome;

const SIZE: (u32, u32) = (800, 480);
const AXIS: u32 = 64;
const TITLE: u32 = 36;

/// A line of the plot: a figure's name and its points.
type Line = (&'static str, Vec<(f64, f64)>);

/// Writes the plot of a sweep over `parameter` to a file.
pub(crate) fn write(
    path: &Path,
    parameter: &str,
    values: &[String],
    outcomes: &[Outcome],
) -> Result<()> {
    let x: Vec<f64> = values
        .iter()
        .map(|value| value.parse().with_context(|| format!("{value} is not a number to plot")))
        .collect::<Result<_>>()?;
    let (unit, lines) = lines(&x, outcomes);
    let points = || lines.iter().flat_map(|(_, points)| points);
    ensure!(points().count() > 0, "nothing to plot");
    let range = |of: fn(&(f64, f64)) -> f64| {
        let (least, most) = points()
            .map(of)
            .fold((f64::MAX, 0.0_f64), |(least, most), value| (least.min(value), most.max(value)));
        (least / 1.2..most * 1.2).log_scale()
    };
    let scenario = outcomes.first().map_or("", |outcome| outcome.scenario);
    let area = SVGBackend::new(path, SIZE).into_drawing_area();
    let fail = |error: &dyn std::fmt::Display| anyhow!("writing {}: {error}", path.display());
    area.fill(&WHITE).map_err(|error| fail(&error))?;
    let mut chart = ChartBuilder::on(&area)
        .caption(format!("{scenario}: {unit} by {parameter}"), ("sans-serif", TITLE / 2))
        .margin(TITLE / 2)
        .x_label_area_size(AXIS / 2)
        .y_label_area_size(AXIS)
        .build_cartesian_2d(range(|point| point.0), range(|point| point.1))
        .map_err(|error| fail(&error))?;
    let mesh = chart.configure_mesh().x_desc(parameter).y_desc(unit).draw();
    mesh.map_err(|error| fail(&error))?;
    for (number, (name, points)) in lines.iter().enumerate() {
        let color = Palette99::pick(number).to_rgba();
        let series = LineSeries::new(points.iter().copied(), color.stroke_width(2)).point_size(3);
        let legend = move |(x, y)| PathElement::new([(x, y), (x + 20, y)], color.stroke_width(2));
        chart.draw_series(series).map_err(|error| fail(&error))?.label(*name).legend(legend);
    }
    let labels = chart.configure_series_labels().border_style(BLACK).background_style(WHITE).draw();
    labels.map_err(|error| fail(&error))?;
    area.present().map_err(|error| fail(&error))
}

/// Returns the unit of the outcomes' cost, or of their first figure if they have none, and a line for
/// each figure in this unit. A logarithmic axis has no zero, so points at zero are left out.
fn lines(x: &[f64], outcomes: &[Outcome]) -> (&'static str, Vec<Line>) {
    let figures = outcomes.first().map_or(&[][..], |outcome| &outcome.figures);
    let cost = figures.iter().find(|figure| figure.name.starts_with("CPU/"));
    let unit = cost.or(figures.first()).map_or("", |figure| figure.unit);
    let line = |name: &'static str| {
        let value = |(x, outcome): (&f64, &Outcome)| Some((*x, outcome.value(name)?));
        let points = x.iter().zip(outcomes).filter_map(value);
        (name, points.filter(|(x, y)| *x > 0.0 && *y > 0.0).collect())
    };
    let named = figures.iter().filter(|figure| figure.unit == unit);
    (unit, named.map(|figure| line(figure.name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(cpu: f64) -> Outcome {
        let mut outcome = Outcome::new("deliver", String::new());
        outcome.add("deliveries", "/s", 1e6);
        outcome.add("CPU/delivery", "us", cpu);
        outcome.add("floor", "us", 1.0);
        outcome
    }

    #[test]
    fn lines_are_the_figures_in_the_unit_of_the_cost() {
        let (unit, lines) = lines(&[10.0, 100.0], &[outcome(3.0), outcome(0.0)]);
        assert_eq!(unit, "us");
        let expected =
            [("CPU/delivery", vec![(10.0, 3.0)]), ("floor", vec![(10.0, 1.0), (100.0, 1.0)])];
        assert_eq!(lines, expected);
    }

    #[test]
    fn plot_names_its_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plot.svg");
        let values = ["10", "100"].map(str::to_owned);
        write(&path, "members", &values, &[outcome(3.0), outcome(2.0)]).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("<svg") && text.contains("CPU/delivery"), "{text}");
        assert!(write(&path, "members", &["x".to_owned()], &[outcome(3.0)]).is_err());
    }
}
