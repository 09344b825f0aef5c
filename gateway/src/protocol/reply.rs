//! Replies: `{"re": …, "ok": …}` and `{"re": …, "error": …}`.

use chat_core::{command::Reply, error::ChatError};
use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::{
    answer::{ConversationJson, History, Items, MemberJson, Sent},
    write_json,
};
use crate::{error::ErrorBody, metrics};

/// `{}`.
#[derive(Debug, Serialize)]
pub struct Empty {}

/// The reply to a command that was done.
pub fn reply_ok(re: u64, ok: &impl Serialize) -> String {
    to_text(&Done { re, ok })
}

/// The reply to a command of the domain that was done.
pub fn reply(re: u64, reply: &Reply) -> String {
    reply_ok(re, &ReplyJson(reply))
}

/// The reply to a command that was not done, or to a frame that is none.
pub fn reply_error(re: Option<u64>, error: &ChatError) -> String {
    metrics::error(error.code());
    to_text(&Refused { re, error: ErrorBody::from(error) })
}

#[derive(Serialize)]
struct Done<'a, T> {
    re: u64,
    ok: &'a T,
}

#[derive(Serialize)]
struct Refused {
    re: Option<u64>,
    error: ErrorBody,
}

/// The answer to any command, as an object.
#[derive(Debug)]
pub struct ReplyJson<'a>(pub &'a Reply);

impl Serialize for ReplyJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Reply::Done => serializer.serialize_struct("Done", 0)?.end(),
            Reply::Written(written) => Sent::from(written).serialize(serializer),
            Reply::History { items, head_seq } => {
                History { items, head_seq: head_seq.get() }.serialize(serializer)
            }
            Reply::Made { conversation, .. } | Reply::Conversation(conversation) => {
                ConversationJson::from(&**conversation).serialize(serializer)
            }
            Reply::Conversations { items, .. } => {
                Items { items: items.iter().map(ConversationJson::from).collect() }
                    .serialize(serializer)
            }
            Reply::Members { items, .. } => {
                Items { items: items.iter().map(MemberJson::from).collect() }.serialize(serializer)
            }
        }
    }
}

fn to_text(value: &impl Serialize) -> String {
    let mut out = Vec::with_capacity(256);
    write_json(&mut out, value);
    String::from_utf8(out).unwrap_or_default()
}
