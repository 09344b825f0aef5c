//! Login sessions of users. One conditional write on the current refresh token makes each rotation.

use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{
    error::StoreError,
    id::{LoginId, UserId},
    model::{
        EndedLogin, ExchangeDecision, Identity, Login, LoginSecret, TokenExchange, TokenGeneration,
    },
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

const HOUR_MS: i64 = 3_600_000;
/// How many hours ahead an ended login can be refused: the longest life of an access token, and the
/// difference between two clocks.
const ENDED_HOURS_MAX: i32 = 25;
/// How long an ended login is kept.
const ENDED_TTL_S: i32 = 2 * 24 * 3_600;

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

/// Returns the partition of the ended logins that are refused until this time.
fn hour(until: Timestamp) -> i32 {
    i32::try_from(until.as_millis().div_euclid(HOUR_MS)).unwrap_or(i32::MAX - ENDED_HOURS_MAX)
}

fn read_ended((login, user, until): (i64, i64, i64)) -> Result<EndedLogin, StoreError> {
    let identity = UserId::from_i64(user).zip(LoginId::from_i64(login));
    let (user, login) = identity.ok_or_else(|| corrupt("an ended login without its ids"))?;
    let refused_until = Timestamp::from_millis(until);
    Ok(EndedLogin { identity: Identity { user, login }, refused_until })
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
        // The index may name a login of another user, if opening it was refused because of its id.
        Ok(logins.into_iter().flatten().filter(|login| login.user == user).collect())
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

    /// Ends a login and keeps it as an ended one. It is kept first, because nothing else would tell a
    /// gateway that starts later.
    async fn end_and_keep_login(
        self: &Arc<Self>,
        ended: EndedLogin,
        deadline: Instant,
    ) -> Result<bool, StoreError> {
        let EndedLogin { identity: Identity { user, login }, refused_until } = ended;
        let until = refused_until.as_millis();
        let values = (hour(refused_until), login.as_i64(), user.as_i64(), until, ENDED_TTL_S);
        self.until(deadline, self.write(&self.statements.keep_ended_login, values)).await?;
        self.end_login(user, login, deadline).await
    }

    /// Returns the user of a login that has ended, if its access tokens must still be refused.
    async fn ended_login(
        &self,
        id: LoginId,
        exchange: &TokenExchange,
    ) -> Result<Option<UserId>, StoreError> {
        for hour in hour(exchange.now)..=hour(exchange.refused_until) {
            let row: Option<(i64, i64, i64)> =
                self.row(&self.statements.ended_login, (hour, id.as_i64())).await?;
            let ended = row.map(read_ended).transpose()?;
            if let Some(ended) = ended.filter(|one| one.refused_until > exchange.now) {
                return Ok(Some(ended.identity.user));
            }
        }
        Ok(None)
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

    async fn rotate(&self, id: LoginId, exchange: &TokenExchange) -> Result<Rotation, StoreError> {
        let store = &self.0;
        let deadline = store.deadline();
        let TokenExchange { presented, successor, now, .. } = *exchange;
        let rotated = settle(
            deadline,
            None,
            async |rotated: Login| {
                let values = (
                    successor.0.to_vec(),
                    presented.0.to_vec(),
                    now.as_millis(),
                    now.as_millis(),
                    rotated.expires_at.as_millis(),
                    id.as_i64(),
                    presented.0.to_vec(),
                );
                store.write_if(&store.statements.rotate, values).await
            },
            async |attempts| {
                let Some(login) = store.login(id).await? else {
                    return Ok(Look::NotApplied(Rotation::Gone));
                };
                Ok(match (login.exchange(exchange), attempts.unknown) {
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
                let identity = Identity { user, login: id };
                let ended = EndedLogin { identity, refused_until: exchange.refused_until };
                // Of several calls that find a reused token, the one that ends the login says so.
                let has_ended = store.end_and_keep_login(ended, deadline).await?;
                Ok(if has_ended { Rotation::Reused { user } } else { Rotation::Ended { user } })
            }
            Settled::NotApplied(Rotation::Gone) => {
                let ended = store.until(deadline, store.ended_login(id, exchange)).await?;
                Ok(ended.map_or(Rotation::Gone, |user| Rotation::Ended { user }))
            }
            Settled::NotApplied(rotation) => Ok(rotation),
            Settled::Unknown(detail) => Err(StoreError::Unknown(detail)),
        }
    }

    async fn mark_used(&self, id: LoginId, generation: TokenGeneration) -> Result<(), StoreError> {
        let store = &self.0;
        let marked = settle(
            store.deadline(),
            None,
            async |used: Login| {
                let values = (id.as_i64(), used.current.0.to_vec());
                store.write_if(&store.statements.forget_previous, values).await
            },
            async |_| {
                let used = store.login(id).await?.and_then(|login| login.after_use(generation));
                Ok(used.map_or(Look::NotApplied(()), Look::Attempt))
            },
        );
        match marked.await? {
            Settled::Applied(_) | Settled::NotApplied(()) => Ok(()),
            Settled::Unknown(detail) => Err(StoreError::Unknown(detail)),
        }
    }

    async fn revoke(&self, ended: EndedLogin, _now: Timestamp) -> Result<bool, StoreError> {
        let store = &self.0;
        let deadline = store.deadline();
        let login = store.until(deadline, store.login(ended.identity.login)).await?;
        if login.is_none_or(|login| login.user != ended.identity.user) {
            return Ok(false);
        }
        store.end_and_keep_login(ended, deadline).await
    }

    async fn ended(&self, now: Timestamp) -> Result<Vec<EndedLogin>, StoreError> {
        let store = &self.0;
        let first = hour(now);
        let hours = (first..=first + ENDED_HOURS_MAX).map(async |hour| {
            store.rows::<(i64, i64, i64)>(&store.statements.ended_logins, (hour,)).await
        });
        let rows = store.in_time(join_bounded(hours.collect())).await?;
        let ended: Result<Vec<EndedLogin>, StoreError> =
            rows.into_iter().flatten().map(read_ended).collect();
        Ok(ended?.into_iter().filter(|one| one.refused_until > now).collect())
    }

    async fn list(&self, user: UserId, now: Timestamp) -> Result<Vec<Login>, StoreError> {
        Ok(Login::active(self.0.in_time(self.0.logins_of(user)).await?, now))
    }
}
