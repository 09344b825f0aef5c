//! The long poll: its answer.

use serde::Serialize;
use serde_json::value::RawValue;

use super::value::Cursors;

/// The answer to a poll.
#[derive(Debug, Serialize)]
pub struct Polled<'a> {
    /// Events, which are encoded already.
    pub events: Vec<&'a RawValue>,
    /// Cursors for the next poll.
    pub resume: Cursors<'a>,
}
