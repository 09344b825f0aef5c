//! The long poll for machines; the call itself is [`crate::poll`]'s.

use std::collections::HashMap;

use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::protocol::body::Poll;

/// What comes for the caller.
#[utoipa::path(
    post, path = "/v1/poll", tag = "events", operation_id = "poll",
    request_body = Poll,
    responses((status = 200, description = "events, and the cursors after them", body = Polled)),
)]
#[expect(dead_code, reason = "only a description")]
pub(super) fn poll() {}

/// The answer to a poll.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only a description")]
pub(super) struct Polled {
    /// Events, each with its `ev`.
    events: Vec<Map<String, Value>>,
    /// Cursors for the next poll.
    resume: HashMap<String, u64>,
}
