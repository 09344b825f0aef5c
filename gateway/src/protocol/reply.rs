//! Replies to commands: `{"re": …, "ok": …}` or `{"re": …, "error": …}`.

use chat_core::{command::Reply, error::ChatError};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    conversations::{ConversationJson, MemberJson},
    list::Items,
    messages::{History, Sent},
    search::{FoundJson, FoundPage},
    write_json,
};
use crate::{error::ErrorBody, metrics, rest::cursor::encode_place};

/// An empty object: the reply to a command that has nothing to return.
#[derive(Debug, Serialize, ToSchema)]
pub struct Empty {}

/// Encodes the reply to a command that succeeded.
pub fn reply_ok(re: u64, ok: &impl Serialize) -> String {
    #[derive(Serialize)]
    struct Success<'a, T> {
        re: u64,
        ok: &'a T,
    }

    encode(&Success { re, ok })
}

/// Encodes the reply to a command of the domain that succeeded.
pub fn reply(re: u64, reply: &Reply) -> String {
    match reply {
        Reply::Done => reply_ok(re, &Empty {}),
        Reply::Written(written) => reply_ok(re, &Sent::from(written)),
        Reply::History { items, head_seq } => reply_ok(re, &History::new(items, *head_seq)),
        Reply::Found { items, next, .. } => {
            let items = items.iter().map(FoundJson::from).collect();
            reply_ok(re, &FoundPage { items, next_cursor: next.map(encode_place) })
        }
        Reply::Made { conversation, .. } | Reply::Conversation(conversation) => {
            reply_ok(re, &ConversationJson::from(&**conversation))
        }
        Reply::Conversations { items, .. } => {
            let items = items.iter().map(ConversationJson::from).collect();
            reply_ok(re, &Items { items })
        }
        Reply::Members { items, .. } => {
            reply_ok(re, &Items { items: items.iter().map(MemberJson::from).collect() })
        }
    }
}

/// Encodes the reply to a command that failed, or to a frame that is not a command, and counts the
/// error.
pub fn reply_error(re: Option<u64>, error: &ChatError) -> String {
    #[derive(Serialize)]
    struct Failure {
        re: Option<u64>,
        error: ErrorBody,
    }

    metrics::error(error.code());
    encode(&Failure { re, error: ErrorBody::from(error) })
}

fn encode(value: &impl Serialize) -> String {
    let mut json = Vec::with_capacity(256);
    write_json(&mut json, value);
    String::from_utf8(json).unwrap_or_default()
}
