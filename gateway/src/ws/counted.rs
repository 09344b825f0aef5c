//! How often something happened within the last minute.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);

/// Counts what may happen so often in any minute. Holds no memory before it happens.
#[derive(Debug)]
pub(super) struct Counted {
    max: usize,
    /// Of the last minute, and never more than one over the bound.
    times: VecDeque<Instant>,
}

impl Counted {
    pub(super) const fn new(max: usize) -> Self {
        Self { max, times: VecDeque::new() }
    }

    /// It happened once more; whether that is too often.
    pub(super) fn is_too_often(&mut self, now: Instant) -> bool {
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
    async fn bound_holds_in_any_minute() {
        let begun = Instant::now();
        let at = |seconds: u64| begun + Duration::from_secs(seconds);
        let mut counted = Counted::new(10);
        assert!((0..10).all(|_| !counted.is_too_often(at(59))));
        assert!(counted.is_too_often(at(61)));
        assert!(counted.is_too_often(at(118)));
        assert!(!counted.is_too_often(at(178)));
    }
}
