//! What all parts of the domain on one gateway share.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use crate::{
    boundaries::RecentBoundaries,
    budget::Unread,
    consent::ConsentRules,
    hint::Hint,
    limits::{HISTORY_AT_ONCE_MAX, RESUMING_MAX, SEARCHES_AT_ONCE_MAX},
    log::AppendMetrics,
    planted::{Bug, is_planted},
    port::{Channel, Stores},
    ports::Ports,
    revocations::RevokedLogins,
    search::indexer::Unindexed,
    users::Users,
};

/// What all parts of the domain on one gateway share.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) ports: Ports,
    /// Logins whose access tokens this gateway refuses.
    pub(crate) revoked: RevokedLogins,
    /// The owner of all tasks, who waits for their end.
    pub(crate) tasks: TaskTracker,
    /// The sessions of each user on this gateway.
    pub(crate) users: Users,
    pub(crate) consent: ConsentRules,
    pub(crate) boundaries: RecentBoundaries,
    pub(crate) lost_hints: LostHints,
    pub(crate) append_metrics: AppendMetrics,
    /// Bytes that wait for clients to read.
    pub(crate) unread: Arc<Unread>,
    /// One permit for each session that reads a page of the log.
    pub(crate) resuming: Semaphore,
    /// One permit for each page of history that is read.
    pub(crate) history: Semaphore,
    /// One permit for each search.
    pub(crate) searches: Semaphore,
    pub(crate) unindexed: Arc<Unindexed>,
}

impl Context {
    pub(crate) fn new(
        ports: Ports,
        revoked: RevokedLogins,
        tasks: TaskTracker,
        unread: Arc<Unread>,
        consent: ConsentRules,
    ) -> Self {
        Self {
            ports,
            revoked,
            tasks,
            users: Users::default(),
            consent,
            boundaries: RecentBoundaries::default(),
            lost_hints: LostHints::default(),
            append_metrics: AppendMetrics::new(),
            unread,
            resuming: Semaphore::new(RESUMING_MAX),
            history: Semaphore::new(HISTORY_AT_ONCE_MAX),
            searches: Semaphore::new(SEARCHES_AT_ONCE_MAX),
            unindexed: Arc::default(),
        }
    }

    pub(crate) const fn stores(&self) -> &Stores {
        &self.ports.stores
    }

    /// Sends a hint to the other gateways, if there are any.
    pub(crate) fn publish(&self, channel: Channel, hint: impl FnOnce() -> Hint) {
        let bus = &self.ports.bus;
        if bus.has_others() {
            bus.publish(channel, hint().encode());
        }
    }

    /// Returns true if a hint about a newer head may be missing. Then only the store knows the heads.
    pub(crate) fn may_miss_hints(&self) -> bool {
        if is_planted(Bug::TrustsOldHeads) {
            return false;
        }
        let bus = &self.ports.bus;
        if !bus.is_up() {
            // The bus may come back before anybody else looks.
            self.lost_hints.note();
        }
        !bus.is_current() || self.lost_hints.are_pending()
    }
}

/// Counts losses of hints, and the last one after which heads were compared with the store.
#[derive(Debug, Default)]
pub(crate) struct LostHints {
    noted: AtomicU64,
    compared: AtomicU64,
}

impl LostHints {
    /// Notes that hints may have been lost.
    pub(crate) fn note(&self) {
        self.noted.fetch_add(1, Ordering::AcqRel);
    }

    /// Returns the number of losses so far, for [`Self::compared`].
    pub(crate) fn noted(&self) -> u64 {
        self.noted.load(Ordering::Acquire)
    }

    /// Records that all heads were compared with the store after this many losses.
    pub(crate) fn compared(&self, noted: u64) {
        self.compared.fetch_max(noted, Ordering::AcqRel);
    }

    /// Returns true if hints were lost since the heads were compared with the store.
    pub(crate) fn are_pending(&self) -> bool {
        self.compared.load(Ordering::Acquire) < self.noted()
    }
}
