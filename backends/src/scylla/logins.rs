//! Login sessions of users. One conditional write on the current refresh token makes each rotation.

use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{
    error::StoreError,
    id::{LoginId, UserId},
    model::{ExchangeDecision, Login, LoginSecret, TokenExchange},
    port::{Logins, Rotation},
    time::Timestamp,
};
use scylla::DeserializeRow;
use tokio::time::Instant;

use super::{
    rows::corrupt,
    settle::{Look, Settled, settle},
    store::{CqlStore, join_bounded},
};

/// Logins in a CQL store.
#[derive(Debug)]
pub(super) struct ScyllaLogins(pub(super) Arc<CqlStore>);

#[derive(DeserializeRow)]
struct LoginRow {
    login: i64,
    user: i64,
    device: Option<String>,
    created_at: i64,
    used_at: i64,
    expires_at: i64,
    current: Vec<u8>,
    previous: Option<Vec<u8>>,
    exchanged_at: Option<i64>,
}

fn read_secret(bytes: Vec<u8>) -> Result<LoginSecret, StoreError> {
    let bytes = bytes.try_into().map_err(|_| corrupt("a refresh token of another length"))?;
    Ok(LoginSecret(bytes))
}

fn read_login(row: LoginRow) -> Result<Login, StoreError> {
    let previous = match (row.previous, row.exchanged_at) {
        (Some(secret), Some(at)) => Some((read_secret(secret)?, Timestamp::from_millis(at))),
        (None, None) => None,
        _ => return Err(corrupt("a login without one of its columns")),
    };
    Ok(Login {
        id: LoginId::from_i64(row.login).ok_or_else(|| corrupt("a login without an id"))?,
        user: UserId::from_i64(row.user).ok_or_else(|| corrupt("a login without a user"))?,
        device: row.device.map(Arc::from),
        created_at: Timestamp::from_millis(row.created_at),
        used_at: Timestamp::from_millis(row.used_at),
        expires_at: Timestamp::from_millis(row.expires_at),
        current: read_secret(row.current)?,
        previous,
    })
}

impl CqlStore {
    /// Reads a login serially.
    async fn login(&self, id: LoginId) -> Result<Option<Login>, StoreError> {
        let row: Option<LoginRow> = self.row(&self.statements.login_serial, (id.as_i64(),)).await?;
        row.map(read_login).transpose()
    }

    async fn logins_of(&self, user: UserId) -> Result<Vec<Login>, StoreError> {
        let ids: Vec<(i64,)> = self.rows(&self.statements.logins, (user.as_i64(),)).await?;
        let logins = ids.into_iter().map(async |(id,)| {
            let row: Option<LoginRow> = self.row(&self.statements.login, (id,)).await?;
            row.map(read_login).transpose()
        });
        let logins: Vec<Option<Login>> = join_bounded(logins.collect()).await?;
        Ok(logins.into_iter().flatten().collect())
    }

    /// Ends a login of this user. Returns true if it existed.
    async fn end_login(
        self: &Arc<Self>,
        user: UserId,
        id: LoginId,
        deadline: Instant,
    ) -> Result<bool, StoreError> {
        let ended = settle(
            deadline,
            Some(()),
            async |()| {
                let values = (id.as_i64(), user.as_i64());
                self.write_if(&self.statements.end_login, values).await
            },
            async |attempts| {
                let is_open = self.login(id).await?.is_some_and(|login| login.user == user);
                Ok(match attempts.unknown {
                    _ if is_open => Look::Attempt(()),
                    Some(()) => Look::Applied(()),
                    None => Look::NotApplied(()),
                })
            },
        );
        match ended.await? {
            Settled::Applied(()) => {
                let store = self.clone();
                self.tasks.spawn(async move { store.unindex_login(user, id).await });
                Ok(true)
            }
            Settled::NotApplied(()) => Ok(false),
            Settled::Unknown(detail) => Err(StoreError::Unknown(detail)),
        }
    }

    /// Removes an ended login from the user's index. A failure is ignored, because readers of the
    /// index skip logins that have ended.
    async fn unindex_login(&self, user: UserId, id: LoginId) {
        let index = (user.as_i64(), id.as_i64());
        if let Err(error) = self.write(&self.statements.unindex_login, index).await {
            tracing::debug!(%error, login.id = %id, "ended login stays in the index");
        }
    }
}

#[async_trait]
impl Logins for ScyllaLogins {
    async fn open(&self, login: &Login) -> Result<bool, StoreError> {
        let store = &self.0;
        store.check_ids().await?;
        let deadline = store.deadline();
        let index = (login.user.as_i64(), login.id.as_i64());
        store.until(deadline, store.write(&store.statements.index_login, index)).await?;
        let previous = login.previous.map(|(secret, _)| secret.0.to_vec());
        let values = (
            login.id.as_i64(),
            login.user.as_i64(),
            login.device.as_deref(),
            login.created_at.as_millis(),
            login.used_at.as_millis(),
            login.expires_at.as_millis(),
            login.current.0.to_vec(),
            previous,
            login.previous.map(|(_, at)| at.as_millis()),
        );
        let opened = settle(
            deadline,
            Some(()),
            async |()| store.write_if(&store.statements.open_login, &values).await,
            async |_| {
                let stored = store.login(login.id).await?;
                Ok(stored.map_or(Look::Attempt(()), Look::NotApplied))
            },
        );
        match opened.await? {
            Settled::Applied(()) => {}
            Settled::NotApplied(stored) => {
                if !stored.is_same_opening(login) {
                    return Ok(false);
                }
            }
            Settled::Unknown(detail) => return Err(StoreError::Unknown(detail)),
        }
        let evicted = store.until(deadline, async {
            for evicted in Login::evicted(store.logins_of(login.user).await?) {
                store.end_login(evicted.user, evicted.id, deadline).await?;
            }
            Ok(())
        });
        if let Err(error) = evicted.await {
            // The login is open in any case, and the next one evicts more.
            tracing::debug!(user.id = %login.user, %error, "too many logins are kept for now");
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
        let store = &self.0;
        let deadline = store.deadline();
        let exchange = TokenExchange { presented, successor, now, expires_at };
        let rotated = settle(
            deadline,
            None,
            async |_: Login| {
                let values = (
                    successor.0.to_vec(),
                    presented.0.to_vec(),
                    now.as_millis(),
                    now.as_millis(),
                    expires_at.as_millis(),
                    id.as_i64(),
                    presented.0.to_vec(),
                );
                store.write_if(&store.statements.rotate, values).await
            },
            async |attempts| {
                let Some(login) = store.login(id).await? else {
                    return Ok(Look::NotApplied(Rotation::Gone));
                };
                Ok(match (login.exchange(&exchange), attempts.unknown) {
                    (ExchangeDecision::Rotate(rotated), _) => Look::Attempt(rotated),
                    (ExchangeDecision::Repeat, Some(rotated)) => Look::Applied(rotated),
                    (ExchangeDecision::Repeat, None) => Look::NotApplied(Rotation::Repeated(login)),
                    (ExchangeDecision::EndReused, _) => {
                        Look::NotApplied(Rotation::Reused { user: login.user })
                    }
                    (ExchangeDecision::Expired, _) => Look::NotApplied(Rotation::Gone),
                })
            },
        );
        match rotated.await? {
            Settled::Applied(rotated) => Ok(Rotation::Rotated(rotated)),
            Settled::NotApplied(Rotation::Reused { user }) => {
                // Of several calls that find a reused token, the one that ends the login says so.
                let has_ended = store.end_login(user, id, deadline).await?;
                Ok(if has_ended { Rotation::Reused { user } } else { Rotation::Gone })
            }
            Settled::NotApplied(rotation) => Ok(rotation),
            Settled::Unknown(detail) => Err(StoreError::Unknown(detail)),
        }
    }

    async fn revoke(&self, user: UserId, id: LoginId) -> Result<bool, StoreError> {
        self.0.end_login(user, id, self.0.deadline()).await
    }

    async fn list(&self, user: UserId, now: Timestamp) -> Result<Vec<Login>, StoreError> {
        Ok(Login::active(self.0.in_time(self.0.logins_of(user)).await?, now))
    }
}
