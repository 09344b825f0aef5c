//! What a call gives: JSON under its status.

use axum::response::{IntoResponse, Response};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chat_core::{
    command::{ListCursor, Reply, Written},
    error::ChatError,
    id::{ConversationId, UserId},
    time::Timestamp,
};
use http::{StatusCode, header::CONTENT_TYPE};
use serde::Serialize;

use crate::{
    error::ApiError,
    protocol::{answer::Sent, write_json},
};

/// What every handler returns.
pub type HandlerResult = Result<Response, ApiError>;

/// 200.
pub fn ok(body: &impl Serialize) -> Response {
    json(StatusCode::OK, body)
}

/// 201 for what is new, 200 for what was there.
pub fn made(is_new: bool, body: &impl Serialize) -> Response {
    json(if is_new { StatusCode::CREATED } else { StatusCode::OK }, body)
}

/// 204.
pub fn nothing() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// The entry that stands for a write.
pub fn written(reply: Reply) -> HandlerResult {
    let written = entry(reply)?.ok_or(ChatError::Internal)?;
    Ok(made(!written.replayed, &Sent::from(&written)))
}

/// The entry of a write; `None` where there was nothing to write.
pub fn entry(reply: Reply) -> Result<Option<Written>, ApiError> {
    match reply {
        Reply::Written(written) => Ok(Some(written)),
        Reply::Done => Ok(None),
        Reply::History { .. }
        | Reply::Made { .. }
        | Reply::Conversations { .. }
        | Reply::Conversation(_)
        | Reply::Members { .. } => Err(unexpected()),
    }
}

/// A reply that no command of this call has: a defect.
pub fn unexpected() -> ApiError {
    tracing::error!("a command was answered with another's reply");
    ChatError::Internal.into()
}

fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let mut out = Vec::with_capacity(512);
    write_json(&mut out, body);
    (status, [(CONTENT_TYPE, "application/json")], out).into_response()
}

/// The cursor of a list of conversations, opaque to clients.
pub fn list_cursor(next: ListCursor) -> String {
    let at = next.at.as_millis().to_be_bytes();
    let conversation = next.conversation.get().to_be_bytes();
    URL_SAFE_NO_PAD.encode([at, conversation].concat())
}

/// The cursor that [`list_cursor`] wrote.
pub fn read_list_cursor(text: &str) -> Result<ListCursor, ChatError> {
    let read = || {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (at, conversation) = bytes.split_at_checked(8)?;
        let at = i64::from_be_bytes(at.try_into().ok()?);
        let conversation = u64::from_be_bytes(conversation.try_into().ok()?);
        let conversation = ConversationId::new(conversation)?;
        Some(ListCursor { at: Timestamp::from_millis(at), conversation })
    };
    read().ok_or_else(foreign_cursor)
}

/// The cursor of a list of members, opaque to clients.
pub fn member_cursor(next: UserId) -> String {
    URL_SAFE_NO_PAD.encode(next.get().to_be_bytes())
}

/// The cursor that [`member_cursor`] wrote.
pub fn read_member_cursor(text: &str) -> Result<UserId, ChatError> {
    let read = || {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        UserId::new(u64::from_be_bytes(bytes.try_into().ok()?))
    };
    read().ok_or_else(foreign_cursor)
}

fn foreign_cursor() -> ChatError {
    ChatError::invalid("cursor", "expected the next_cursor of an answer")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursor_reads_as_it_was_written_and_nothing_else_is_one() {
        let conversation = ConversationId::new(77).unwrap();
        let cursor = ListCursor { at: Timestamp::from_millis(-5), conversation };
        assert_eq!(read_list_cursor(&list_cursor(cursor)), Ok(cursor));
        let member = UserId::new(78).unwrap();
        assert_eq!(read_member_cursor(&member_cursor(member)), Ok(member));
        for bad in ["", "x", &member_cursor(member), "AAAAAAAAAAAAAAAAAAAAAA", "é"] {
            assert_eq!(read_list_cursor(bad), Err(foreign_cursor()), "{bad}");
        }
        for bad in ["", "x", &list_cursor(cursor), "AAAAAAAAAAA"] {
            assert_eq!(read_member_cursor(bad), Err(foreign_cursor()), "{bad}");
        }
    }
}
