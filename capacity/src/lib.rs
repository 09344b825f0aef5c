//! How many machines a number of users needs: a model without input or output.
//!
//! What holds:
//! - Every number of the plan has a formula, and the formula is what computed it ([`term`]).
//! - Every cost of the product is measured, with its source and command ([`measured`]).
//! - Everything else is an assumption with a name, a default and an option ([`inputs`]).
//! - More users, messages or years never need fewer machines.
//!
//! In reading order: [`inputs`], [`measured`], [`term`], [`fleet`] with the formulas of hints and
//! subscriptions, which the simulation also checks, and [`plan()`], which computes everything.

pub mod fleet;
pub mod inputs;
pub mod measured;
mod plan;
mod table;
pub mod term;

pub use plan::{Line, Plan, Section, plan};
