//! Faults that are chosen anew for each call, for example at random.

use std::{fmt, time::Duration};

use super::{Call, Fault};

/// Chooses what happens to each call.
pub trait Disturb: Send + Sync + fmt::Debug {
    /// Returns what happens to the next call of this method.
    fn next(&self, call: Call) -> Disturbance;
}

/// What happens to one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Disturbance {
    /// How long the request takes to reach the port.
    pub before: Duration,
    /// What happens instead of an ordinary answer.
    pub fault: Option<Fault>,
    /// How long the answer takes to reach the caller.
    pub after: Duration,
}
