//! Logins and their refresh tokens.

use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{
    error::StoreError,
    id::{LoginId, UserId},
    limits::LOGINS_MAX,
    model::{EndedLogin, ExchangeDecision, Identity, Login, TokenExchange, TokenGeneration},
    port::{Logins, Rotation},
    time::Timestamp,
};

use super::{
    changes::{Row, Txn},
    keys,
    spaces::Space,
    store::Shared,
    values,
};

/// How many ended logins are read when another one ends.
const SWEPT_ROWS: usize = 4;

/// The logins of an embedded store.
#[derive(Debug)]
pub(super) struct EmbeddedLogins(pub(super) Arc<Shared>);

fn put(txn: &mut Txn<'_>, login: &Login) {
    txn.put(Space::People, keys::login(login.id), login);
    txn.put_encoded(Space::People, keys::login_of(login.user, login.id), Vec::new());
}

fn remove(txn: &mut Txn<'_>, user: UserId, id: LoginId) {
    txn.remove(Space::People, keys::login(id));
    txn.remove(Space::People, keys::login_of(user, id));
}

/// Ends a login. Removes some of the ended logins whose time has passed.
fn end(txn: &mut Txn<'_>, ended: EndedLogin, now: Timestamp) -> Result<(), StoreError> {
    remove(txn, ended.identity.user, ended.identity.login);
    let passed = keys::ENDED_LOGINS_START.to_vec()..=keys::ended_after(now);
    for (key, _) in txn.committed_range(Space::People, passed, SWEPT_ROWS)? {
        txn.remove(Space::People, key);
    }
    let key = keys::ended_login(ended.refused_until, ended.identity.login);
    txn.put(Space::People, key, &ended.identity);
    Ok(())
}

fn read_ended(key: &[u8], value: &[u8]) -> Result<EndedLogin, StoreError> {
    let until = keys::time_in(key)
        .ok_or_else(|| StoreError::Corrupt("the key of an ended login has no time".to_owned()))?;
    Ok(EndedLogin { identity: values::decode(key, value)?, refused_until: until })
}

/// Returns the login id in a key of [`keys::logins_of`].
fn login_id((key, _): &Row) -> Result<LoginId, StoreError> {
    keys::last_number(key).and_then(LoginId::new).ok_or_else(|| {
        StoreError::Corrupt("the key of a login does not end with its id".to_owned())
    })
}

#[async_trait]
impl Logins for EmbeddedLogins {
    async fn open(&self, login: &Login) -> Result<bool, StoreError> {
        let opened = login.clone();
        self.0
            .change_login(256, move |txn| {
                let stored: Option<Login> = txn.get(Space::People, &keys::login(opened.id))?;
                if let Some(stored) = stored {
                    return Ok(stored.is_same_opening(&opened));
                }
                put(txn, &opened);
                let rows = txn.scan(Space::People, &keys::logins_of(opened.user))?;
                if rows.len() <= LOGINS_MAX {
                    return Ok(true);
                }
                let mut logins = Vec::with_capacity(rows.len());
                for row in &rows {
                    logins.extend(txn.get::<Login>(Space::People, &keys::login(login_id(row)?))?);
                }
                for evicted in Login::evicted(logins) {
                    remove(txn, evicted.user, evicted.id);
                }
                Ok(true)
            })
            .await
    }

    async fn rotate(&self, id: LoginId, exchange: &TokenExchange) -> Result<Rotation, StoreError> {
        let exchange = *exchange;
        let rotated = self
            .0
            .change_login(256, move |txn| {
                let login: Option<Login> = txn.get(Space::People, &keys::login(id))?;
                let Some(login) = login else { return Ok(None) };
                Ok(Some(match login.exchange(&exchange) {
                    ExchangeDecision::Rotate(rotated) => {
                        put(txn, &rotated);
                        Rotation::Rotated(rotated)
                    }
                    ExchangeDecision::Repeat => Rotation::Repeated(login),
                    ExchangeDecision::EndReused => {
                        end(txn, login.ended_by(&exchange), exchange.now)?;
                        Rotation::Reused { user: login.user }
                    }
                    ExchangeDecision::Expired => Rotation::Gone,
                }))
            })
            .await?;
        if let Some(rotated) = rotated {
            return Ok(rotated);
        }
        let ended = self.ended(exchange.now).await?;
        let ended = ended.into_iter().find(|one| one.identity.login == id);
        Ok(ended.map_or(Rotation::Gone, |one| Rotation::Ended { user: one.identity.user }))
    }

    async fn mark_used(&self, id: LoginId, generation: TokenGeneration) -> Result<(), StoreError> {
        self.0
            .change_login(256, move |txn| {
                let login: Option<Login> = txn.get(Space::People, &keys::login(id))?;
                if let Some(used) = login.and_then(|login| login.after_use(generation)) {
                    txn.put(Space::People, keys::login(id), &used);
                }
                Ok(())
            })
            .await
    }

    async fn revoke(&self, ended: EndedLogin, now: Timestamp) -> Result<bool, StoreError> {
        self.0
            .change_login(128, move |txn| {
                let Identity { user, login } = ended.identity;
                let login: Option<Login> = txn.get(Space::People, &keys::login(login))?;
                let is_own = login.is_some_and(|login| login.user == user);
                if is_own {
                    end(txn, ended, now)?;
                }
                Ok(is_own)
            })
            .await
    }

    async fn ended(&self, now: Timestamp) -> Result<Vec<EndedLogin>, StoreError> {
        let range = keys::ended_after(now)..=keys::ENDED_LOGINS_END.to_vec();
        self.0
            .read(move |store| {
                let rows = store.range(Space::People, range, usize::MAX)?;
                rows.iter().map(|(key, value)| read_ended(key, value)).collect()
            })
            .await
    }

    async fn list(&self, user: UserId, now: Timestamp) -> Result<Vec<Login>, StoreError> {
        self.0
            .read(move |store| {
                let mut logins = Vec::new();
                for row in store.scan(Space::People, &keys::logins_of(user))? {
                    logins
                        .extend(store.get::<Login>(Space::People, &keys::login(login_id(&row)?))?);
                }
                Ok(Login::active(logins, now))
            })
            .await
    }
}
