//! A gateway's part in presence: it publishes its devices and shows its sessions what changes.
//!
//! Five tasks, however many people are here: one keeps the lease, one publishes devices
//! ([`publisher`]), one keeps last seen ([`seen`]), one buries ended gateways ([`burials`]), one
//! tells watching sessions ([`pump`]). What they decide on is plain data: [`record`] is a device,
//! [`devices`] all of them with one queue of deadlines, [`watchers`] who watches whom.

mod burials;
mod devices;
mod handles;
mod known;
mod publisher;
mod pump;
mod reader;
mod record;
mod seen;
mod watchers;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chat_core::{
    id::{GatewayId, UserId},
    model::Identity,
    time::Clock,
};
use tokio::{
    sync::Notify,
    time::{Instant, MissedTickBehavior, interval, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    burials::Burials,
    devices::Devices,
    known::Known,
    reader::{Reader, Rest},
    record::Now,
    seen::Seen,
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
    port::{Acquaintances, Audience, LastSeen, Leases},
};

/// When last seen is kept besides at leaving.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    /// Not: the leases outlive this process, and whoever notices its end keeps it.
    AtLeaving,
    /// Every [`SEEN_EVERY`] for everybody who is here: the leases end with this process.
    WhilePresent,
}

/// What a tracker is made of.
#[derive(Debug, Clone)]
pub struct Parts {
    /// Time, and the ids of this gateway's leases.
    pub clock: Arc<dyn Clock>,
    /// Leases and devices of all gateways.
    pub leases: Arc<dyn Leases>,
    /// The store of last seen.
    pub last_seen: Arc<dyn LastSeen>,
    /// Who may see whom.
    pub acquaintances: Arc<dyn Acquaintances>,
    /// When last seen is kept.
    pub keeping: Keeping,
    /// The seed of all delays that are left to chance; another one for each gateway.
    pub seed: u64,
}

/// A gateway's part in presence. Clones are the same tracker.
#[derive(Debug, Clone)]
pub struct Tracker {
    shared: Arc<Shared>,
}

/// What handles and tasks share.
pub(crate) struct Shared {
    clock: Arc<dyn Clock>,
    reader: Reader,
    seen: Seen,
    known: Known,
    burials: Burials,
    jitter: Jitter,
    devices: Arc<Mutex<Devices>>,
    watchers: Mutex<Watchers>,
    /// Something is to be published.
    work: Notify,
    /// The lease is to be renewed before its time.
    renew: Notify,
    /// A session waits for its answer.
    fresh: Notify,
    /// A batch of watched users was read.
    answered: Notify,
}

impl Tracker {
    /// Begins the gateway's lease and goes on until `stop`; then the lease is shortened and last
    /// seen kept of everybody, within some seconds. Call once for each [`Leases`].
    pub fn start(parts: Parts, tasks: &TaskTracker, stop: &CancellationToken) -> Self {
        let (keeping, changes) = (parts.keeping, parts.leases.changes());
        let shared = Arc::new(Shared::new(parts));
        let (one, token) = (Arc::clone(&shared), stop.clone());
        tasks.spawn(async move {
            token.run_until_cancelled(publisher::renew(&one)).await;
            publisher::retire(&one).await;
        });
        let (one, token) = (Arc::clone(&shared), stop.clone());
        tasks.spawn(async move {
            token.run_until_cancelled(keep_seen(&one, keeping)).await;
            keep_all(&one).await;
        });
        let (one, token) = (Arc::clone(&shared), stop.clone());
        tasks.spawn(async move {
            token.run_until_cancelled(publisher::publish(&one)).await;
            // It may have been about to keep when somebody was last seen.
            one.seen.flush().await;
        });
        let (one, token) = (Arc::clone(&shared), stop.clone());
        tasks.spawn(async move { token.run_until_cancelled(burials::run(&one)).await });
        let (one, token) = (Arc::clone(&shared), stop.clone());
        if let Some(changes) = changes {
            tasks.spawn(async move { token.run_until_cancelled(pump::run(&one, changes)).await });
        } else {
            tracing::error!("leases tell their changes to somebody else: nobody will be shown any");
        }
        Self { shared }
    }

    /// A socket of this login is here until the hold is dropped, and
    /// [`DEPART_GRACE`](crate::limits::DEPART_GRACE) longer. Sockets and polls of one login are one
    /// device.
    #[must_use = "the device leaves when the hold is dropped"]
    pub fn arrive(&self, device: Identity) -> Hold {
        Hold::new(Arc::clone(&self.shared), device, DEPART_GRACE)
    }

    /// A poll of this login is here until the hold is dropped, and
    /// [`POLL_LINGER`](crate::limits::POLL_LINGER) longer: the next poll may be on its way.
    #[must_use = "the device leaves when the hold is dropped"]
    pub fn poll(&self, device: Identity) -> Hold {
        Hold::new(Arc::clone(&self.shared), device, POLL_LINGER)
    }

    /// A session of `user` that may watch others, until the watcher is dropped.
    pub fn watcher(&self, user: UserId, audience: Arc<dyn Audience>) -> Watcher {
        Watcher::new(Arc::clone(&self.shared), user, audience)
    }

    /// The presence of these users as `watcher` may see it, in this order.
    pub async fn of_users_for(&self, watcher: UserId, users: &[UserId]) -> Vec<Presence> {
        let may = self.shared.known.may_see(watcher, users).await;
        let visible = users.iter().zip(&may).filter(|(_, may)| **may).map(|(user, _)| *user);
        let seen = self.shared.reader.read(&visible.collect::<Vec<_>>()).await;
        self.shared.burials.notice(seen.ended);
        let mut read = seen.presences.into_iter();
        let one = |(user, may): (&UserId, bool)| {
            may.then(|| read.next()).flatten().unwrap_or(Presence::unknown(*user))
        };
        users.iter().zip(may).map(one).collect()
    }
}

impl Shared {
    fn new(parts: Parts) -> Self {
        let gateway = GatewayId::from(parts.clock.fresh_id());
        let devices = Arc::new(Mutex::new(Devices::new(gateway)));
        let reader = Reader {
            leases: parts.leases,
            last_seen: Arc::clone(&parts.last_seen),
            clock: Arc::clone(&parts.clock),
            devices: Arc::clone(&devices),
            leases_rest: Rest::default(),
            store_rest: Rest::default(),
        };
        Self {
            clock: parts.clock,
            reader,
            seen: Seen::new(parts.last_seen),
            known: Known::new(parts.acquaintances),
            burials: Burials::default(),
            jitter: Jitter::new(parts.seed),
            devices,
            watchers: Mutex::default(),
            work: Notify::new(),
            renew: Notify::new(),
            fresh: Notify::new(),
            answered: Notify::new(),
        }
    }

    fn now(&self) -> Now {
        Now { instant: Instant::now(), at: self.clock.now() }
    }

    fn devices(&self) -> MutexGuard<'_, Devices> {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watchers(&self) -> MutexGuard<'_, Watchers> {
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer, if it comes in time.
    async fn in_time<T>(&self, question: impl Future<Output = T>) -> Option<T> {
        timeout(ANSWER_WITHIN, question).await.ok()
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("reader", &self.reader).finish_non_exhaustive()
    }
}

/// Keeps what waits for the store, and with [`Keeping::WhilePresent`] everybody who is here.
async fn keep_seen(shared: &Shared, keeping: Keeping) {
    let mut ticks = interval(match keeping {
        Keeping::AtLeaving => RENEW_EVERY,
        Keeping::WhilePresent => SEEN_EVERY,
    });
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        shared.seen.flush().await;
        if keeping == Keeping::WhilePresent {
            let seen = shared.devices().seen(shared.now());
            shared.seen.keep(&seen).await;
        }
    }
}

/// The gateway ends: everybody who is here was seen now.
async fn keep_all(shared: &Shared) {
    let seen = shared.devices().seen(shared.now());
    shared.seen.keep(&seen).await;
    shared.seen.flush().await;
}

#[cfg(test)]
mod tests;
