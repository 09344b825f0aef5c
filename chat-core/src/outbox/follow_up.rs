//! What a session does after it has delivered an entry.

use crate::{
    id::UserId,
    model::{Body, Entry},
};

/// What a session does after it has delivered an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FollowUp {
    /// Nothing.
    None,
    /// Send the conversation object again: the title changed.
    Show,
    /// Send the conversation object again to this user: the role changed.
    ShowTo(UserId),
    /// Leave the conversation, if this is the session's user.
    Leave(UserId),
}

impl FollowUp {
    /// Returns what follows from an entry.
    pub(crate) const fn of(entry: &Entry) -> Self {
        match &entry.body {
            Body::Title { .. } => Self::Show,
            Body::Role { member } => Self::ShowTo(member.user),
            Body::Left { user, .. } => Self::Leave(*user),
            Body::Text { .. }
            | Body::Edited { .. }
            | Body::Redacted { .. }
            | Body::Reaction { .. }
            | Body::Joined { .. } => Self::None,
        }
    }
}
