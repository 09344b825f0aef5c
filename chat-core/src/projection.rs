//! What an entry changes besides the log, for every store the same.
//!
//! Each entry changes one thing. A store writes it with the entry's seq as its version, and the
//! highest version wins: applying entries in any order, any number of times, gives the same. That
//! holds for who has gone as well, so that a late `joined` does not bring a former member back.

use std::sync::Arc;

use crate::{
    id::UserId,
    model::{Body, Cursor, Entry, Member, Overlay, Seq},
};

/// What an entry changes besides the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Projection {
    /// This is the member's standing, unless a higher seq has written it.
    Member(Member),
    /// The user is no member, unless a higher seq has written it; to be remembered with its seq.
    Gone(UserId),
    /// This is the title, unless a higher seq has written it.
    Title(Arc<str>),
    /// The entry is folded into the overlay of this message; then [`erasures`] says what goes.
    Overlay {
        /// The message.
        target_seq: Seq,
    },
    /// The sender's own cursor is at least here: who writes has read.
    Cursor {
        /// The sender.
        user: UserId,
        /// The entry's own position.
        to: Cursor,
    },
}

impl Projection {
    /// What this entry changes. Joining writes no cursor: unread counts from the larger of the
    /// cursor's and the standing's `ord`.
    pub fn of(entry: &Entry) -> Self {
        let (seq, ord) = (entry.seq, entry.ord);
        match &entry.body {
            Body::Text { .. } => Self::Cursor {
                user: entry.sender,
                to: Cursor { delivered_seq: seq, read_seq: seq, read_ord: ord },
            },
            Body::Edited { target_seq, .. }
            | Body::Redacted { target_seq }
            | Body::Reaction { target_seq, .. } => Self::Overlay { target_seq: *target_seq },
            Body::Joined { user, role, is_founder } => {
                let joined_seq = if *is_founder { Seq::ZERO.next() } else { seq };
                Self::Member(Member { user: *user, role: *role, joined_seq, joined_ord: ord })
            }
            Body::Role { member } => Self::Member(*member),
            Body::Left { user, .. } => Self::Gone(*user),
            Body::Title { title } => Self::Title(title.clone()),
        }
    }
}

/// The entries whose text a redaction takes away, once the overlay of its message knows of it: the
/// message and all its edits. To be asked after each entry folded, for an edit may come late.
pub fn erasures(target_seq: Seq, overlay: &Overlay) -> Vec<Seq> {
    match overlay.redacted {
        Some(_) => std::iter::once(target_seq).chain(overlay.edit_seqs.iter().copied()).collect(),
        None => Vec::new(),
    }
}
