//! Logins and the exchange of their refresh tokens.

use std::fmt;

use async_trait::async_trait;

use crate::{
    error::StoreError,
    id::{LoginId, UserId},
    model::{EndedLogin, Login, TokenExchange, TokenGeneration},
    time::Timestamp,
};

/// The result of exchanging a refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotation {
    /// The successor is valid now.
    Rotated(Login),
    /// The same exchange was made before, and nothing that came from it was used. The first answer
    /// was probably lost.
    Repeated(Login),
    /// An old token was used again, so the login has been ended.
    Reused {
        /// The user whose login it was.
        user: UserId,
    },
    /// The login ended before, and its access tokens must still be refused. The gateway that ended it
    /// may have failed before it told the others.
    Ended {
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

    /// Exchanges one token for another in one atomic step, as [`Login::exchange`] decides. A login
    /// that ends because of reuse is kept as an ended one. A login that ended before must be answered
    /// with [`Rotation::Ended`] if its access tokens are refused no longer than `refused_until`.
    async fn rotate(&self, id: LoginId, exchange: &TokenExchange) -> Result<Rotation, StoreError>;

    /// Records that an access token of this generation was used, as [`Login::after_use`] decides.
    /// Does nothing if the login does not exist.
    async fn mark_used(&self, id: LoginId, generation: TokenGeneration) -> Result<(), StoreError>;

    /// Deletes the user's login, and keeps it as an ended one until its time has passed. Returns
    /// false if it did not exist.
    async fn revoke(&self, ended: EndedLogin, now: Timestamp) -> Result<bool, StoreError>;

    /// Returns the ended logins whose time has not passed, in any order.
    async fn ended(&self, now: Timestamp) -> Result<Vec<EndedLogin>, StoreError>;

    /// Returns the user's logins that have not expired, newest first ([`Login::active`]).
    async fn list(&self, user: UserId, now: Timestamp) -> Result<Vec<Login>, StoreError>;
}
