//! What is counted, for the metrics of whoever runs this.

use std::sync::atomic::{AtomicU64, Ordering};

/// What has happened since the start, over all primaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RedisCounters {
    /// Hints that a primary has taken.
    pub published: u64,
    /// Hints that were not sent: a primary in doubt, a full queue, no answer, or too large.
    pub dropped: u64,
    /// Hints and changes that came.
    pub received: u64,
    /// What came and had no shape: too large, or on a channel that nobody knows.
    pub garbage: u64,
    /// Channels that were subscribed again on a new connection.
    pub resubscribes: u64,
    /// How often hints may have been lost: a primary back from doubt, or arrivals without room.
    pub lost: u64,
    /// Tokens taken from local buckets, because a primary was away or slow.
    pub local_takes: u64,
}

/// One number that only grows.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self, count: usize) {
        self.0.fetch_add(count as u64, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The numbers behind [`RedisCounters`].
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) published: Counter,
    pub(super) dropped: Counter,
    pub(super) received: Counter,
    pub(super) garbage: Counter,
    pub(super) resubscribes: Counter,
    pub(super) lost: Counter,
    pub(super) local_takes: Counter,
}

impl Counters {
    pub(super) fn read(&self) -> RedisCounters {
        RedisCounters {
            published: self.published.get(),
            dropped: self.dropped.get(),
            received: self.received.get(),
            garbage: self.garbage.get(),
            resubscribes: self.resubscribes.get(),
            lost: self.lost.get(),
            local_takes: self.local_takes.get(),
        }
    }
}
