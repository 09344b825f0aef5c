//! A circuit breaker: refuses calls at once while the store does not answer.
//!
//! A failure counts only if the store has answered nothing since that request began. Otherwise many
//! requests to one silent node, which fail together, would open the breaker although the other
//! nodes answer. After [`FAILURES_MAX`] such failures the breaker opens. A probe every
//! [`PROBE_EVERY`] closes it when the store answers again.

use std::{
    sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    time::Duration,
};

use tokio::sync::Notify;

/// How many failures without an answer open the breaker.
const FAILURES_MAX: u32 = 8;

/// How often an open breaker probes the store.
pub(super) const PROBE_EVERY: Duration = Duration::from_millis(500);

/// Permission to send a request; holds how many answers there were when it was given.
#[derive(Debug, Clone, Copy)]
pub(super) struct Permit {
    answers: u64,
}

/// Decides whether requests may be sent.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    answers: AtomicU64,
    failures: AtomicU32,
    is_open: AtomicBool,
    opened: Notify,
}

impl Breaker {
    /// Returns true if requests are refused.
    pub(super) fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }

    /// Permits a request, unless the breaker is open.
    pub(super) fn permit(&self) -> Option<Permit> {
        (!self.is_open()).then(|| Permit { answers: self.answers.load(Ordering::Relaxed) })
    }

    /// Records that the store answered, and closes the breaker.
    pub(super) fn record_answer(&self) {
        self.answers.fetch_add(1, Ordering::Relaxed);
        self.failures.store(0, Ordering::Relaxed);
        if self.is_open.swap(false, Ordering::Relaxed) {
            tracing::info!("the store answers again");
        }
    }

    /// Records that the store did not answer this request.
    pub(super) fn record_failure(&self, permit: Permit) {
        if self.answers.load(Ordering::Relaxed) != permit.answers {
            return;
        }
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if failures >= FAILURES_MAX && !self.is_open.swap(true, Ordering::Relaxed) {
            tracing::warn!(failures, "the store does not answer: refusing calls until it does");
            self.opened.notify_one();
        }
    }

    /// Returns when the breaker has opened, so that one task can begin to probe.
    pub(super) async fn opened(&self) {
        self.opened.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn breaker_opens_after_consecutive_failures_and_closes_on_an_answer() {
        let breaker = Breaker::default();
        for _ in 0..3 {
            (1..FAILURES_MAX).for_each(|_| breaker.record_failure(breaker.permit().unwrap()));
            assert!(!breaker.is_open());
            breaker.record_answer();
        }
        let permit = breaker.permit().unwrap();
        (0..FAILURES_MAX * 2).for_each(|_| breaker.record_failure(permit));
        breaker.opened().await;
        assert!(breaker.permit().is_none());
        breaker.record_answer();
        assert!(breaker.permit().is_some());
    }

    #[test]
    fn breaker_stays_closed_when_an_answer_came_after_the_requests_began() {
        let breaker = Breaker::default();
        let permits: Vec<_> = (0..FAILURES_MAX * 4).map(|_| breaker.permit().unwrap()).collect();
        breaker.record_answer();
        for permit in permits {
            breaker.record_failure(permit);
        }
        assert!(!breaker.is_open());
    }
}
