//! How far a session is in one conversation.

use super::{After, Frame};
use crate::{conversation::feed::Offer, id::UserId, model::Seq};

/// How far a session is in one conversation.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place {
    /// Handed out up to here.
    pub(super) sent: Seq,
    /// Queued up to here; the same as `sent` while behind.
    pub(super) queued: Seq,
    /// While behind: the newest seq known.
    pub(super) head: Seq,
    /// Where the reader was last seen to leave.
    pub(super) left: Seq,
    pub(super) is_started: bool,
    pub(super) is_behind: bool,
    pub(super) is_new: bool,
}

impl Place {
    /// Whether the entry by which the reader leaves is still to be handed out.
    pub(super) fn is_leaving(&self) -> bool {
        self.left > self.sent
    }

    /// Notes an entry, and tells what it is to this reader.
    pub(super) fn offered(&mut self, frame: &Frame, reader: UserId) -> Offer {
        let is_live = self.is_started && !self.is_behind && !self.is_leaving();
        self.head = self.head.max(frame.seq);
        if frame.after == After::Leave(reader) {
            self.left = self.left.max(frame.seq);
        }
        if is_live { Offer::of(frame.seq, self.queued) } else { Offer::Stale }
    }
}
