//! Accounts and logins whose calls follow a test's instructions.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Call, Faults};
use crate::{
    error::StoreError,
    id::{LoginId, UserId},
    model::{EndedLogin, Login, TokenExchange, TokenGeneration, User, Username},
    port::{Accounts, Logins, NameClaim, Rotation},
    time::Timestamp,
};

#[derive(Debug)]
pub(super) struct FaultyAccounts {
    pub(super) inner: Arc<dyn Accounts>,
    pub(super) faults: Arc<Faults>,
}

#[async_trait]
impl Accounts for FaultyAccounts {
    async fn claim(&self, user: &User, password_hash: &str) -> Result<NameClaim, StoreError> {
        self.faults.run(Call::ClaimName, self.inner.claim(user, password_hash)).await
    }

    async fn users(&self, ids: &[UserId]) -> Result<Vec<Option<User>>, StoreError> {
        self.faults.run(Call::Users, self.inner.users(ids)).await
    }

    async fn credentials(
        &self,
        username: &Username,
    ) -> Result<Option<(User, Arc<str>)>, StoreError> {
        self.faults.run(Call::Credentials, self.inner.credentials(username)).await
    }

    async fn set_password(
        &self,
        user: &User,
        before: &str,
        after: &str,
    ) -> Result<bool, StoreError> {
        self.faults.run(Call::SetPassword, self.inner.set_password(user, before, after)).await
    }

    async fn set_profile(
        &self,
        id: UserId,
        display_name: &str,
    ) -> Result<Option<User>, StoreError> {
        self.faults.run(Call::SetProfile, self.inner.set_profile(id, display_name)).await
    }

    async fn search(&self, prefix: &str, limit: usize) -> Result<Vec<User>, StoreError> {
        self.faults.run(Call::SearchNames, self.inner.search(prefix, limit)).await
    }

    async fn search_words(&self, prefix: &str, limit: usize) -> Result<Vec<User>, StoreError> {
        self.faults.run(Call::SearchWords, self.inner.search_words(prefix, limit)).await
    }
}

#[derive(Debug)]
pub(super) struct FaultyLogins {
    pub(super) inner: Arc<dyn Logins>,
    pub(super) faults: Arc<Faults>,
}

#[async_trait]
impl Logins for FaultyLogins {
    async fn open(&self, login: &Login) -> Result<bool, StoreError> {
        self.faults.run(Call::OpenLogin, self.inner.open(login)).await
    }

    async fn rotate(&self, id: LoginId, exchange: &TokenExchange) -> Result<Rotation, StoreError> {
        self.faults.run(Call::RotateLogin, self.inner.rotate(id, exchange)).await
    }

    async fn mark_used(&self, id: LoginId, generation: TokenGeneration) -> Result<(), StoreError> {
        self.faults.run(Call::MarkLoginUsed, self.inner.mark_used(id, generation)).await
    }

    async fn revoke(&self, ended: EndedLogin, now: Timestamp) -> Result<bool, StoreError> {
        self.faults.run(Call::RevokeLogin, self.inner.revoke(ended, now)).await
    }

    async fn ended(&self, now: Timestamp) -> Result<Vec<EndedLogin>, StoreError> {
        self.faults.run(Call::EndedLogins, self.inner.ended(now)).await
    }

    async fn list(&self, user: UserId, now: Timestamp) -> Result<Vec<Login>, StoreError> {
        self.faults.run(Call::ListLogins, self.inner.list(user, now)).await
    }
}
