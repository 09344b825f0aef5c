//! Who may reach a user, and what others may see of them.

use serde::{Deserialize, Serialize};

use crate::id::UserId;

/// The people whom a setting allows something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Audience {
    /// Everybody.
    #[default]
    Everyone,
    /// People whose direct conversation is open on the user's side.
    Contacts,
    /// Nobody.
    Nobody,
}

impl Audience {
    /// Returns the stable number of the audience, for stores that keep it in a column of its own.
    pub const fn code(self) -> u8 {
        match self {
            Self::Everyone => 0,
            Self::Contacts => 1,
            Self::Nobody => 2,
        }
    }

    /// Returns the audience that [`Self::code`] gave this number, or `None` if none has it.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Everyone),
            1 => Some(Self::Contacts),
            2 => Some(Self::Nobody),
            _ => None,
        }
    }
}

/// A user's privacy settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Privacy {
    /// Who may see whether the user is online, and when they were last seen.
    pub last_seen: Audience,
    /// Who may open a direct conversation.
    pub direct_messages: Audience,
    /// Who may add the user to groups.
    pub add_to_groups: Audience,
    /// True if others may see what the user has read.
    pub read_receipts: bool,
}

impl Default for Privacy {
    fn default() -> Self {
        let everyone = Audience::Everyone;
        Self {
            last_seen: everyone,
            direct_messages: everyone,
            add_to_groups: everyone,
            read_receipts: true,
        }
    }
}

/// New values of some privacy settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the fields are those of `Privacy`")]
pub struct PrivacyChange {
    pub last_seen: Option<Audience>,
    pub direct_messages: Option<Audience>,
    pub add_to_groups: Option<Audience>,
    pub read_receipts: Option<bool>,
}

impl Privacy {
    /// Returns the settings after a change.
    #[must_use]
    pub fn changed(self, change: PrivacyChange) -> Self {
        Self {
            last_seen: change.last_seen.unwrap_or(self.last_seen),
            direct_messages: change.direct_messages.unwrap_or(self.direct_messages),
            add_to_groups: change.add_to_groups.unwrap_or(self.add_to_groups),
            read_receipts: change.read_receipts.unwrap_or(self.read_receipts),
        }
    }
}

/// What a user allows others: the privacy settings, and whom the user has blocked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Boundary {
    /// The privacy settings.
    pub privacy: Privacy,
    /// The blocked users, ascending.
    pub blocked: Vec<UserId>,
}

impl Boundary {
    /// Returns true if the user has blocked this other one.
    pub fn blocks(&self, user: UserId) -> bool {
        self.blocked.binary_search(&user).is_ok()
    }

    /// Blocks a user, or ends the block.
    pub fn set_block(&mut self, user: UserId, on: bool) {
        match (self.blocked.binary_search(&user), on) {
            (Err(place), true) => self.blocked.insert(place, user),
            (Ok(place), false) => {
                self.blocked.remove(place);
            }
            (Ok(_), true) | (Err(_), false) => {}
        }
    }
}
