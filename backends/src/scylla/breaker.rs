//! Refuses at once while the store does not answer, and finds out when it does again.
//!
//! A failure counts only if nothing at all has been answered since its request began: many requests
//! to one silent node fail at the same moment, beside others that the rest of the store answers.
//! After [`FAILURES_MAX`] that count, callers are refused without asking; a probe every
//! [`PROBE_EVERY`] closes the breaker when it is answered.

use std::{
    sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    time::Duration,
};

use tokio::sync::Notify;

/// Failures without an answer after which the store counts as gone.
const FAILURES_MAX: u32 = 8;

/// How often a store that is gone is asked.
pub(super) const PROBE_EVERY: Duration = Duration::from_millis(500);

/// How many requests had been answered when this one began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked(u64);

/// Whether the store is asked at all.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    answers: AtomicU64,
    failures: AtomicU32,
    is_open: AtomicBool,
    opened: Notify,
}

impl Breaker {
    /// Whether callers are refused.
    pub(super) fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }

    /// A request begins, if it may.
    pub(super) fn ask(&self) -> Option<Asked> {
        (!self.is_open()).then(|| Asked(self.answers.load(Ordering::Relaxed)))
    }

    /// The store has answered.
    pub(super) fn answered(&self) {
        self.answers.fetch_add(1, Ordering::Relaxed);
        self.failures.store(0, Ordering::Relaxed);
        if self.is_open.swap(false, Ordering::Relaxed) {
            tracing::info!("the store answers again");
        }
    }

    /// The store has not answered this request.
    pub(super) fn failed(&self, asked: Asked) {
        if self.answers.load(Ordering::Relaxed) != asked.0 {
            return;
        }
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

    fn asked(breaker: &Breaker) -> Asked {
        breaker.ask().unwrap()
    }

    #[tokio::test]
    async fn breaker_opens_after_failures_in_a_row_until_there_is_an_answer() {
        let breaker = Breaker::default();
        for _ in 0..3 {
            (1..FAILURES_MAX).for_each(|_| breaker.failed(asked(&breaker)));
            assert!(!breaker.is_open());
            breaker.answered();
        }
        let began = asked(&breaker);
        (0..FAILURES_MAX * 2).for_each(|_| breaker.failed(began));
        breaker.opened().await;
        assert!(breaker.is_open());
        breaker.answered();
        assert!(!breaker.is_open());
    }

    #[test]
    fn failures_of_one_moment_beside_an_answer_open_nothing() {
        let breaker = Breaker::default();
        let began: Vec<Asked> = (0..FAILURES_MAX * 4).map(|_| asked(&breaker)).collect();
        breaker.answered();
        for asked in began {
            breaker.failed(asked);
        }
        assert!(!breaker.is_open());
    }
}
