//! Logins: families of refresh tokens.

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
    store::{Shared, Store},
    values,
};

/// The logins of an embedded store.
#[derive(Debug)]
pub(super) struct EmbeddedLogins(pub(super) Arc<Shared>);

fn login(txn: &Txn<'_>, id: LoginId) -> Result<Option<Login>, StoreError> {
    let value = txn.get(Space::People, &keys::login(id))?;
    value.map(|value| values::read_login(id, &value)).transpose()
}

fn put(txn: &mut Txn<'_>, login: &Login) {
    txn.put(Space::People, keys::login(login.id), values::login(login));
    txn.put(Space::People, keys::login_of(login.user, login.id), Vec::new());
}

fn remove(txn: &mut Txn<'_>, user: UserId, id: LoginId) {
    txn.remove(Space::People, keys::login(id));
    txn.remove(Space::People, keys::login_of(user, id));
}

/// The login that a row of [`keys::logins_of`] names.
fn named((key, _): &Row) -> Result<LoginId, StoreError> {
    let no_login = || StoreError::Corrupt("a login without its id".to_owned());
    keys::last_number(key).and_then(LoginId::new).ok_or_else(no_login)
}

fn open(txn: &mut Txn<'_>, opened: &Login) -> Result<(), StoreError> {
    put(txn, opened);
    let rows = txn.scan(Space::People, &keys::logins_of(opened.user))?;
    if rows.len() <= LOGINS_MAX {
        return Ok(());
    }
    let mut logins = Vec::with_capacity(rows.len());
    for row in &rows {
        logins.extend(login(txn, named(row)?)?);
    }
    for evicted in Login::evicted(logins) {
        remove(txn, evicted.user, evicted.id);
    }
    Ok(())
}

fn rotate(
    txn: &mut Txn<'_>,
    id: LoginId,
    exchange: &TokenExchange,
) -> Result<Rotation, StoreError> {
    let Some(login) = login(txn, id)? else { return Ok(Rotation::Gone) };
    Ok(match login.exchange(exchange) {
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
}

fn list(store: &Store, user: UserId, now: Timestamp) -> Result<Vec<Login>, StoreError> {
    let mut logins = Vec::new();
    for row in store.scan(Space::People, &keys::logins_of(user))? {
        let id = named(&row)?;
        if let Some(value) = store.get(Space::People, &keys::login(id))? {
            logins.push(values::read_login(id, &value)?);
        }
    }
    Ok(Login::active(logins, now))
}

#[async_trait]
impl Logins for EmbeddedLogins {
    async fn open(&self, login: &Login) -> Result<(), StoreError> {
        let login = login.clone();
        self.0.change(256, move |txn| open(txn, &login)).await
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
        self.0.change(256, move |txn| rotate(txn, id, &exchange)).await
    }

    async fn revoke(&self, user: UserId, id: LoginId) -> Result<bool, StoreError> {
        self.0
            .change(64, move |txn| {
                let theirs = login(txn, id)?.is_some_and(|login| login.user == user);
                if theirs {
                    remove(txn, user, id);
                }
                Ok(theirs)
            })
            .await
    }

    async fn list(&self, user: UserId, now: Timestamp) -> Result<Vec<Login>, StoreError> {
        self.0.read(move |store| list(store, user, now)).await
    }
}
