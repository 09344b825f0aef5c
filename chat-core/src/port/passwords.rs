//! Password hashing, slow by intent.

use std::fmt;

use async_trait::async_trait;

/// Why a password could not be hashed or checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too many are waiting.
    #[error("too many log-ins at once")]
    Busy,
    /// The hash is none, or hashing failed.
    #[error("password hash unusable")]
    Unusable,
}

/// Password hashing.
#[async_trait]
pub trait Passwords: Send + Sync + fmt::Debug {
    /// A salted hash in PHC string format.
    async fn hash(&self, password: &str) -> Result<String, PasswordError>;

    /// Whether the password is the hash's. `None` takes as long as a real hash and is never right.
    async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, PasswordError>;
}
