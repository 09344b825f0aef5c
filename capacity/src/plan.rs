//! The whole computation: load, hints, gateways, Redis, store, network and price.
//!
//! The number of gateways decides how often members share one, and so how many hints are received
//! and how many machines are needed. So everything is computed again until that number is stable.

mod load;
mod machines;

use serde::Serialize;

use self::{load::Load, machines::machines};
use crate::{
    inputs::{Input, Inputs, Terms},
    measured::{MEASURED, Measured},
    term::Term,
};

/// Node numbers of one store, and so its most gateways (`docs/operations.md#running-a-fleet`).
const GATEWAYS_MAX: f64 = 1_024.0;
/// More rounds than any number of gateways needs to become stable.
const ROUNDS_MAX: usize = 200;

/// One computed number.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// Its name, which later formulas use.
    pub name: &'static str,
    /// The value.
    pub value: f64,
    /// The unit of the value.
    pub unit: &'static str,
    /// The formula that was computed.
    pub formula: String,
}

/// Lines that belong together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Section {
    /// The heading.
    pub title: &'static str,
    /// The lines, in the order of computation.
    pub lines: Vec<Line>,
}

/// An input and its value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Assumption {
    /// The input.
    #[serde(flatten)]
    pub input: &'static Input,
    /// Its value.
    pub value: f64,
}

/// The computed machines, bytes and price, and everything that they were computed from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// The inputs.
    pub assumptions: Vec<Assumption>,
    /// The measured costs.
    pub measured: &'static [Measured],
    /// The computed numbers.
    pub sections: Vec<Section>,
    /// Limits of the product that the plan exceeds.
    pub warnings: Vec<String>,
}

impl Plan {
    /// Returns the value of a line.
    pub fn value(&self, name: &str) -> Option<f64> {
        let mut lines = self.sections.iter().flat_map(|section| &section.lines);
        lines.find(|line| line.name == name).map(|line| line.value)
    }
}

/// The plan while it is computed.
#[derive(Debug)]
struct Sheet {
    inputs: Terms,
    sections: Vec<Section>,
}

impl Sheet {
    fn section(&mut self, title: &'static str) {
        self.sections.push(Section { title, lines: Vec::new() });
    }

    /// Adds a line and returns its value under its name.
    fn line(&mut self, name: &'static str, unit: &'static str, term: impl Into<Term>) -> Term {
        let term = term.into();
        let (value, formula) = (term.value(), term.formula().to_owned());
        if let Some(section) = self.sections.last_mut() {
            section.lines.push(Line { name, value, unit, formula });
        }
        Term::named(name, value)
    }
}

/// Computes the machines for these inputs.
pub fn plan(inputs: &Inputs) -> Plan {
    let mut gateways = 1.0;
    for _ in 0..ROUNDS_MAX {
        let (_, needed) = sheet(inputs, gateways);
        if needed <= gateways {
            break;
        }
        gateways = needed;
    }
    let (sections, _) = sheet(inputs, gateways);
    let assumptions = inputs.rows().into_iter();
    let mut plan = Plan {
        assumptions: assumptions.map(|(input, value)| Assumption { input, value }).collect(),
        measured: MEASURED,
        sections,
        warnings: Vec::new(),
    };
    if gateways > GATEWAYS_MAX {
        plan.warnings.push(format!(
            "{gateways} gateways are more than the {GATEWAYS_MAX} of one store: split the users over \
             {} deployments, which cannot write to each other",
            (gateways / GATEWAYS_MAX).ceil()
        ));
    }
    plan
}

/// Computes everything for this number of gateways. Returns the number that is then needed.
fn sheet(inputs: &Inputs, gateways: f64) -> (Vec<Section>, f64) {
    let mut sheet = Sheet { inputs: inputs.terms(), sections: Vec::new() };
    let load = Load::of(&mut sheet, &Term::named("gateways", gateways));
    let needed = machines(&mut sheet, &load);
    (sheet.sections, needed)
}
