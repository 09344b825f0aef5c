//! A gateway's part in presence: it publishes its devices and sends changes to its sessions.
//!
//! Five tasks run, however many people are present. One keeps the lease and one publishes devices
//! ([`publisher`]). One stores last seen ([`last_seen_queue`]). One removes the devices of ended
//! gateways ([`reaper`]). One sends changes to watching sessions ([`pump`]). They decide on plain
//! data: [`device`] is one device, [`devices`] are all of them, [`watched`] is the state machine of
//! a watched user, and [`watchers`] are all sessions and the users they watch.

mod device;
mod devices;
mod handles;
mod last_seen_queue;
mod publisher;
mod pump;
mod reader;
mod reaper;
mod visibility;
mod watched;
mod watchers;

use std::{fmt, sync::Arc};

use chat_core::{
    id::{GatewayId, UserId},
    model::Identity,
    time::Clock,
};
use parking_lot::Mutex;
use tokio::{
    sync::Notify,
    time::{Instant, MissedTickBehavior, interval, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    device::Moment,
    devices::Devices,
    last_seen_queue::LastSeenQueue,
    reader::{Cooldown, PresenceReader},
    reaper::Reaper,
    visibility::VisibilityCache,
    watchers::Watchers,
};
pub use self::{
    handles::{Hold, Watcher},
    watchers::TooManyWatched,
};
use crate::{
    jitter::Jitter,
    limits::{ANSWER_WITHIN, DEPART_GRACE, POLL_LINGER, RENEW_EVERY, SEEN_EVERY},
    model::Presence,
    port::{Acquaintances, LastSeen, Leases, PresenceListener},
};

/// When last seen is stored, besides when a device leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastSeenPolicy {
    /// At no other time. The leases outlive this process, so the gateway that notices its end
    /// stores last seen.
    OnLeave,
    /// Every [`SEEN_EVERY`] for everybody present, because the leases end with this process.
    WhilePresent,
}

/// What a tracker needs.
#[derive(Debug, Clone)]
pub struct TrackerParts {
    /// Supplies the time, and the ids under which this gateway has leases.
    pub clock: Arc<dyn Clock>,
    /// Leases and devices of all gateways.
    pub leases: Arc<dyn Leases>,
    /// The store of last seen.
    pub last_seen: Arc<dyn LastSeen>,
    /// Decides who may see whom.
    pub acquaintances: Arc<dyn Acquaintances>,
    /// When last seen is stored.
    pub last_seen_policy: LastSeenPolicy,
    /// The seed of all random delays. Each gateway needs a different one.
    pub seed: u64,
}

/// A gateway's part in presence. Clones share the same tracker.
#[derive(Debug, Clone)]
pub struct Tracker {
    shared: Arc<Shared>,
}

/// State shared by handles and tasks.
pub(crate) struct Shared {
    clock: Arc<dyn Clock>,
    reader: PresenceReader,
    last_seen: LastSeenQueue,
    visibility: VisibilityCache,
    reaper: Reaper,
    jitter: Jitter,
    devices: Arc<Mutex<Devices>>,
    watchers: Mutex<Watchers>,
    /// Wakes the publisher.
    devices_changed: Notify,
    /// Requests a renewal of the lease before it is due.
    renew_now: Notify,
    /// Wakes the pump: watched users were added or removed.
    watch_changed: Notify,
    /// Wakes waiting sessions: a batch of watched users was read.
    batch_read: Notify,
}

impl Tracker {
    /// Begins the gateway's lease and runs until `stop`. Then it shortens the lease and stores last
    /// seen of everybody present, within some seconds. Call it once for each [`Leases`].
    pub fn start(parts: TrackerParts, tasks: &TaskTracker, stop: &CancellationToken) -> Self {
        let (policy, changes) = (parts.last_seen_policy, parts.leases.changes());
        let shared = Arc::new(Shared::new(parts));
        tasks.spawn(publisher::keep_lease(Arc::clone(&shared), stop.clone()));
        tasks.spawn(publisher::publish(Arc::clone(&shared), stop.clone()));
        tasks.spawn(store_last_seen(Arc::clone(&shared), policy, stop.clone()));
        tasks.spawn(stop.clone().run_until_cancelled_owned(reaper::run(Arc::clone(&shared))));
        if let Some(changes) = changes {
            let pump = pump::run(Arc::clone(&shared), changes);
            tasks.spawn(stop.clone().run_until_cancelled_owned(pump));
        } else {
            tracing::error!("the stream of changes was taken before: sessions receive no changes");
        }
        Self { shared }
    }

    /// Marks the device of this login as present for a socket, until the hold is dropped and
    /// [`DEPART_GRACE`] longer. All sockets and polls of a login are one device.
    #[must_use = "the device leaves when the hold is dropped"]
    pub fn hold_for_socket(&self, device: Identity) -> Hold {
        Hold::new(Arc::clone(&self.shared), device, DEPART_GRACE)
    }

    /// Marks the device of this login as present for a poll, until the hold is dropped and
    /// [`POLL_LINGER`] longer, because the next poll may be on its way.
    #[must_use = "the device leaves when the hold is dropped"]
    pub fn hold_for_poll(&self, device: Identity) -> Hold {
        Hold::new(Arc::clone(&self.shared), device, POLL_LINGER)
    }

    /// Returns a session of `user` that may watch others until it is dropped. Changes go to
    /// `listener`.
    pub fn watcher(&self, user: UserId, listener: Arc<dyn PresenceListener>) -> Watcher {
        Watcher::new(Arc::clone(&self.shared), user, listener)
    }

    /// Returns the presence of these users as `watcher` may see it, in this order.
    pub async fn presence_for(&self, watcher: UserId, users: &[UserId]) -> Vec<Presence> {
        let may_see = self.shared.visibility.may_see(watcher, users).await;
        let visible = users.iter().zip(&may_see).filter(|(_, may_see)| **may_see);
        let visible: Vec<_> = visible.map(|(user, _)| *user).collect();
        let read = self.shared.reader.read(&visible).await;
        self.shared.reaper.add(read.ended);
        let mut presences = read.presences.into_iter();
        let one = |(user, may_see): (&UserId, bool)| {
            may_see.then(|| presences.next()).flatten().unwrap_or(Presence::unknown(*user))
        };
        users.iter().zip(may_see).map(one).collect()
    }
}

impl Shared {
    fn new(parts: TrackerParts) -> Self {
        let gateway = GatewayId::from(parts.clock.fresh_id());
        let devices = Arc::new(Mutex::new(Devices::new(gateway)));
        let reader = PresenceReader {
            leases: parts.leases,
            last_seen: Arc::clone(&parts.last_seen),
            clock: Arc::clone(&parts.clock),
            devices: Arc::clone(&devices),
            leases_cooldown: Cooldown::default(),
            store_cooldown: Cooldown::default(),
        };
        Self {
            clock: parts.clock,
            reader,
            last_seen: LastSeenQueue::new(parts.last_seen),
            visibility: VisibilityCache::new(parts.acquaintances),
            reaper: Reaper::default(),
            jitter: Jitter::new(parts.seed),
            devices,
            watchers: Mutex::default(),
            devices_changed: Notify::new(),
            renew_now: Notify::new(),
            watch_changed: Notify::new(),
            batch_read: Notify::new(),
        }
    }

    fn now(&self) -> Moment {
        Moment { instant: Instant::now(), at: self.clock.now() }
    }

    /// Returns the answer, or `None` after [`ANSWER_WITHIN`].
    async fn in_time<T>(&self, question: impl Future<Output = T>) -> Option<T> {
        timeout(ANSWER_WITHIN, question).await.ok()
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

/// Flushes the queue of last seen until `stop`, and with [`LastSeenPolicy::WhilePresent`] stores last
/// seen of everybody present. At the end it does both.
async fn store_last_seen(shared: Arc<Shared>, policy: LastSeenPolicy, stop: CancellationToken) {
    let mut ticks = interval(match policy {
        LastSeenPolicy::OnLeave => RENEW_EVERY,
        LastSeenPolicy::WhilePresent => SEEN_EVERY,
    });
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let store_regularly = async {
        loop {
            ticks.tick().await;
            shared.last_seen.flush().await;
            if policy == LastSeenPolicy::WhilePresent {
                let present = shared.devices.lock().last_seen(shared.now());
                shared.last_seen.store(&present).await;
            }
        }
    };
    stop.run_until_cancelled(store_regularly).await;
    let present = shared.devices.lock().last_seen(shared.now());
    shared.last_seen.store(&present).await;
    shared.last_seen.flush().await;
}

#[cfg(test)]
mod tests;
