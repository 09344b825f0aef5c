//! Outcomes for people and for programs.

pub(crate) mod plot;
pub(crate) mod table;
