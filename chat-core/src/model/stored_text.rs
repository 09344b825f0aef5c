//! The stored form of a message.
//!
//! Postcard writes the variants of [`StoredText`] without attachments exactly as it once wrote an
//! optional text and a reply: so older records stay readable, and plain texts have not grown.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use super::{AttachmentList, Seq};
use crate::limits::TEXT_BYTES_MAX;

#[derive(Serialize, Deserialize)]
enum StoredText<T, A> {
    Erased { reply_to: Option<Seq> },
    Plain { text: T, reply_to: Option<Seq> },
    WithAttachments { text: T, reply_to: Option<Seq>, attachments: A },
}

#[expect(clippy::ref_option, reason = "serde's signature")]
pub(super) fn serialize<S: Serializer>(
    text: &Option<Arc<str>>,
    reply_to: &Option<Seq>,
    attachments: &AttachmentList,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let reply_to = *reply_to;
    let stored = match text.as_deref() {
        None => StoredText::Erased { reply_to },
        Some(text) if attachments.is_empty() => StoredText::Plain { text, reply_to },
        Some(text) => StoredText::WithAttachments { text, reply_to, attachments },
    };
    stored.serialize(serializer)
}

/// The members of a message: its text, the entry that it answers, and its attachments.
type Text = (Option<Arc<str>>, Option<Seq>, AttachmentList);

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
    let stored = StoredText::<Arc<str>, AttachmentList>::deserialize(deserializer)?;
    let (text, reply_to, attachments) = match stored {
        StoredText::Erased { reply_to } => return Ok((None, reply_to, AttachmentList::default())),
        StoredText::Plain { text, reply_to } => (text, reply_to, AttachmentList::default()),
        StoredText::WithAttachments { text, reply_to, attachments } => {
            (text, reply_to, attachments)
        }
    };
    if text.len() > TEXT_BYTES_MAX {
        return Err(D::Error::custom("the text is too long"));
    }
    Ok((Some(text), reply_to, attachments))
}
