//! People, and the user and login behind a request.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use super::bounded;
use crate::{
    error::ChatError,
    id::{LoginId, UserId},
    limits::{DISPLAY_NAME_BYTES_MAX, USERNAME_CHARS_MAX, USERNAME_CHARS_MIN},
    time::Timestamp,
};

/// A person's unique name: 3 to 32 characters of `a-z 0-9 _ . -`, kept in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Username(Arc<str>);

impl Username {
    /// Converts `text` to lower case after checking its length and characters.
    pub fn new(text: &str) -> Result<Self, ChatError> {
        let is_valid = (USERNAME_CHARS_MIN..=USERNAME_CHARS_MAX).contains(&text.len())
            && text.bytes().all(Self::is_letter);
        if is_valid {
            Ok(Self(text.to_ascii_lowercase().into()))
        } else {
            Err(ChatError::invalid("username", "expected 3 to 32 characters of a-z 0-9 _ . -"))
        }
    }

    /// Returns true if a name may have this byte, in either case.
    pub const fn is_letter(byte: u8) -> bool {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-')
    }

    /// Returns the characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Username {
    type Error = ChatError;

    fn try_from(text: String) -> Result<Self, ChatError> {
        Self::new(&text)
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A person, as others may see them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The user's id.
    pub id: UserId,
    /// The unique name.
    pub username: Username,
    /// The name to display; the username if the user chose none.
    #[serde(deserialize_with = "bounded::text::<DISPLAY_NAME_BYTES_MAX, _>")]
    pub display_name: Arc<str>,
    /// When the account was created.
    pub created_at: Timestamp,
}

/// The user and the login behind a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// The user.
    pub user: UserId,
    /// The login that the request used.
    pub login: LoginId,
}
