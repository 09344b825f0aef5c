//! The metrics of Redis. `docs/operations.md` explains each of them.

use metrics::{Counter, Gauge, counter, gauge};

/// One gateway's metrics over all primaries. Create it after the recorder is installed.
pub(super) struct RedisMetrics {
    pub(super) primaries_down: Gauge,
    pub(super) hints_published: Counter,
    pub(super) hints_dropped: Counter,
    pub(super) hints_received: Counter,
    pub(super) hints_garbage: Counter,
    pub(super) hints_lost: Counter,
    pub(super) resubscribes: Counter,
    pub(super) local_takes: Counter,
}

impl RedisMetrics {
    pub(super) fn new() -> Self {
        Self {
            primaries_down: gauge!("confab_redis_primaries_down"),
            hints_published: counter!("confab_hints_published_total"),
            hints_dropped: counter!("confab_hints_dropped_total"),
            hints_received: counter!("confab_hints_received_total"),
            hints_garbage: counter!("confab_hints_garbage_total"),
            hints_lost: counter!("confab_hints_lost_total"),
            resubscribes: counter!("confab_resubscribes_total"),
            local_takes: counter!("confab_local_takes_total"),
        }
    }
}
