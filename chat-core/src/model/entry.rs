//! One item of a conversation's log.

use std::{fmt, sync::Arc};

use super::{Member, Role};
use crate::{
    id::{ConversationId, EntryId, UserId},
    limits::CLIENT_ID_CHARS_MAX,
    time::Timestamp,
};

/// A position in a conversation's log; the first entry has 1, and 0 is before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Seq(u64);

impl Seq {
    /// Before the first entry.
    pub const ZERO: Self = Self(0);

    /// The position of this number.
    pub const fn new(value: u64) -> Self {
        Self(value)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The position after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The position before this one; before the first there is only zero.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// This position, `count` entries on.
    #[must_use]
    pub const fn plus(self, count: u64) -> Self {
        Self(self.0 + count)
    }

    /// How many entries lie in `(earlier, self]`.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// The sender's own name for a command: 1 to 64 characters of `A-Z a-z 0-9 _ -`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(Arc<str>);

/// Why a text is no client id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a client id: expected 1 to 64 characters of A-Z a-z 0-9 _ -")]
pub struct InvalidClientId;

impl ClientId {
    /// The client id that this text is, if it is one.
    pub fn new(text: &str) -> Result<Self, InvalidClientId> {
        let plain = (1..=CLIENT_ID_CHARS_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        if plain { Ok(Self(text.into())) } else { Err(InvalidClientId) }
    }

    /// Its characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientId({})", self.0)
    }
}

/// One item of a log, as it was appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The log.
    pub conversation: ConversationId,
    /// The position in it.
    pub seq: Seq,
    /// A name that needs no conversation, chosen by the gateway that made the entry.
    pub id: EntryId,
    /// Who made it.
    pub sender: UserId,
    /// The sender's name for the command behind it, where there was one.
    pub client_id: Option<ClientId>,
    /// When; not before its predecessor.
    pub at: Timestamp,
    /// How many entries of kind text the log has up to this one, itself included.
    pub ord: u64,
    /// What happened.
    pub body: Body,
}

/// What happened in a conversation. Membership bodies carry the whole resulting state of their
/// member, so that folding one is enough to know that member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// A message for people.
    Text {
        /// Its text; `None` once it has been erased.
        text: Option<Arc<str>>,
        /// The entry that it answers.
        reply_to: Option<Seq>,
    },
    /// A message's text was replaced.
    Edited {
        /// The message.
        target_seq: Seq,
        /// The new text; `None` once it has been erased.
        text: Option<Arc<str>>,
    },
    /// A message's text was taken away.
    Redacted {
        /// The message.
        target_seq: Seq,
    },
    /// The sender put an emoji on a message, or took it off.
    Reaction {
        /// The message.
        target_seq: Seq,
        /// The emoji.
        emoji: Arc<str>,
        /// On or off.
        on: bool,
    },
    /// A user became a member, and sees the log from this entry on; a founder, from the first.
    Joined {
        /// The new member.
        user: UserId,
        /// Its role.
        role: Role,
        /// Whether the conversation began with this member.
        is_founder: bool,
    },
    /// A member went, or was removed.
    Left {
        /// The former member.
        user: UserId,
        /// Who did it; the user itself when it left.
        by: UserId,
    },
    /// A member's role changed.
    Role {
        /// The member, as it is now.
        member: Member,
    },
    /// The group's title changed.
    Title {
        /// The new title.
        title: Arc<str>,
    },
}

impl Body {
    /// Whether it is a message for people: what unread counts.
    pub const fn is_text(&self) -> bool {
        matches!(self, Self::Text { .. })
    }

    /// Whether something besides the log is made of it: everything but plain text.
    pub const fn is_projected(&self) -> bool {
        !self.is_text()
    }

    /// Bytes of text in it, for bounds on batches.
    pub fn text_bytes(&self) -> usize {
        match self {
            Self::Text { text, .. } | Self::Edited { text, .. } => {
                text.as_ref().map_or(0, |text| text.len())
            }
            Self::Title { title } => title.len(),
            Self::Reaction { emoji, .. } => emoji.len(),
            Self::Redacted { .. } | Self::Joined { .. } | Self::Left { .. } | Self::Role { .. } => {
                0
            }
        }
    }

    /// Whether a repeated command asks for the same as this body did. What has been erased is
    /// taken at its word.
    pub fn repeats(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text { text: a, reply_to: x }, Self::Text { text: b, reply_to: y }) => {
                x == y && (a.is_none() || b.is_none() || a == b)
            }
            (Self::Edited { target_seq: x, text: a }, Self::Edited { target_seq: y, text: b }) => {
                x == y && (a.is_none() || b.is_none() || a == b)
            }
            _ => self == other,
        }
    }
}
