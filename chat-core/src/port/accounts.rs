//! People and their credentials.

use std::{fmt, sync::Arc};

use async_trait::async_trait;

use crate::{
    error::StoreError,
    id::UserId,
    model::{User, Username},
};

/// People and their credentials.
#[async_trait]
pub trait Accounts: Send + Sync + fmt::Debug {
    /// Makes the account with its password hash, if its username is free; says whether it was.
    /// Of several at the same moment one wins. The same user id again wins again.
    async fn claim(&self, user: &User, password_hash: &str) -> Result<bool, StoreError>;

    /// The users with these ids, in this order.
    async fn users(&self, ids: &[UserId]) -> Result<Vec<Option<User>>, StoreError>;

    /// The user of this name and its password hash.
    async fn credentials(
        &self,
        username: &Username,
    ) -> Result<Option<(User, Arc<str>)>, StoreError>;

    /// Sets the display name; `None` where there is no such user.
    async fn set_profile(&self, id: UserId, display_name: &str)
    -> Result<Option<User>, StoreError>;

    /// Up to `limit` users whose username begins with `prefix` (lower case), ascending by username.
    async fn search(&self, prefix: &str, limit: usize) -> Result<Vec<User>, StoreError>;
}
