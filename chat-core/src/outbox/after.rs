//! What follows from an entry for the session that hands it out.

use crate::{
    id::UserId,
    model::{Body, Entry},
};

/// What a session has to do after it has handed an entry out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// Nothing.
    Nothing,
    /// Show the conversation anew: its title changed.
    Show,
    /// Show the conversation anew, if this is the session's user: its role changed.
    ShowTo(UserId),
    /// Leave the conversation, if this is the session's user.
    Leave(UserId),
}

impl After {
    /// What follows from an entry.
    pub const fn of(entry: &Entry) -> Self {
        match &entry.body {
            Body::Title { .. } => Self::Show,
            Body::Role { member } => Self::ShowTo(member.user),
            Body::Left { user, .. } => Self::Leave(*user),
            Body::Text { .. }
            | Body::Edited { .. }
            | Body::Redacted { .. }
            | Body::Reaction { .. }
            | Body::Joined { .. } => Self::Nothing,
        }
    }
}
