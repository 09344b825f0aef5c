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

use super::store::{Decided, Store, TRIES_MAX, corrupt, together};

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
    async fn open(&self, login: &Login) -> Result<(), StoreError> {
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
        let mut last = String::new();
        for _ in 0..TRIES_MAX {
            match self.decide(&self.statements.open_login, &values).await? {
                Decided::Applied | Decided::Refused => return self.make_room(login.user).await,
                Decided::Unknown { detail, .. } => last = detail,
            }
        }
        Err(StoreError::Unknown(last))
    }

    async fn make_room(&self, user: UserId) -> Result<(), StoreError> {
        let mut logins = self.logins_of(user).await?;
        logins.sort_by_key(|login| (login.used_at, login.id));
        for unused in &logins[..logins.len().saturating_sub(LOGINS_MAX)] {
            self.end(user, unused.id).await?;
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
    async fn end(&self, user: UserId, id: LoginId) -> Result<bool, StoreError> {
        let (mut last, mut in_doubt) = (String::new(), false);
        for _ in 0..TRIES_MAX {
            let values = (id.as_i64(), user.as_i64());
            match self.decide(&self.statements.end_login, values).await? {
                Decided::Unknown { detail, .. } => {
                    (last, in_doubt) = (detail, true);
                    continue;
                }
                Decided::Refused if !in_doubt => return Ok(false),
                // What is not there any more may have been ended by a try without an answer.
                Decided::Applied | Decided::Refused => {}
            }
            let index = (user.as_i64(), id.as_i64());
            return self.write(&self.statements.unindex_login, index).await.map(|()| true);
        }
        Err(StoreError::Unknown(last))
    }

    async fn rotate(&self, exchange: Exchange) -> Result<Rotation, StoreError> {
        let key = (exchange.login.as_i64(),);
        let (mut last, mut in_doubt) = (String::new(), false);
        for _ in 0..TRIES_MAX {
            let row: Option<LoginRow> = self.row(&self.statements.login_serial, key).await?;
            let login = row.map(read_login).transpose()?;
            let Some(login) = login.filter(|login| exchange.now < login.expires_at) else {
                return Ok(Rotation::Gone);
            };
            if exchange.repeats(&login) {
                return Ok(Exchange::stands(login, in_doubt));
            }
            if login.current != exchange.presented {
                return self.reused(&login).await;
            }
            match self.exchange(exchange).await? {
                Decided::Applied => return Ok(Rotation::Rotated(exchange.made(login))),
                Decided::Refused => {}
                Decided::Unknown { detail, .. } => (last, in_doubt) = (detail, true),
            }
        }
        Err(StoreError::Unknown(last))
    }

    /// Ends a login whose old token was used again; who comes second finds it gone.
    async fn reused(&self, login: &Login) -> Result<Rotation, StoreError> {
        let user = login.user;
        let ended = self.end(user, login.id).await?;
        Ok(if ended { Rotation::Reused { user } } else { Rotation::Gone })
    }

    async fn exchange(&self, exchange: Exchange) -> Result<Decided, StoreError> {
        let values = (
            exchange.successor.0.to_vec(),
            exchange.presented.0.to_vec(),
            exchange.now.as_millis(),
            exchange.now.as_millis(),
            exchange.expires_at.as_millis(),
            exchange.login.as_i64(),
            exchange.presented.0.to_vec(),
        );
        self.decide(&self.statements.rotate, values).await
    }
}

#[async_trait]
impl Logins for ScyllaLogins {
    async fn open(&self, login: &Login) -> Result<(), StoreError> {
        self.0.settled_in_time(self.0.open(login)).await
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
        self.0.settled_in_time(self.0.rotate(exchange)).await
    }

    async fn revoke(&self, user: UserId, id: LoginId) -> Result<bool, StoreError> {
        self.0.settled_in_time(self.0.end(user, id)).await
    }

    async fn list(&self, user: UserId, now: Timestamp) -> Result<Vec<Login>, StoreError> {
        let mut logins = self.0.in_time(self.0.logins_of(user)).await?;
        logins.retain(|login| now < login.expires_at);
        logins.sort_by_key(|login| Reverse((login.created_at, login.id)));
        Ok(logins)
    }
}
