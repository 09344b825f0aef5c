//! Projections: what an entry changes besides the log, the same for every store.
//!
//! Each entry changes one thing. A store writes it with the entry's seq as its version, and the
//! highest version wins. Applying entries in any order and any number of times therefore gives the
//! same result. Former members are remembered with their seq too, so that a `joined` entry that is
//! applied late does not bring them back.

use std::sync::Arc;

use crate::{
    id::UserId,
    model::{Body, Cursor, Entry, Member, Overlay, Seq},
    planted::{Bug, is_planted},
};

/// The change that an entry makes besides the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Projection {
    /// This is the member's new state, unless a higher seq has already written it.
    Member(Member),
    /// The user is not a member any more, unless a higher seq has already written its state. The
    /// store must remember this with its seq.
    Gone(UserId),
    /// This is the new title, unless a higher seq has already written it.
    Title(Arc<str>),
    /// The entry is to be folded into the overlay of this message. Afterwards [`erasures`] returns
    /// the texts to erase.
    Overlay {
        /// The message.
        target_seq: Seq,
    },
    /// The sender's own cursor moves at least to the entry, because the sender has read what comes
    /// before it.
    Cursor {
        /// The sender.
        user: UserId,
        /// The entry's position.
        to: Cursor,
    },
}

impl Projection {
    /// Returns the change that this entry makes. Joining does not write a cursor, because unread
    /// counts start at the larger of the cursor's `read_ord` and the member's `joined_ord`.
    pub fn of(entry: &Entry) -> Self {
        let Entry { seq, ord, .. } = *entry;
        match &entry.body {
            Body::Text { .. } => Self::Cursor {
                user: entry.sender,
                to: Cursor { delivered_seq: seq, read_seq: seq, read_ord: ord },
            },
            Body::Edited { target_seq, .. }
            | Body::Redacted { target_seq }
            | Body::Reaction { target_seq, .. } => Self::Overlay { target_seq: *target_seq },
            Body::Joined { user, role, joining } => Self::Member(Member {
                user: *user,
                role: *role,
                needs_consent: joining.needs_consent(),
                joined_seq: if joining.is_founder() { Seq::ZERO.next() } else { seq },
                joined_ord: ord,
            }),
            Body::Role { member } => Self::Member(*member),
            Body::Left { user, .. } => Self::Gone(*user),
            Body::Title { title } => Self::Title(title.clone()),
        }
    }
}

/// Returns the entries whose text must be erased because the message is redacted: the message and
/// all its edits. A store asks after each entry it folds, because an edit may be folded after the
/// redaction.
pub fn erasures(target_seq: Seq, overlay: &Overlay) -> Vec<Seq> {
    match overlay.redacted {
        Some(_) if is_planted(Bug::LeavesRedactedText) => Vec::new(),
        Some(_) => std::iter::once(target_seq).chain(overlay.edit_seqs.iter().copied()).collect(),
        None => Vec::new(),
    }
}
