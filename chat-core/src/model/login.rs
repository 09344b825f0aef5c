//! A device's login and its refresh tokens.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use super::bounded;
use crate::{
    id::{LoginId, UserId},
    limits::DEVICE_BYTES_MAX,
    time::Timestamp,
};

/// The SHA-256 of a refresh token. Stores keep this instead of the token.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LoginSecret(pub [u8; 32]);

impl fmt::Debug for LoginSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// One device's login: a chain of refresh tokens of which only the newest is valid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// The login's id.
    pub id: LoginId,
    /// The user who logged in.
    pub user: UserId,
    /// The user's name for the device.
    #[serde(deserialize_with = "bounded::optional_text::<DEVICE_BYTES_MAX, _>")]
    pub device: Option<Arc<str>>,
    /// When the user logged in.
    pub created_at: Timestamp,
    /// When a refresh token was last exchanged.
    pub used_at: Timestamp,
    /// When the login ends unless a refresh token is exchanged before.
    pub expires_at: Timestamp,
    /// The refresh token that is valid now.
    pub current: LoginSecret,
    /// The refresh token before it, and when it was exchanged.
    pub previous: Option<(LoginSecret, Timestamp)>,
}
