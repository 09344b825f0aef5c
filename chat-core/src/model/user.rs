//! People, their log-ins, and who stands behind a request.

use std::{fmt, sync::Arc};

use crate::{
    error::ChatError,
    id::{LoginId, UserId},
    limits::{USERNAME_CHARS_MAX, USERNAME_CHARS_MIN},
    time::Timestamp,
};

/// A person's unique name: 3 to 32 characters of `a-z 0-9 _ . -`, written in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Username(Arc<str>);

impl Username {
    /// The username that this text is, in lower case, if it is one.
    pub fn new(text: &str) -> Result<Self, ChatError> {
        let plain = (USERNAME_CHARS_MIN..=USERNAME_CHARS_MAX).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
        if plain {
            Ok(Self(text.to_ascii_lowercase().into()))
        } else {
            Err(ChatError::invalid("username", "expected 3 to 32 characters of a-z 0-9 _ . -"))
        }
    }

    /// Its characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A person, as others may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Who.
    pub id: UserId,
    /// The unique name.
    pub username: Username,
    /// The name for people; the username when none was chosen.
    pub display_name: Arc<str>,
    /// When the account was made.
    pub created_at: Timestamp,
}

/// The user and the login behind a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Identity {
    /// Who.
    pub user: UserId,
    /// By which login.
    pub login: LoginId,
}

/// The SHA-256 of a refresh token: what a store keeps of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LoginSecret(pub [u8; 32]);

impl fmt::Debug for LoginSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// One device's login: a family of refresh tokens of which one is the newest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The login.
    pub id: LoginId,
    /// Whose.
    pub user: UserId,
    /// What the user called the device.
    pub device: Option<Arc<str>>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When its tokens were last exchanged.
    pub used_at: Timestamp,
    /// When it ends unless it is used.
    pub expires_at: Timestamp,
    /// The refresh token that is good now.
    pub current: LoginSecret,
    /// The one before it, and when it was exchanged.
    pub previous: Option<(LoginSecret, Timestamp)>,
}
