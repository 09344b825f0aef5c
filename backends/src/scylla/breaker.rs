//! Refuses at once while the store does not answer, and finds out when it does again.
//!
//! After [`FAILURES_MAX`] failures in a row, none of them followed by a success, callers are
//! refused without asking; a probe every [`PROBE_EVERY`] closes the breaker when it is answered.

use std::{
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::Duration,
};

use tokio::sync::Notify;

/// Failures in a row after which the store counts as gone.
const FAILURES_MAX: u32 = 8;

/// How often a store that is gone is asked.
pub(super) const PROBE_EVERY: Duration = Duration::from_millis(500);

/// Whether the store is asked at all.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: AtomicU32,
    is_open: AtomicBool,
    opened: Notify,
}

impl Breaker {
    /// Whether callers are refused.
    pub(super) fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }

    /// The store has answered.
    pub(super) fn answered(&self) {
        self.failures.store(0, Ordering::Relaxed);
        if self.is_open.swap(false, Ordering::Relaxed) {
            tracing::info!("the store answers again");
        }
    }

    /// The store has not answered.
    pub(super) fn failed(&self) {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if failures >= FAILURES_MAX && !self.is_open.swap(true, Ordering::Relaxed) {
            tracing::warn!(failures, "the store does not answer: refusing until it does");
            self.opened.notify_one();
        }
    }

    /// Returns when the breaker has opened: then somebody has to probe.
    pub(super) async fn opened(&self) {
        self.opened.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn breaker_opens_after_failures_in_a_row_until_there_is_an_answer() {
        let breaker = Breaker::default();
        for _ in 0..3 {
            (1..FAILURES_MAX).for_each(|_| breaker.failed());
            assert!(!breaker.is_open());
            breaker.answered();
        }
        (0..FAILURES_MAX * 2).for_each(|_| breaker.failed());
        breaker.opened().await;
        assert!(breaker.is_open());
        breaker.answered();
        assert!(!breaker.is_open());
    }
}
