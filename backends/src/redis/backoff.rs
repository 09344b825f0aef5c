//! Exponential backoff with jitter and a cap, without an end.

use std::{collections::hash_map::RandomState, hash::BuildHasher, time::Duration};

const FIRST: Duration = Duration::from_millis(50);
/// The longest delay before an attempt to connect.
pub(super) const BACKOFF_MAX: Duration = Duration::from_secs(2);

/// The delays of one connection. Each is random in the upper half of its span, so that gateways that
/// lost the same primary do not reconnect at the same moment.
#[derive(Debug)]
pub(super) struct Backoff {
    random: RandomState,
    attempts: u32,
}

impl Backoff {
    pub(super) fn new() -> Self {
        Self { random: RandomState::new(), attempts: 0 }
    }

    /// Returns the next delay.
    pub(super) fn next(&mut self) -> Duration {
        let span = FIRST.saturating_mul(1 << self.attempts.min(16)).min(BACKOFF_MAX);
        let thousandth = self.random.hash_one(self.attempts) % 501;
        self.attempts = self.attempts.saturating_add(1);
        span * (500 + u32::try_from(thousandth).unwrap_or(0)) / 1_000
    }

    /// Makes the next delay a short one again.
    pub(super) fn reset(&mut self) {
        self.attempts = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_the_cap() {
        let mut backoff = Backoff::new();
        for attempt in 0..1_000_u32 {
            let delay = backoff.next();
            let span = (FIRST * (1 << attempt.min(10))).min(BACKOFF_MAX);
            assert!((span / 2..=span).contains(&delay), "{attempt}: {delay:?}");
        }
        backoff.attempts = u32::MAX;
        assert!(backoff.next() <= BACKOFF_MAX);
        backoff.reset();
        assert!(backoff.next() <= FIRST);
    }

    #[test]
    fn delays_differ_between_connections() {
        let delays: std::collections::HashSet<_> = (0..100)
            .map(|_| {
                let mut backoff = Backoff::new();
                (0..8).map(|_| backoff.next()).collect::<Vec<_>>()
            })
            .collect();
        assert!(delays.len() > 90);
    }
}
