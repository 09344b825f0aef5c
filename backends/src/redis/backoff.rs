//! How long to wait before the next attempt: doubled each time up to a cap, never given up.

use std::{collections::hash_map::RandomState, hash::BuildHasher, time::Duration};

const FIRST: Duration = Duration::from_millis(50);
/// The longest wait before an attempt to connect.
pub(super) const BACKOFF_MAX: Duration = Duration::from_secs(2);

/// Waits of one connection, each somewhere in the upper half of its span: gateways that lost the
/// same primary do not come back at the same moment.
#[derive(Debug)]
pub(super) struct Backoff {
    chance: RandomState,
    attempts: u32,
}

impl Backoff {
    pub(super) fn new() -> Self {
        Self { chance: RandomState::new(), attempts: 0 }
    }

    /// The next wait.
    pub(super) fn next(&mut self) -> Duration {
        let span = FIRST.saturating_mul(1 << self.attempts.min(16)).min(BACKOFF_MAX);
        let thousandth = self.chance.hash_one(self.attempts) % 501;
        self.attempts = self.attempts.saturating_add(1);
        span * (500 + u32::try_from(thousandth).unwrap_or(0)) / 1_000
    }

    /// All is well: the next wait is a short one.
    pub(super) fn reset(&mut self) {
        self.attempts = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_cap_and_never_end() {
        let mut backoff = Backoff::new();
        for attempt in 0..1_000_u32 {
            let wait = backoff.next();
            let span = (FIRST * (1 << attempt.min(10))).min(BACKOFF_MAX);
            assert!((span / 2..=span).contains(&wait), "{attempt}: {wait:?}");
        }
        backoff.attempts = u32::MAX;
        assert!(backoff.next() <= BACKOFF_MAX);
        backoff.reset();
        assert!(backoff.next() <= FIRST);
    }

    #[test]
    fn no_two_connections_wait_alike() {
        let waits: std::collections::HashSet<_> = (0..100)
            .map(|_| {
                let mut backoff = Backoff::new();
                (0..8).map(|_| backoff.next()).collect::<Vec<_>>()
            })
            .collect();
        assert!(waits.len() > 90);
    }
}
