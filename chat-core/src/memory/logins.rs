//! Logins in memory.

use std::collections::HashMap;

use async_trait::async_trait;

use super::state::Shared;
use crate::{
    error::StoreError,
    id::{LoginId, UserId},
    model::{ExchangeDecision, Login, LoginSecret, TokenExchange},
    port::{self, Rotation},
    time::Timestamp,
};

fn logins_of(logins: &HashMap<LoginId, Login>, user: UserId) -> Vec<Login> {
    logins.values().filter(|login| login.user == user).cloned().collect()
}

/// Logins in memory.
#[derive(Debug)]
pub struct MemoryLogins(pub(super) Shared);

#[async_trait]
impl port::Logins for MemoryLogins {
    async fn open(&self, login: &Login) -> Result<bool, StoreError> {
        let logins = &mut self.0.lock().logins;
        if let Some(stored) = logins.get(&login.id) {
            return Ok(stored.is_same_opening(login));
        }
        logins.insert(login.id, login.clone());
        for evicted in Login::evicted(logins_of(logins, login.user)) {
            logins.remove(&evicted.id);
        }
        Ok(true)
    }

    async fn rotate(
        &self,
        id: LoginId,
        presented: LoginSecret,
        successor: LoginSecret,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Rotation, StoreError> {
        let logins = &mut self.0.lock().logins;
        let Some(login) = logins.get_mut(&id) else { return Ok(Rotation::Gone) };
        let exchange = TokenExchange { presented, successor, now, expires_at };
        Ok(match login.exchange(&exchange) {
            ExchangeDecision::Rotate(rotated) => {
                login.clone_from(&rotated);
                Rotation::Rotated(rotated)
            }
            ExchangeDecision::Repeat => Rotation::Repeated(login.clone()),
            ExchangeDecision::EndReused => {
                let user = login.user;
                logins.remove(&id);
                Rotation::Reused { user }
            }
            ExchangeDecision::Expired => Rotation::Gone,
        })
    }

    async fn revoke(&self, user: UserId, id: LoginId) -> Result<bool, StoreError> {
        let logins = &mut self.0.lock().logins;
        let is_theirs = logins.get(&id).is_some_and(|login| login.user == user);
        Ok(is_theirs && logins.remove(&id).is_some())
    }

    async fn list(&self, user: UserId, now: Timestamp) -> Result<Vec<Login>, StoreError> {
        Ok(Login::active(logins_of(&self.0.lock().logins, user), now))
    }
}
