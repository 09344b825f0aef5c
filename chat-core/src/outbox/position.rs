//! How far a session has got in one conversation.

use super::{Delivery, FollowUp, Frame, Offer, Sent, Transport};
use crate::{
    id::UserId,
    model::Seq,
    planted::{Bug, is_planted},
};

/// How far a session has got in one conversation.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Position {
    /// The last seq delivered.
    pub(super) delivered: Seq,
    /// The last seq queued; the same as `delivered` while behind.
    pub(super) queued: Seq,
    /// While behind: the newest seq known.
    pub(super) head: Seq,
    /// The newest entry by which the reader left.
    pub(super) left: Seq,
    /// False between `prepare` and `start`, while the session reads the head.
    pub(super) is_started: bool,
    pub(super) is_behind: bool,
    /// True until the client has got the conversation object. While not behind, the conversation is
    /// hidden until its next entry.
    pub(super) is_new: bool,
}

impl Position {
    /// Returns true if the entry by which the reader leaves is not delivered yet.
    pub(super) fn is_leaving(&self) -> bool {
        self.left > self.delivered
    }

    /// Passes entries to the transport if they are next.
    pub(super) fn send(&mut self, delivery: &Delivery, transport: &dyn Transport) -> Sent {
        let Some((first, last)) = delivery.plain_seqs else { return Sent::Nothing };
        if !self.is_live() || self.is_new || Offer::of(first, self.queued) != Offer::Next {
            return Sent::Nothing;
        }
        let sent = transport.try_send(&delivery.bytes, delivery.frames.len());
        if sent != Sent::Nothing {
            self.head = self.head.max(last);
            self.queued = last;
            self.delivered = last;
        }
        sent
    }

    fn is_live(&self) -> bool {
        self.is_started && !self.is_behind && !self.is_leaving()
    }

    /// Notes an offered entry, and returns what it means to this reader.
    pub(super) fn note(&mut self, frame: &Frame, reader: UserId) -> Offer {
        let is_live = self.is_live();
        self.head = self.head.max(frame.seq);
        if frame.follow_up == FollowUp::Leave(reader) && !is_planted(Bug::DeliversAfterRemoval) {
            self.left = self.left.max(frame.seq);
        }
        let offer = if is_live { Offer::of(frame.seq, self.queued) } else { Offer::Stale };
        // The session sends a hidden conversation's object first.
        if self.is_new && offer == Offer::Next { Offer::Gap } else { offer }
    }
}
