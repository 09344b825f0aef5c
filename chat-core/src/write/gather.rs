//! How long the next batch waits for more writes.
//!
//! In a conversation where many people send at once, each after the reply to the last message,
//! batches would alternate between one write and all the others: the first sender to be answered
//! sends again alone, and everybody else waits for that append. So a batch that follows another one
//! waits until as many writes are queued as were before, for a small part of the time that the last
//! batch took. A single sender never waits, and a fast store makes nobody wait.

use std::time::Duration;

use tokio::time::Instant;

use crate::limits::{BATCH_ENTRIES_MAX, GATHER_MAX, GATHER_MIN, GATHER_SHARE};

/// What the last batch says about the next one.
#[derive(Debug, Default)]
pub(super) struct GatherWindow {
    /// How many writes the last batch answered or left in the queue.
    expected: usize,
    /// When to stop waiting for as many again.
    until: Option<Instant>,
}

impl GatherWindow {
    /// Opens the window for the next batch: the last one took this long, answered this many writes
    /// and left this many in the queue.
    pub(super) fn open(&mut self, took: Duration, answered: usize, queued: usize) {
        self.expected = (answered + queued).min(BATCH_ENTRIES_MAX);
        let wait = (took / GATHER_SHARE).min(GATHER_MAX);
        self.until = (wait >= GATHER_MIN).then(|| Instant::now() + wait);
    }

    /// Keeps the next batch waiting at least this long, however many writes are queued.
    pub(super) fn hold(&mut self, pause: Duration) {
        self.expected = usize::MAX;
        self.until = Some(Instant::now() + pause);
    }

    /// Returns how long a batch has to wait while this many writes are queued, or `None` if it may
    /// start.
    pub(super) fn waits_until(&self, queued: usize) -> Option<Instant> {
        self.until.filter(|until| queued < self.expected && Instant::now() < *until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOW: Duration = Duration::from_millis(40);

    #[tokio::test(start_paused = true)]
    async fn batch_waits_for_as_many_writes_as_before_within_a_bound() {
        let mut window = GatherWindow::default();
        assert_eq!(window.waits_until(1), None, "there was no batch before the first");
        window.open(SLOW, 8, 2);
        assert_eq!(window.waits_until(9), Some(Instant::now() + SLOW / GATHER_SHARE));
        assert_eq!(window.waits_until(10), None, "as many are queued as before");
        tokio::time::advance(SLOW / GATHER_SHARE).await;
        assert_eq!(window.waits_until(1), None);
    }

    #[tokio::test(start_paused = true)]
    async fn single_sender_and_fast_store_never_wait() {
        let mut window = GatherWindow::default();
        window.open(SLOW, 1, 0);
        assert_eq!(window.waits_until(1), None);
        window.open(GATHER_MIN * (GATHER_SHARE - 1), 8, 8);
        assert_eq!(window.waits_until(1), None);
    }

    #[tokio::test(start_paused = true)]
    async fn full_batch_starts_at_once_and_slow_store_delays_within_a_bound() {
        let mut window = GatherWindow::default();
        window.open(Duration::from_secs(2), BATCH_ENTRIES_MAX, BATCH_ENTRIES_MAX);
        assert_eq!(window.waits_until(BATCH_ENTRIES_MAX), None);
        assert_eq!(window.waits_until(1).unwrap() - Instant::now(), GATHER_MAX);
    }
}
