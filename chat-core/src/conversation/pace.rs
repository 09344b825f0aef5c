//! Whether the next batch goes at once, or waits a moment for those who were just answered.
//!
//! A conversation in which many send at once, each after the answer to the last, falls into batches
//! of one and of all the others in turn: the first who is answered sends again, alone, and the
//! others wait for that. So a batch that follows another one waits, for a small part of the time
//! that the last one took, until as many are there as were there before. Who sends alone waits for
//! nobody, and a store that answers fast makes nobody wait.

use std::time::Duration;

use tokio::time::Instant;

use crate::limits::{BATCH_ENTRIES_MAX, GATHER_MAX, GATHER_MIN, GATHER_SHARE};

/// What the last batch says about the next one.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// How many were answered by it or waiting when it ended.
    company: usize,
    /// How long to wait for as many again.
    until: Option<Instant>,
}

impl Pace {
    /// A batch that took so long has ended now, with so many answered and so many waiting.
    pub(super) fn ended(&mut self, took: Duration, answered: usize, waiting: usize) {
        self.company = (answered + waiting).min(BATCH_ENTRIES_MAX);
        let wait = (took / GATHER_SHARE).min(GATHER_MAX);
        self.until = (wait >= GATHER_MIN).then(|| Instant::now() + wait);
    }

    /// Until when a batch has to wait with so many waiting; `None` if it may go.
    pub(super) fn gathers_until(&self, waiting: usize) -> Option<Instant> {
        self.until.filter(|until| waiting < self.company && Instant::now() < *until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOW: Duration = Duration::from_millis(40);

    #[tokio::test(start_paused = true)]
    async fn batch_waits_for_as_many_as_there_were_but_not_for_long() {
        let mut pace = Pace::default();
        assert_eq!(pace.gathers_until(1), None);
        pace.ended(SLOW, 1, 15);
        let until = pace.gathers_until(15).unwrap();
        assert_eq!(until - Instant::now(), SLOW / GATHER_SHARE);
        assert_eq!(pace.gathers_until(16), None);
        tokio::time::advance(SLOW / GATHER_SHARE).await;
        assert_eq!(pace.gathers_until(1), None);
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_alone_and_who_has_a_fast_store_never_wait() {
        let mut pace = Pace::default();
        pace.ended(SLOW, 1, 0);
        assert_eq!(pace.gathers_until(1), None);
        pace.ended(GATHER_MIN * (GATHER_SHARE - 1), 8, 8);
        assert_eq!(pace.gathers_until(1), None);
    }

    #[tokio::test(start_paused = true)]
    async fn full_batch_and_slow_store_have_bounds() {
        let mut pace = Pace::default();
        pace.ended(Duration::from_secs(2), BATCH_ENTRIES_MAX, BATCH_ENTRIES_MAX);
        assert_eq!(pace.gathers_until(BATCH_ENTRIES_MAX), None);
        assert_eq!(pace.gathers_until(1).unwrap() - Instant::now(), GATHER_MAX);
    }
}
