//! What an entry says.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{AttachmentList, Member, Role, Seq, bounded, stored_text};
use crate::{
    id::UserId,
    limits::{EMOJI_BYTES_MAX, TEXT_BYTES_MAX, TITLE_BYTES_MAX},
};

/// What happened in a conversation.
///
/// An entry about a member carries that member's whole new state, so reading one entry is enough
/// to know the member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Body {
    /// The sender wrote a message.
    #[serde(with = "stored_text")]
    Text {
        /// The text; `None` after it has been erased.
        text: Option<Arc<str>>,
        /// The entry that the message answers.
        reply_to: Option<Seq>,
        /// The files that it shows; none after it has been erased.
        attachments: AttachmentList,
    },
    /// The sender replaced a message's text.
    Edited {
        /// The message.
        target_seq: Seq,
        /// The new text; `None` after it has been erased.
        #[serde(deserialize_with = "bounded::optional_text::<TEXT_BYTES_MAX, _>")]
        text: Option<Arc<str>>,
    },
    /// The sender removed a message's text.
    Redacted {
        /// The message.
        target_seq: Seq,
    },
    /// The sender put an emoji on a message, or took it off.
    Reaction {
        /// The message.
        target_seq: Seq,
        /// The emoji.
        #[serde(deserialize_with = "bounded::text::<EMOJI_BYTES_MAX, _>")]
        emoji: Arc<str>,
        /// True if the emoji was put on.
        on: bool,
    },
    /// A user became a member. Members see the log from this entry on, founders from the start.
    Joined {
        /// The new member.
        user: UserId,
        /// The new member's role.
        role: Role,
        /// How the user became one.
        joining: Joining,
    },
    /// A member left or was removed.
    Left {
        /// The former member.
        user: UserId,
        /// The user who removed the member; the member itself if it left.
        by: UserId,
    },
    /// A member's role changed.
    Role {
        /// The member with its new role.
        member: Member,
    },
    /// The group's title changed.
    Title {
        /// The new title.
        #[serde(deserialize_with = "bounded::text::<TITLE_BYTES_MAX, _>")]
        title: Arc<str>,
    },
}

/// How a user became a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Joining {
    /// The user was added later, and takes part at once.
    Added,
    /// The user has been a member since the conversation was created, and takes part at once.
    Founder,
    /// The user was added later, and has not agreed to take part yet.
    AddedAsRequest,
    /// The user has been a member since the conversation was created, and has not agreed to take
    /// part yet.
    FounderAsRequest,
    /// The user joined with an invite, and takes part at once.
    ByInvite {
        /// The member who made the invite.
        invited_by: UserId,
    },
}

impl Joining {
    /// Returns how a founder joins, depending on whether it has to agree.
    pub const fn founder(needs_consent: bool) -> Self {
        if needs_consent { Self::FounderAsRequest } else { Self::Founder }
    }

    /// Returns how a later member joins, depending on whether it has to agree.
    pub const fn added(needs_consent: bool) -> Self {
        if needs_consent { Self::AddedAsRequest } else { Self::Added }
    }

    /// Returns true if the user has been a member since the conversation was created.
    pub const fn is_founder(self) -> bool {
        matches!(self, Self::Founder | Self::FounderAsRequest)
    }

    /// Returns the member whose invite the user joined with.
    pub const fn invited_by(self) -> Option<UserId> {
        match self {
            Self::ByInvite { invited_by } => Some(invited_by),
            Self::Added | Self::Founder | Self::AddedAsRequest | Self::FounderAsRequest => None,
        }
    }

    /// Returns true if the user had not agreed to take part when it joined.
    pub const fn needs_consent(self) -> bool {
        matches!(self, Self::AddedAsRequest | Self::FounderAsRequest)
    }
}

impl Body {
    /// Makes a message without attachments.
    pub fn plain(text: impl Into<Arc<str>>, reply_to: Option<Seq>) -> Self {
        let attachments = AttachmentList::default();
        Self::Text { text: Some(text.into()), reply_to, attachments }
    }

    /// Makes a message whose text and attachments have been erased.
    pub fn erased(reply_to: Option<Seq>) -> Self {
        Self::Text { text: None, reply_to, attachments: AttachmentList::default() }
    }

    /// Returns the stable number of the variant, 1 to 8, for stores that keep it in a column of
    /// its own.
    pub const fn kind(&self) -> u8 {
        match self {
            Self::Text { .. } => 1,
            Self::Edited { .. } => 2,
            Self::Redacted { .. } => 3,
            Self::Reaction { .. } => 4,
            Self::Joined { .. } => 5,
            Self::Left { .. } => 6,
            Self::Role { .. } => 7,
            Self::Title { .. } => 8,
        }
    }

    /// Returns true for messages, which are what unread counts count.
    pub const fn is_text(&self) -> bool {
        matches!(self, Self::Text { .. })
    }

    /// Returns true if the entry changes something besides the log and the sender's own cursor.
    pub const fn is_projected(&self) -> bool {
        !self.is_text()
    }

    /// Returns the message that this edits or redacts.
    pub const fn changed_message(&self) -> Option<Seq> {
        match self {
            Self::Edited { target_seq, .. } | Self::Redacted { target_seq } => Some(*target_seq),
            Self::Text { .. }
            | Self::Reaction { .. }
            | Self::Joined { .. }
            | Self::Left { .. }
            | Self::Role { .. }
            | Self::Title { .. } => None,
        }
    }

    /// Returns the number of bytes of text, which bounds on batches count.
    pub fn text_bytes(&self) -> usize {
        match self {
            Self::Text { text, attachments, .. } => {
                text.as_ref().map_or(0, |text| text.len()) + attachments.name_bytes()
            }
            Self::Edited { text, .. } => text.as_ref().map_or(0, |text| text.len()),
            Self::Title { title } => title.len(),
            Self::Reaction { emoji, .. } => emoji.len(),
            Self::Redacted { .. } | Self::Joined { .. } | Self::Left { .. } | Self::Role { .. } => {
                0
            }
        }
    }

    /// Returns the body that is left after its text and its attachments are erased, or `None` if there
    /// is nothing to erase. Only messages and edits have a text, until it has been erased.
    #[must_use]
    pub fn without_text(&self) -> Option<Self> {
        match self {
            Self::Text { text: Some(_), reply_to, .. } => Some(Self::erased(*reply_to)),
            Self::Edited { text: Some(_), target_seq } => {
                Some(Self::Edited { text: None, target_seq: *target_seq })
            }
            Self::Text { text: None, .. }
            | Self::Edited { text: None, .. }
            | Self::Redacted { .. }
            | Self::Reaction { .. }
            | Self::Joined { .. }
            | Self::Left { .. }
            | Self::Role { .. }
            | Self::Title { .. } => None,
        }
    }

    /// Returns true if a retried command asks for the same as this body did. An erased text
    /// matches every text, with any attachments.
    pub fn repeats(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Text { text: a, reply_to: x, attachments: one },
                Self::Text { text: b, reply_to: y, attachments: other },
            ) => x == y && (a.is_none() || b.is_none() || (a == b && one == other)),
            (Self::Edited { target_seq: x, text: a }, Self::Edited { target_seq: y, text: b }) => {
                x == y && (a.is_none() || b.is_none() || a == b)
            }
            _ => self == other,
        }
    }
}
