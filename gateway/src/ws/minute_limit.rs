//! A limit on how often something may happen within a minute.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);

/// A limit on how often something may happen within any minute. Holds no memory before the first
/// time.
#[derive(Debug)]
pub(super) struct MinuteLimit {
    max: usize,
    /// The times within the last minute, one more than `max` at most.
    times: VecDeque<Instant>,
}

impl MinuteLimit {
    pub(super) const fn new(max: usize) -> Self {
        Self { max, times: VecDeque::new() }
    }

    /// Counts one more time. Returns true if that is above the limit.
    pub(super) fn is_exceeded_at(&mut self, now: Instant) -> bool {
        while self.times.front().is_some_and(|first| now.duration_since(*first) >= MINUTE) {
            self.times.pop_front();
        }
        if self.times.len() <= self.max {
            self.times.push_back(now);
        }
        self.times.len() > self.max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn limit_holds_within_any_minute() {
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let mut limit = MinuteLimit::new(10);
        assert!((0..10).all(|_| !limit.is_exceeded_at(at(59))));
        assert!(limit.is_exceeded_at(at(61)));
        assert!(limit.is_exceeded_at(at(118)));
        assert!(!limit.is_exceeded_at(at(178)));
    }
}
