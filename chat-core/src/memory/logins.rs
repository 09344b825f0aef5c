//! Logins in memory.

use std::{cmp::Reverse, collections::HashMap};

use async_trait::async_trait;

use super::stores::Shared;
use crate::{
    error::StoreError,
    id::{LoginId, UserId},
    limits::{LOGINS_MAX, REFRESH_GRACE},
    model::{Login, LoginSecret},
    port::{self, Rotation},
    time::Timestamp,
};

pub(super) type Logins = HashMap<LoginId, Login>;

/// Whether `presented` was exchanged for `successor`, the newest, a moment ago.
fn is_repeat(
    login: &Login,
    presented: LoginSecret,
    successor: LoginSecret,
    now: Timestamp,
) -> bool {
    login.current == successor
        && login.previous.is_some_and(|(previous, exchanged_at)| {
            previous == presented && now <= exchanged_at.after(REFRESH_GRACE)
        })
}

/// The login of this user that has gone unused longest, once there are too many.
fn one_too_many(logins: &Logins, user: UserId) -> Option<LoginId> {
    let of_user = || logins.values().filter(|login| login.user == user);
    let unused_longest = of_user().min_by_key(|login| (login.used_at, login.id))?;
    (of_user().count() > LOGINS_MAX).then_some(unused_longest.id)
}

/// Logins in memory.
#[derive(Debug)]
pub struct MemoryLogins(pub(super) Shared);

#[async_trait]
impl port::Logins for MemoryLogins {
    async fn open(&self, login: &Login) -> Result<(), StoreError> {
        let logins = &mut self.0.lock().logins;
        logins.insert(login.id, login.clone());
        if let Some(id) = one_too_many(logins, login.user) {
            logins.remove(&id);
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
        let logins = &mut self.0.lock().logins;
        let Some(login) = logins.get_mut(&id).filter(|login| now < login.expires_at) else {
            return Ok(Rotation::Gone);
        };
        if login.current == presented {
            (login.current, login.previous) = (successor, Some((presented, now)));
            (login.used_at, login.expires_at) = (now, expires_at);
            return Ok(Rotation::Rotated(login.clone()));
        }
        if is_repeat(login, presented, successor, now) {
            return Ok(Rotation::Repeated(login.clone()));
        }
        let user = login.user;
        logins.remove(&id);
        Ok(Rotation::Reused { user })
    }

    async fn revoke(&self, user: UserId, id: LoginId) -> Result<bool, StoreError> {
        let logins = &mut self.0.lock().logins;
        let theirs = logins.get(&id).is_some_and(|login| login.user == user);
        Ok(theirs && logins.remove(&id).is_some())
    }

    async fn list(&self, user: UserId, now: Timestamp) -> Result<Vec<Login>, StoreError> {
        let logins = &self.0.lock().logins;
        let stands = |login: &&Login| login.user == user && now < login.expires_at;
        let mut list: Vec<_> = logins.values().filter(stands).cloned().collect();
        list.sort_by_key(|login| Reverse((login.created_at, login.id)));
        Ok(list)
    }
}
