//! What sockets, polls and sessions of the gateway hold: present devices and watched users.

use std::{fmt, sync::Arc, time::Duration};

use chat_core::{id::UserId, model::Identity, time::Timestamp};
use parking_lot::Mutex;
use tokio::time::{Instant, timeout_at};

use super::{
    Shared,
    device::{DeviceState, Moment},
    watchers::{SessionKey, TooManyWatched},
};
use crate::{
    limits::WATCH_ANSWER_MAX,
    model::{Activity, Presence},
    port::PresenceListener,
};

/// Keeps a device present for one socket or poll. Dropping it is the clean close.
pub struct Hold {
    shared: Arc<Shared>,
    device: Identity,
    /// How long the device counts after the hold ends.
    linger: Duration,
    activity: Mutex<Activity>,
    /// When the client was last heard of, if that is not the moment of the drop.
    seen_at: Option<Timestamp>,
}

impl Hold {
    pub(super) fn new(shared: Arc<Shared>, device: Identity, linger: Duration) -> Self {
        let activity = Mutex::new(Activity::Online);
        let hold = Self { shared, device, linger, activity, seen_at: None };
        hold.change(DeviceState::add_hold);
        hold
    }

    /// Sets whether the client is away. A device is away when all its sockets are.
    pub fn set_activity(&self, activity: Activity) {
        let mut current = self.activity.lock();
        if *current != activity {
            *current = activity;
            self.change(|state, now| state.set_activity(activity, now));
        }
    }

    /// Ends the hold of a dead connection that was last heard of at `seen_at`. The device does not
    /// linger.
    pub fn close_dead(mut self, seen_at: Timestamp) {
        self.linger = Duration::ZERO;
        self.seen_at = Some(seen_at);
    }

    fn change(&self, change: impl FnOnce(&mut DeviceState, Moment)) {
        let now = self.shared.now();
        let is_pending =
            self.shared.devices.lock().change(self.device, now, |state| change(state, now));
        if is_pending {
            self.shared.devices_changed.notify_one();
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let activity = *self.activity.lock();
        self.change(|state, now| {
            state.remove_hold(activity, self.seen_at.unwrap_or(now.at), self.linger, now);
        });
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hold").field("device", &self.device).finish_non_exhaustive()
    }
}

/// A session that watches users. Dropping it ends its watching.
pub struct Watcher {
    shared: Arc<Shared>,
    user: UserId,
    key: SessionKey,
}

impl Watcher {
    pub(super) fn new(
        shared: Arc<Shared>,
        user: UserId,
        listener: Arc<dyn PresenceListener>,
    ) -> Self {
        let key = shared.watchers.lock().open(user, listener);
        Self { shared, user, key }
    }

    /// Watches these users too and returns their presence, in this order. Later changes go to the
    /// listener, at the earliest [`WATCH_LEAD`](crate::limits::WATCH_LEAD) after the answer, so
    /// that the answer can be written first. Users that could not be read within
    /// [`WATCH_ANSWER_MAX`], and users that the session's user may not see, are `unknown`. They
    /// are watched nevertheless, because that may change.
    pub async fn watch(&self, users: &[UserId]) -> Result<Vec<Presence>, TooManyWatched> {
        self.shared.watchers.lock().watch(self.key, users)?;
        self.shared.watch_changed.notify_one();
        let deadline = Instant::now() + WATCH_ANSWER_MAX;
        let may_see = self.shared.visibility.may_see(self.user, users).await;
        // Users that are read after the deadline are sent as changes.
        timeout_at(deadline, self.wait_until_read(users)).await.ok();
        Ok(self.shared.watchers.lock().answer(self.key, users, &may_see))
    }

    async fn wait_until_read(&self, users: &[UserId]) {
        loop {
            let batch_read = self.shared.batch_read.notified();
            if self.shared.watchers.lock().has_read(users) {
                return;
            }
            batch_read.await;
        }
    }

    /// Stops watching these users.
    pub fn unwatch(&self, users: &[UserId]) {
        self.shared.watchers.lock().unwatch(self.key, users);
        self.shared.watch_changed.notify_one();
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.shared.watchers.lock().close(self.key);
        self.shared.watch_changed.notify_one();
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watcher").field("user", &self.user).finish_non_exhaustive()
    }
}
