//! People and their credentials.

use std::{fmt, sync::Arc};

use async_trait::async_trait;

use crate::{
    error::StoreError,
    id::UserId,
    model::{User, Username},
};

/// The result of claiming a username.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameClaim {
    /// The account exists now.
    Yours,
    /// Another user has the name.
    NameTaken,
    /// Another user has the id. Nothing was stored.
    IdTaken,
}

/// Stores people and their password hashes.
#[async_trait]
pub trait Accounts: Send + Sync + fmt::Debug {
    /// Creates the account if its username and its id are free. Of several concurrent claims of a
    /// name exactly one wins. A repeated claim by the winner's user id wins again.
    async fn claim(&self, user: &User, password_hash: &str) -> Result<NameClaim, StoreError>;

    /// Returns the users with these ids in the same order.
    async fn users(&self, ids: &[UserId]) -> Result<Vec<Option<User>>, StoreError>;

    /// Returns the user with this name and its password hash.
    async fn credentials(
        &self,
        username: &Username,
    ) -> Result<Option<(User, Arc<str>)>, StoreError>;

    /// Replaces the user's password hash if it still is `before`. Returns false if it is another
    /// one. A repeated call with the same hashes returns true.
    async fn set_password(
        &self,
        user: &User,
        before: &str,
        after: &str,
    ) -> Result<bool, StoreError>;

    /// Sets the display name and returns the changed user, or `None` if the user does not exist.
    async fn set_profile(&self, id: UserId, display_name: &str)
    -> Result<Option<User>, StoreError>;

    /// Returns up to `limit` users whose username starts with `prefix` (in lower case), ascending
    /// by username.
    async fn search(&self, prefix: &str, limit: usize) -> Result<Vec<User>, StoreError>;

    /// Returns up to `limit` users with a [word](crate::name_words) of their display name that starts
    /// with `prefix`, each once, ascending by that word and then by id. A prefix of one character finds
    /// words of this character only.
    async fn search_words(&self, prefix: &str, limit: usize) -> Result<Vec<User>, StoreError>;
}
