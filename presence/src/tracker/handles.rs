//! What the gateway holds in its hands: devices that are here, sessions that watch.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chat_core::{id::UserId, model::Identity, time::Timestamp};
use tokio::time::{Instant, timeout_at};

use super::{
    Shared,
    record::Record,
    watchers::{SessionKey, TooManyWatched},
};
use crate::{
    limits::WATCH_ANSWER_MAX,
    model::{Activity, Presence},
    port::Audience,
};

/// A socket or poll that makes its device be here. Dropping it is the clean close.
pub struct Hold {
    shared: Arc<Shared>,
    device: Identity,
    linger: Duration,
    activity: Mutex<Activity>,
    /// When it was last heard of, if that is not now.
    seen_at: Option<Timestamp>,
}

impl Hold {
    pub(super) fn new(shared: Arc<Shared>, device: Identity, linger: Duration) -> Self {
        let activity = Mutex::new(Activity::Online);
        let hold = Self { shared, device, linger, activity, seen_at: None };
        let now = hold.shared.now();
        hold.change(|record| record.arrive(now));
        hold
    }

    /// The client is away, or back. A device is away when all its sockets are.
    pub fn turn(&self, to: Activity) {
        let mut activity = self.activity.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut *activity, to) != to {
            let now = self.shared.now();
            self.change(|record| record.turn(to, now));
        }
    }

    /// The connection turned out to be dead, last heard of at `seen_at`: it counts no longer.
    pub fn cut(mut self, seen_at: Timestamp) {
        self.linger = Duration::ZERO;
        self.seen_at = Some(seen_at);
    }

    fn change(&self, change: impl FnOnce(&mut Record)) {
        let now = self.shared.now();
        if self.shared.devices().change(self.device, now, change) {
            self.shared.work.notify_one();
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let was = *self.activity.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.shared.now();
        let (seen_at, linger) = (self.seen_at.unwrap_or(now.at), self.linger);
        self.change(|record| record.depart(was, seen_at, linger, now));
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hold").field("device", &self.device).finish_non_exhaustive()
    }
}

/// A session that watches others. Dropping it ends its watching.
pub struct Watcher {
    shared: Arc<Shared>,
    user: UserId,
    key: SessionKey,
}

impl Watcher {
    pub(super) fn new(shared: Arc<Shared>, user: UserId, audience: Arc<dyn Audience>) -> Self {
        let key = shared.watchers().open(user, audience);
        Self { shared, user, key }
    }

    /// Watches these users too and says how they are, in this order; later changes go to the
    /// audience, the first of them [`WATCH_LEAD`](crate::limits::WATCH_LEAD) after the answer at
    /// the earliest, so that the answer can be written first. Users whom the watcher may not see
    /// are unknown, and watched all the same: that may change.
    pub async fn watch(&self, users: &[UserId]) -> Result<Vec<Presence>, TooManyWatched> {
        self.shared.watchers().add(self.key, users)?;
        self.shared.fresh.notify_one();
        let deadline = Instant::now() + WATCH_ANSWER_MAX;
        let may = self.shared.known.may_see(self.user, users).await;
        // Who was not read in time is unknown; what is read later is a change.
        timeout_at(deadline, self.read(users)).await.ok();
        Ok(self.shared.watchers().answer(self.key, users, &may))
    }

    /// Watches these users no longer.
    pub fn unwatch(&self, users: &[UserId]) {
        self.shared.watchers().remove(self.key, users);
        self.shared.fresh.notify_one();
    }

    async fn read(&self, users: &[UserId]) {
        loop {
            let answered = self.shared.answered.notified();
            if self.shared.watchers().has_read(users) {
                return;
            }
            answered.await;
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.shared.watchers().close(self.key);
        self.shared.fresh.notify_one();
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watcher").field("user", &self.user).finish_non_exhaustive()
    }
}
