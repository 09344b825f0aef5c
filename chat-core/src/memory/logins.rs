//! Logins in memory.

use std::collections::HashMap;

use async_trait::async_trait;

use super::state::Shared;
use crate::{
    error::StoreError,
    id::{LoginId, UserId},
    model::{EndedLogin, ExchangeDecision, Identity, Login, TokenExchange, TokenGeneration},
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

    async fn rotate(&self, id: LoginId, exchange: &TokenExchange) -> Result<Rotation, StoreError> {
        let state = &mut *self.0.lock();
        let Some(login) = state.logins.get_mut(&id) else {
            let ended = state.ended_logins.get(&id).filter(|one| one.refused_until > exchange.now);
            return Ok(
                ended.map_or(Rotation::Gone, |one| Rotation::Ended { user: one.identity.user })
            );
        };
        Ok(match login.exchange(exchange) {
            ExchangeDecision::Rotate(rotated) => {
                login.clone_from(&rotated);
                Rotation::Rotated(rotated)
            }
            ExchangeDecision::Repeat => Rotation::Repeated(login.clone()),
            ExchangeDecision::EndReused => {
                let ended = login.ended_by(exchange);
                state.logins.remove(&id);
                state.ended_logins.insert(id, ended);
                Rotation::Reused { user: ended.identity.user }
            }
            ExchangeDecision::Expired => Rotation::Gone,
        })
    }

    async fn mark_used(&self, id: LoginId, generation: TokenGeneration) -> Result<(), StoreError> {
        if let Some(login) = self.0.lock().logins.get_mut(&id)
            && let Some(used) = login.after_use(generation)
        {
            *login = used;
        }
        Ok(())
    }

    async fn revoke(&self, ended: EndedLogin, now: Timestamp) -> Result<bool, StoreError> {
        let state = &mut *self.0.lock();
        let Identity { user, login } = ended.identity;
        if state.logins.get(&login).is_none_or(|login| login.user != user) {
            return Ok(false);
        }
        state.logins.remove(&login);
        state.ended_logins.retain(|_, ended| ended.refused_until > now);
        state.ended_logins.insert(login, ended);
        Ok(true)
    }

    async fn ended(&self, now: Timestamp) -> Result<Vec<EndedLogin>, StoreError> {
        let state = self.0.lock();
        let ended = state.ended_logins.values().filter(|one| one.refused_until > now);
        let mut ended: Vec<EndedLogin> = ended.copied().collect();
        ended.sort_unstable_by_key(|one| one.identity.login);
        Ok(ended)
    }

    async fn list(&self, user: UserId, now: Timestamp) -> Result<Vec<Login>, StoreError> {
        Ok(Login::active(logins_of(&self.0.lock().logins, user), now))
    }
}
