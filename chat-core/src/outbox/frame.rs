//! An entry on its way to a client.

use bytes::Bytes;

use super::FollowUp;
use crate::{id::ConversationId, model::Seq};

/// An entry on its way to a client, encoded once for all readers.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    /// The event as it is sent.
    pub(crate) bytes: Bytes,
    /// The entry's conversation.
    pub(crate) conversation: ConversationId,
    /// The entry's seq.
    pub(crate) seq: Seq,
    /// What the session does after it has delivered the entry.
    pub(crate) follow_up: FollowUp,
}
