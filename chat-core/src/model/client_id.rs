//! The sender's name for a command.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::limits::CLIENT_ID_CHARS_MAX;

/// The sender's own name for a command, which makes a retry recognizable: 1 to 64 characters of
/// `A-Z a-z 0-9 _ -`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct ClientId(Arc<str>);

/// The error for a text that is not a client id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a client id: expected 1 to 64 characters of A-Z a-z 0-9 _ -")]
pub struct InvalidClientId;

impl ClientId {
    /// Checks the length and the characters of `text`.
    pub fn new(text: &str) -> Result<Self, InvalidClientId> {
        let is_valid = (1..=CLIENT_ID_CHARS_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        if is_valid { Ok(Self(text.into())) } else { Err(InvalidClientId) }
    }

    /// Returns the characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ClientId {
    type Error = InvalidClientId;

    fn try_from(text: String) -> Result<Self, InvalidClientId> {
        Self::new(&text)
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
