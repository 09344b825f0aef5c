//! Entries on their way to the clients.

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

/// Consecutive entries of one conversation, which a fan-out offers to each listener.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(super) conversation: ConversationId,
    /// The entries in ascending order; at least one.
    pub(super) frames: Vec<Frame>,
    /// All of them as one buffer, for a client that has nothing else to receive.
    pub(super) bytes: Bytes,
    /// The seqs of the first and the last entry, unless a session must act on one of them itself.
    pub(super) plain_seqs: Option<(Seq, Seq)>,
}

impl Delivery {
    /// Creates a delivery of entries in ascending order. Returns `None` if `frames` is empty.
    pub(crate) fn new(frames: Vec<Frame>) -> Option<Self> {
        let first = frames.first()?;
        let last = frames.last()?;
        let is_plain = frames.iter().all(|frame| frame.follow_up == FollowUp::None);
        let plain_seqs = is_plain.then_some((first.seq, last.seq));
        let bytes = match &frames[..] {
            [only] => only.bytes.clone(),
            several => {
                several.iter().map(|frame| &frame.bytes[..]).collect::<Vec<_>>().concat().into()
            }
        };
        Some(Self { conversation: first.conversation, frames, bytes, plain_seqs })
    }
}
