//! Devices. Every exchange of refresh tokens is one conditional write on the one that is good.

use std::{cmp::Reverse, sync::Arc};

use async_trait::async_trait;
use chat_core::{
    error::StoreError,
    id::{LoginId, UserId},
    limits::{LOGINS_MAX, REFRESH_GRACE},
    model::{Login, LoginSecret},
    port::{Logins, Rotation},
    time::Timestamp,
};
use tokio::time::timeout_at;

use super::{
    deed::Deed,
    store::{Decided, Store, TRIES_MAX, corrupt, together},
};

/// Logins in a CQL store.
#[derive(Debug)]
pub(super) struct ScyllaLogins(pub(super) Arc<Store>);

type LoginRow = (
    i64,
    Option<i64>,
    Option<String>,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<Vec<u8>>,
    Option<Vec<u8>>,
    Option<i64>,
);

fn incomplete() -> StoreError {
    corrupt("a login without one of its columns")
}

fn secret(bytes: Option<Vec<u8>>) -> Result<LoginSecret, StoreError> {
    let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
    bytes.map(LoginSecret).ok_or_else(incomplete)
}

fn time(millis: Option<i64>) -> Result<Timestamp, StoreError> {
    millis.map(Timestamp::from_millis).ok_or_else(incomplete)
}

fn read_login(row: LoginRow) -> Result<Login, StoreError> {
    let (id, user, device, created_at, used_at, expires_at, current, previous, exchanged_at) = row;
    let exchanged = exchanged_at.map(|at| Ok((secret(previous)?, Timestamp::from_millis(at))));
    Ok(Login {
        id: LoginId::from_i64(id).ok_or_else(incomplete)?,
        user: user.and_then(UserId::from_i64).ok_or_else(incomplete)?,
        device: device.map(Arc::from),
        created_at: time(created_at)?,
        used_at: time(used_at)?,
        expires_at: time(expires_at)?,
        current: secret(current)?,
        previous: exchanged.transpose()?,
    })
}

/// One id cannot be two logins.
fn is_same(stands: &Login, login: &Login) -> Result<(), StoreError> {
    if (stands.user, stands.created_at) == (login.user, login.created_at) {
        return Ok(());
    }
    Err(corrupt(format!("login {} was given twice", login.id)))
}

/// An exchange of one refresh token for the next.
#[derive(Clone, Copy)]
struct Exchange {
    login: LoginId,
    presented: LoginSecret,
    successor: LoginSecret,
    now: Timestamp,
    expires_at: Timestamp,
}

impl Exchange {
    /// Whether it was made a moment ago, and its successor is still the newest.
    fn repeats(&self, login: &Login) -> bool {
        login.current == self.successor
            && login.previous.is_some_and(|(previous, exchanged_at)| {
                previous == self.presented && self.now <= exchanged_at.after(REFRESH_GRACE)
            })
    }

    /// The answer where it stands already: made by an own try without an answer, or before.
    fn stands(login: Login, in_doubt: bool) -> Rotation {
        if in_doubt { Rotation::Rotated(login) } else { Rotation::Repeated(login) }
    }

    fn made(&self, login: Login) -> Login {
        Login {
            current: self.successor,
            previous: Some((self.presented, self.now)),
            used_at: self.now,
            expires_at: self.expires_at,
            ..login
        }
    }
}

impl Store {
    async fn open(&self, login: &Login, deed: &Deed) -> Result<(), StoreError> {
        self.tenure.check()?;
        let index = (login.user.as_i64(), login.id.as_i64());
        self.write(&self.statements.index_login, index).await?;
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
        for _ in 0..TRIES_MAX {
            match self.decide(deed, &self.statements.open_login, &values).await? {
                Decided::Applied => return Ok(()),
                Decided::Refused | Decided::Unknown { .. } => {}
            }
            if let Some(stands) = self.login(login.id).await? {
                return is_same(&stands, login);
            }
        }
        Err(deed.undecided())
    }

    /// A login as a serial read sees it.
    async fn login(&self, id: LoginId) -> Result<Option<Login>, StoreError> {
        let row: Option<LoginRow> = self.row(&self.statements.login_serial, (id.as_i64(),)).await?;
        row.map(read_login).transpose()
    }

    async fn make_room(self: &Arc<Self>, user: UserId) -> Result<(), StoreError> {
        let mut logins = self.logins_of(user).await?;
        logins.sort_by_key(|login| (login.used_at, login.id));
        for unused in &logins[..logins.len().saturating_sub(LOGINS_MAX)] {
            self.end(user, unused.id, &Deed::default()).await?;
        }
        Ok(())
    }

    async fn logins_of(&self, user: UserId) -> Result<Vec<Login>, StoreError> {
        let ids: Vec<(i64,)> = self.rows(&self.statements.logins, (user.as_i64(),)).await?;
        let logins = ids.into_iter().map(async |(id,)| {
            let row: Option<LoginRow> = self.row(&self.statements.login, (id,)).await?;
            row.map(read_login).transpose()
        });
        let logins: Vec<Option<Login>> = together(logins.collect()).await?;
        Ok(logins.into_iter().flatten().collect())
    }

    /// Ends a login of this user; says whether there was one.
    async fn end(
        self: &Arc<Self>,
        user: UserId,
        id: LoginId,
        deed: &Deed,
    ) -> Result<bool, StoreError> {
        let mut in_doubt = false;
        for _ in 0..TRIES_MAX {
            let values = (id.as_i64(), user.as_i64());
            match self.decide(deed, &self.statements.end_login, values).await? {
                Decided::Unknown { .. } => {
                    in_doubt = true;
                    continue;
                }
                Decided::Refused if !in_doubt => return Ok(false),
                // What is not there any more may have been ended by a try without an answer.
                Decided::Applied | Decided::Refused => {}
            }
            let store = self.clone();
            self.tasks.spawn(async move { store.unindex(user, id).await });
            return Ok(true);
        }
        Err(deed.undecided())
    }

    /// Shortens the list of a user's logins; who reads it passes over those that have ended.
    async fn unindex(&self, user: UserId, id: LoginId) {
        let index = (user.as_i64(), id.as_i64());
        if let Err(error) = self.write(&self.statements.unindex_login, index).await {
            tracing::debug!(%error, login.id = %id, "an ended login stays in its list");
        }
    }

    async fn rotate(
        self: &Arc<Self>,
        exchange: Exchange,
        deed: &Deed,
    ) -> Result<Rotation, StoreError> {
        let mut in_doubt = false;
        for _ in 0..TRIES_MAX {
            let login = self.login(exchange.login).await?;
            let Some(login) = login.filter(|login| exchange.now < login.expires_at) else {
                return Ok(Rotation::Gone);
            };
            if exchange.repeats(&login) {
                return Ok(Exchange::stands(login, in_doubt));
            }
            if login.current != exchange.presented {
                return self.reused(&login, deed).await;
            }
            match self.exchange(exchange, deed).await? {
                Decided::Applied => return Ok(Rotation::Rotated(exchange.made(login))),
                Decided::Refused => {}
                Decided::Unknown { .. } => in_doubt = true,
            }
        }
        Err(deed.undecided())
    }

    /// Ends a login whose old token was used again; who comes second finds it gone.
    async fn reused(self: &Arc<Self>, login: &Login, deed: &Deed) -> Result<Rotation, StoreError> {
        let user = login.user;
        let ended = self.end(user, login.id, deed).await?;
        Ok(if ended { Rotation::Reused { user } } else { Rotation::Gone })
    }

    async fn exchange(&self, exchange: Exchange, deed: &Deed) -> Result<Decided, StoreError> {
        let values = (
            exchange.successor.0.to_vec(),
            exchange.presented.0.to_vec(),
            exchange.now.as_millis(),
            exchange.now.as_millis(),
            exchange.expires_at.as_millis(),
            exchange.login.as_i64(),
            exchange.presented.0.to_vec(),
        );
        self.decide(deed, &self.statements.rotate, values).await
    }
}

#[async_trait]
impl Logins for ScyllaLogins {
    async fn open(&self, login: &Login) -> Result<(), StoreError> {
        let (deadline, deed) = (self.0.deadline(), Deed::default());
        self.0.settled_in_time(&deed, self.0.open(login, &deed)).await?;
        // It is open, whatever becomes of those above the bound.
        let room = timeout_at(deadline, self.0.make_room(login.user)).await;
        if !matches!(room, Ok(Ok(()))) {
            tracing::debug!(user.id = %login.user, ?room, "too many logins until the next one");
        }
        Ok(())
    }

    async fn rotate(
        &self,
        id: LoginId,
        presented: LoginSecret,
        successor: LoginSecret,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Rotation, StoreError> {
        let exchange = Exchange { login: id, presented, successor, now, expires_at };
        let deed = Deed::default();
        self.0.settled_in_time(&deed, self.0.rotate(exchange, &deed)).await
    }

    async fn revoke(&self, user: UserId, id: LoginId) -> Result<bool, StoreError> {
        let deed = Deed::default();
        self.0.settled_in_time(&deed, self.0.end(user, id, &deed)).await
    }

    async fn list(&self, user: UserId, now: Timestamp) -> Result<Vec<Login>, StoreError> {
        let mut logins = self.0.in_time(self.0.logins_of(user)).await?;
        logins.retain(|login| now < login.expires_at);
        logins.sort_by_key(|login| Reverse((login.created_at, login.id)));
        Ok(logins)
    }
}
