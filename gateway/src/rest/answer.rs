//! Answers that several calls share.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use chat_core::{
    command::{Reply, Written},
    error::ChatError,
};
use http::StatusCode;
use serde::Serialize;

use crate::{error::ApiError, protocol::messages::Sent};

/// What every handler returns.
pub type HandlerResult = Result<Response, ApiError>;

/// Answers 201 if the call created something, and 200 if it existed before.
pub fn created_or_ok(is_new: bool, body: impl Serialize) -> Response {
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    (status, Json(body)).into_response()
}

/// Answers a write with its entry.
pub fn sent(reply: Reply) -> HandlerResult {
    let written = written(reply)?.ok_or(ChatError::Internal)?;
    Ok(created_or_ok(!written.replayed, Sent::from(&written)))
}

/// Returns the entry of a write, or `None` if there was nothing to write.
pub fn written(reply: Reply) -> Result<Option<Written>, ApiError> {
    match reply {
        Reply::Written(written) => Ok(Some(written)),
        Reply::Done => Ok(None),
        Reply::History { .. }
        | Reply::Found { .. }
        | Reply::Made { .. }
        | Reply::Conversations { .. }
        | Reply::Conversation(_)
        | Reply::Members { .. } => Err(unexpected_reply()),
    }
}

/// Returns the error for a reply that belongs to another command, which is a bug.
pub fn unexpected_reply() -> ApiError {
    tracing::error!("command got the reply of another command");
    ChatError::Internal.into()
}
