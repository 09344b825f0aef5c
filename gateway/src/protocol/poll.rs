//! The long poll: its body and its answer.

use chat_core::{
    error::ChatError,
    limits::{POLL_WAIT_DEFAULT, POLL_WAIT_MAX},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{
    event::EventJson,
    schema,
    value::{Cursors, Integer, Resume, millis},
};

/// The body of `POST /v1/poll`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Poll {
    /// The client's cursors. Without them the answer has the present heads and no events.
    #[schema(schema_with = schema::resume, required = false)]
    pub resume: Option<Resume>,
    /// How long to wait for an event, in milliseconds; 25,000 by default.
    #[schema(value_type = Option<u64>, maximum = 30_000)]
    pub wait_ms: Option<Integer>,
}

impl Poll {
    /// Returns the milliseconds to wait, or `invalid` if they are more than [`POLL_WAIT_MAX`].
    pub fn wait_ms(&self) -> Result<u64, ChatError> {
        let wait_ms = self.wait_ms.map_or(millis(POLL_WAIT_DEFAULT), |Integer(wait_ms)| wait_ms);
        if wait_ms > millis(POLL_WAIT_MAX) {
            return Err(ChatError::invalid("wait_ms", "expected 0 to 30000"));
        }
        Ok(wait_ms)
    }
}

/// The answer to a poll.
#[derive(Debug, Serialize, ToSchema)]
pub struct Polled<'a> {
    /// The events. They are encoded once for all sessions, so they are JSON here already.
    #[schema(value_type = Vec<EventJson>)]
    pub events: Vec<&'a RawValue>,
    /// The cursors for the next poll.
    #[schema(value_type = HashMap<String, u64>)]
    pub resume: Cursors<'a>,
}
