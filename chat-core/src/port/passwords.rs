//! Password hashing, deliberately slow.

use std::fmt;

use async_trait::async_trait;

/// Why a password could not be hashed or verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too many passwords are waiting to be hashed.
    #[error("too many log-ins at once")]
    Busy,
    /// The stored hash is malformed, or hashing failed.
    #[error("password hash unusable")]
    Unusable,
}

/// Hashes and verifies passwords.
#[async_trait]
pub trait Passwords: Send + Sync + fmt::Debug {
    /// Returns a salted hash in PHC string format.
    async fn hash(&self, password: &str) -> Result<String, PasswordError>;

    /// Returns true if the hash was made from this password. Without a hash the answer is false,
    /// and takes as long as with one, so that the time does not reveal whether a user exists.
    async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, PasswordError>;
}
