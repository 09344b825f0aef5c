//! Logins: families of refresh tokens.

use std::fmt;

use async_trait::async_trait;

use crate::{
    error::StoreError,
    id::{LoginId, UserId},
    model::{Login, LoginSecret},
    time::Timestamp,
};

/// What became of an exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotation {
    /// The successor is good now.
    Rotated(Login),
    /// The same exchange was made a moment ago and its successor is still the newest: the answer
    /// was lost, and here it is again.
    Repeated(Login),
    /// An old token was used again: the login has been ended.
    Reused {
        /// Whose login it was.
        user: UserId,
    },
    /// There is no such login, or it has run out.
    Gone,
}

/// Logins: families of refresh tokens.
#[async_trait]
pub trait Logins: Send + Sync + fmt::Debug {
    /// Keeps a new login. Past [`crate::limits::LOGINS_MAX`] of a user the one unused longest goes.
    async fn open(&self, login: &Login) -> Result<(), StoreError>;

    /// Exchanges `presented` for `successor` in one atomic step: [`Rotation::Rotated`] where
    /// `presented` is the current secret (the login then expires at `expires_at`);
    /// [`Rotation::Repeated`] where it is the previous one, exchanged for this same successor no
    /// longer than [`crate::limits::REFRESH_GRACE`] before `now`; otherwise the login ends.
    async fn rotate(
        &self,
        id: LoginId,
        presented: LoginSecret,
        successor: LoginSecret,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Rotation, StoreError>;

    /// Ends the login of this user; says whether there was one.
    async fn revoke(&self, user: UserId, id: LoginId) -> Result<bool, StoreError>;

    /// The user's logins that have not run out, newest first.
    async fn list(&self, user: UserId, now: Timestamp) -> Result<Vec<Login>, StoreError>;
}
