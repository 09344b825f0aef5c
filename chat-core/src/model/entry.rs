//! One entry of a conversation's log, and its position.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Body, ClientId};
use crate::{
    id::{ConversationId, EntryId, UserId},
    time::Timestamp,
};

/// A position in a conversation's log. The first entry is at 1; 0 means "before the first entry".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Seq(u64);

impl Seq {
    /// The position before the first entry.
    pub const ZERO: Self = Self(0);

    /// Makes a position from its number.
    pub const fn new(value: u64) -> Self {
        Self(value)
    }

    /// Returns the number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Returns the position after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// Returns the position before this one, or zero for zero.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// Returns the position `count` entries after this one.
    #[must_use]
    pub const fn plus(self, count: u64) -> Self {
        Self(self.0 + count)
    }

    /// Returns the number of entries in `(earlier, self]`.
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

/// One entry of a log, as it was appended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The conversation whose log this is.
    pub conversation: ConversationId,
    /// The entry's position in the log.
    pub seq: Seq,
    /// A globally unique id, chosen by the gateway that made the entry.
    pub id: EntryId,
    /// The user who made the entry.
    pub sender: UserId,
    /// The sender's name for the command that made the entry. Entries that no single command
    /// made, such as the members a group starts with, have none.
    pub client_id: Option<ClientId>,
    /// When the entry was made; never before the entry that precedes it.
    pub at: Timestamp,
    /// The number of text entries in the log up to and including this entry.
    pub ord: u64,
    /// What happened.
    pub body: Body,
}
