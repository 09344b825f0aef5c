//! A conversation's creation, running values, members and cursors.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Seq, bounded};
use crate::{
    id::{ConversationId, UserId},
    limits::TITLE_BYTES_MAX,
    planted::{Bug, is_planted},
    time::Timestamp,
};

/// The kind of a conversation; it never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// Two people, without a title. Nobody can join or leave.
    Direct,
    /// A titled group whose members come and go.
    Group,
}

/// What a member may do, from least to most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Role {
    /// May send, react, edit and redact its own messages, and leave.
    Member,
    /// May also add and remove members, set the title, and redact everybody's messages.
    Admin,
    /// May do everything.
    Owner,
}

impl Role {
    /// Returns the stable number of the role, for stores that keep it in a column of its own.
    pub const fn code(self) -> u8 {
        match self {
            Self::Member => 0,
            Self::Admin => 1,
            Self::Owner => 2,
        }
    }

    /// Returns the role that [`Self::code`] gave this number, or `None` if no role has it.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Member),
            1 => Some(Self::Admin),
            2 => Some(Self::Owner),
            _ => None,
        }
    }
}

/// The facts of a conversation's creation; they never change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Founding {
    /// The conversation.
    pub conversation: ConversationId,
    /// Direct or group.
    pub kind: Kind,
    /// The group's first title.
    #[serde(deserialize_with = "bounded::optional_text::<TITLE_BYTES_MAX, _>")]
    pub title: Option<Arc<str>>,
    /// When the conversation was created.
    pub created_at: Timestamp,
}

impl Founding {
    /// Returns true if both are the same conversation, created by one attempt or by several.
    pub fn is_same(&self, other: &Self) -> bool {
        (self.conversation, self.kind, &self.title)
            == (other.conversation, other.kind, &other.title)
    }
}

/// A log's newest position and the running values at it. Each append writes the next head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Head {
    /// The newest entry's seq; zero if the log is empty.
    pub seq: Seq,
    /// The number of text entries up to there.
    pub ord: u64,
    /// The newest entry's time.
    pub at: Timestamp,
    /// The seq of the newest text entry, or zero without one.
    pub text_seq: Seq,
    /// The seq of the newest entry of any other kind, or zero without one. Such entries have
    /// projections.
    pub projected_seq: Seq,
    /// The number of members.
    pub members: u32,
    /// The number of members who are owners.
    pub owners: u32,
}

/// A member's state in one conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StoredMember", into = "StoredMember")]
pub struct Member {
    /// The member.
    pub user: UserId,
    /// What the member may do.
    pub role: Role,
    /// True if the membership is a request until the member takes part ([`super::Consent`]).
    pub needs_consent: bool,
    /// The first entry that the member sees: its newest `joined` entry, or 1 for founders.
    pub joined_seq: Seq,
    /// The number of text entries up to `joined_seq`; unread counts start there.
    pub joined_ord: u64,
}

/// Added to [`Role::code`] if the membership needs its owner's consent.
const NEEDS_CONSENT: u8 = 4;

impl Member {
    /// Returns one number for the role and for whether consent is needed, for stores that keep it in
    /// a column of its own.
    pub const fn code(&self) -> u8 {
        self.role.code() | if self.needs_consent { NEEDS_CONSENT } else { 0 }
    }

    /// Returns the role, and whether consent is needed, from the number that [`Self::code`] gave.
    pub const fn from_code(code: u8) -> Option<(Role, bool)> {
        match Role::from_code(code & !NEEDS_CONSENT) {
            Some(role) => Some((role, code & NEEDS_CONSENT != 0)),
            None => None,
        }
    }
}

/// How a member is encoded.
#[derive(Serialize, Deserialize)]
struct StoredMember {
    user: UserId,
    /// [`Member::code`].
    code: u8,
    joined_seq: Seq,
    joined_ord: u64,
}

impl From<Member> for StoredMember {
    fn from(member: Member) -> Self {
        let Member { user, joined_seq, joined_ord, .. } = member;
        Self { user, code: member.code(), joined_seq, joined_ord }
    }
}

impl TryFrom<StoredMember> for Member {
    type Error = &'static str;

    fn try_from(stored: StoredMember) -> Result<Self, Self::Error> {
        let StoredMember { user, code, joined_seq, joined_ord } = stored;
        let (role, needs_consent) = Self::from_code(code).ok_or("unknown role")?;
        Ok(Self { user, role, needs_consent, joined_seq, joined_ord })
    }
}

/// A user's membership in one conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The conversation.
    pub conversation: ConversationId,
    /// The user's state in it.
    pub member: Member,
}

/// How far a member has received and read a log. Both seqs only move forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cursor {
    /// The newest entry that reached one of the member's devices.
    pub delivered_seq: Seq,
    /// The newest entry that the member has read.
    pub read_seq: Seq,
    /// The number of text entries up to `read_seq`. The head's `ord` minus this is the number of
    /// unread messages.
    pub read_ord: u64,
}

impl Cursor {
    /// Returns how far the member has received the log, but not what it has read.
    #[must_use]
    pub fn without_reads(self) -> Self {
        Self { delivered_seq: self.delivered_seq, ..Self::default() }
    }

    /// Returns the further of both cursors, field by field. What has been read counts as
    /// delivered.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        if is_planted(Bug::MovesReceiptsBack) && other != Self::default() {
            return other;
        }
        let (read_seq, read_ord) =
            (self.read_seq, self.read_ord).max((other.read_seq, other.read_ord));
        Self {
            delivered_seq: self.delivered_seq.max(other.delivered_seq).max(read_seq),
            read_seq,
            read_ord,
        }
    }
}
