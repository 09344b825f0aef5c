//! Logins and the exchange of their refresh tokens.

use std::fmt;

use async_trait::async_trait;

use crate::{
    error::StoreError,
    id::{LoginId, UserId},
    model::{Login, LoginSecret},
    time::Timestamp,
};

/// The result of exchanging a refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotation {
    /// The successor is valid now.
    Rotated(Login),
    /// The same exchange was made a moment ago and its successor is still the newest. The first
    /// answer was probably lost.
    Repeated(Login),
    /// An old token was used again, so the login has been ended.
    Reused {
        /// The user whose login it was.
        user: UserId,
    },
    /// The login does not exist or has expired.
    Gone,
}

/// Stores logins.
#[async_trait]
pub trait Logins: Send + Sync + fmt::Debug {
    /// Stores a new login. If the user then has more than [`crate::limits::LOGINS_MAX`], the least
    /// recently used ones are deleted ([`Login::evicted`]). Returns false if another login has the
    /// id. Opening the same login again returns true.
    async fn open(&self, login: &Login) -> Result<bool, StoreError>;

    /// Exchanges the token `presented` for `successor` in one atomic step, as
    /// [`Login::exchange`] decides. The login then expires at `expires_at`.
    async fn rotate(
        &self,
        id: LoginId,
        presented: LoginSecret,
        successor: LoginSecret,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Rotation, StoreError>;

    /// Deletes this user's login. Returns false if it did not exist.
    async fn revoke(&self, user: UserId, id: LoginId) -> Result<bool, StoreError>;

    /// Returns the user's logins that have not expired, newest first ([`Login::active`]).
    async fn list(&self, user: UserId, now: Timestamp) -> Result<Vec<Login>, StoreError>;
}
