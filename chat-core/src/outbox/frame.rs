//! What an outbox holds of entries.

use bytes::Bytes;

use super::After;
use crate::{id::ConversationId, model::Seq};

/// An entry as it goes out: encoded once for everybody.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The event on the wire.
    pub bytes: Bytes,
    /// The conversation.
    pub conversation: ConversationId,
    /// The entry's seq.
    pub seq: Seq,
    /// What its reader has to do besides.
    pub after: After,
}
