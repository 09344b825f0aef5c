//! Logins and their refresh tokens.

use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{
    error::StoreError,
    id::{LoginId, UserId},
    limits::LOGINS_MAX,
    model::{ExchangeDecision, Login, LoginSecret, TokenExchange},
    port::{Logins, Rotation},
    time::Timestamp,
};

use super::{
    changes::{Row, Txn},
    keys,
    spaces::Space,
    store::Shared,
};

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
            .change(256, move |txn| {
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

    async fn rotate(
        &self,
        id: LoginId,
        presented: LoginSecret,
        successor: LoginSecret,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Rotation, StoreError> {
        let exchange = TokenExchange { presented, successor, now, expires_at };
        self.0
            .change(256, move |txn| {
                let login: Option<Login> = txn.get(Space::People, &keys::login(id))?;
                let Some(login) = login else { return Ok(Rotation::Gone) };
                Ok(match login.exchange(&exchange) {
                    ExchangeDecision::Rotate(rotated) => {
                        put(txn, &rotated);
                        Rotation::Rotated(rotated)
                    }
                    ExchangeDecision::Repeat => Rotation::Repeated(login),
                    ExchangeDecision::EndReused => {
                        remove(txn, login.user, id);
                        Rotation::Reused { user: login.user }
                    }
                    ExchangeDecision::Expired => Rotation::Gone,
                })
            })
            .await
    }

    async fn revoke(&self, user: UserId, id: LoginId) -> Result<bool, StoreError> {
        self.0
            .change(64, move |txn| {
                let login: Option<Login> = txn.get(Space::People, &keys::login(id))?;
                let is_own = login.is_some_and(|login| login.user == user);
                if is_own {
                    remove(txn, user, id);
                }
                Ok(is_own)
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
