//! The sessions of each user on this gateway.

use std::sync::Arc;

use crate::{id::UserId, outbox::Outbox, sharded::Sharded};

/// The sessions of each user on this gateway.
#[derive(Debug, Default)]
pub(crate) struct Users {
    users: Sharded<UserId, LocalUser>,
}

/// A user who has a session here, or had one a moment ago.
#[derive(Debug, Default)]
struct LocalUser {
    sessions: Vec<Arc<Outbox>>,
    /// True once this gateway receives the hints for the user.
    is_subscribed: bool,
    /// True if the user had no session at the last sweep.
    is_idle: bool,
}

impl Users {
    /// Adds a session. Returns true if this gateway receives the hints for its user already.
    pub(crate) fn add(&self, outbox: &Arc<Outbox>) -> bool {
        let user = outbox.identity().user;
        let mut shard = self.users.shard(user.get());
        let local = shard.entry(user).or_default();
        local.is_idle = false;
        local.sessions.reserve_exact(1);
        local.sessions.push(outbox.clone());
        local.is_subscribed
    }

    /// Records that this gateway receives the hints for the user from now on.
    pub(crate) fn mark_subscribed(&self, user: UserId) {
        if let Some(local) = self.users.shard(user.get()).get_mut(&user) {
            local.is_subscribed = true;
        }
    }

    /// Removes a session.
    pub(crate) fn remove(&self, outbox: &Outbox) {
        let user = outbox.identity().user;
        if let Some(local) = self.users.shard(user.get()).get_mut(&user) {
            local.sessions.retain(|one| !std::ptr::eq(Arc::as_ptr(one), outbox));
            local.sessions.shrink_to_fit();
        }
    }

    /// Drops users who had no session at the last sweep either, and returns them.
    pub(crate) fn sweep(&self) -> Vec<UserId> {
        let mut swept = Vec::new();
        for mut shard in self.users.shards() {
            let idle = |_: &UserId, local: &mut LocalUser| {
                local.sessions.is_empty() && std::mem::replace(&mut local.is_idle, true)
            };
            swept.extend(shard.extract_if(idle).map(|(user, _)| user));
        }
        swept
    }

    /// Returns true if the user has a session here, or had one a moment ago.
    pub(crate) fn contains(&self, user: UserId) -> bool {
        self.users.shard(user.get()).contains_key(&user)
    }

    /// Returns the users who have a session here, in ascending order.
    pub(crate) fn connected(&self) -> Vec<UserId> {
        let is_connected =
            |(user, local): (&UserId, &LocalUser)| (!local.sessions.is_empty()).then_some(*user);
        let mut connected: Vec<UserId> = self
            .users
            .shards()
            .flat_map(|shard| shard.iter().filter_map(is_connected).collect::<Vec<_>>())
            .collect();
        connected.sort_unstable();
        connected
    }

    /// Calls `act` for each session of a user.
    pub(crate) fn each_session(&self, user: UserId, act: impl FnMut(&Arc<Outbox>)) {
        if let Some(local) = self.users.shard(user.get()).get(&user) {
            local.sessions.iter().for_each(act);
        }
    }

    /// Returns every session.
    pub(crate) fn sessions(&self) -> Vec<Arc<Outbox>> {
        let sessions = |local: &LocalUser| local.sessions.clone();
        self.users
            .shards()
            .flat_map(|shard| shard.values().flat_map(sessions).collect::<Vec<_>>())
            .collect()
    }

    /// Returns how many sessions are open.
    pub(crate) fn session_count(&self) -> usize {
        let count = |local: &LocalUser| local.sessions.len();
        self.users.shards().map(|shard| shard.values().map(count).sum::<usize>()).sum()
    }
}
