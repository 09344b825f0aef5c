//! How long the committer waits for more commands before it commits a batch.
//!
//! Many senders that each wait for their last answer fall into two groups on a slow disk: while the
//! commands of one group are synced, those of the other are answered and queue up again. Each sync then
//! carries half of them. So the committer waits until as many commands are queued as were answered and
//! queued after the last commit, for a small part of the time which that commit took. A single sender
//! never waits. If the others do not come back at once, the wait is not repeated for a while.

use std::time::Duration;

/// The shortest commit after which it is worth to wait.
const COMMIT_MIN: Duration = Duration::from_micros(800);
/// The part of the last commit's time, as a divisor, that the next batch may wait.
const SHARE: u32 = 4;
/// How many times the queue is checked in that time.
const CHECKS: u32 = 8;
/// The longest time between two checks.
const PAUSE_MAX: Duration = Duration::from_millis(1);
/// Batches that do not wait after a wait that was in vain.
const BATCHES_WITHOUT: u32 = 32;

/// Decides before each batch whether to wait for more commands.
#[derive(Debug, Default)]
pub(super) struct Gather {
    /// Commands that were answered or queued after the last commit.
    expected: usize,
    /// The time between two checks of the queue.
    pause: Duration,
    /// Batches that start without waiting.
    skipped: u32,
}

impl Gather {
    /// Notes a commit: how long it took, how many commands it answered, and how many are queued now.
    pub(super) fn note_commit(&mut self, took: Duration, answered: usize, queued: usize) {
        self.expected = answered + queued;
        let is_slow = took >= COMMIT_MIN;
        self.pause = if is_slow { (took / SHARE / CHECKS).min(PAUSE_MAX) } else { Duration::ZERO };
        self.skipped = self.skipped.saturating_sub(1);
    }

    /// Waits with `pause`, and checks the number of `queued` commands, until the batch may start.
    pub(super) fn wait(&mut self, queued: impl Fn() -> usize, pause: impl Fn(Duration)) {
        let before = queued();
        if self.pause.is_zero() || self.skipped > 0 || before >= self.expected {
            return;
        }
        for _ in 0..CHECKS {
            pause(self.pause);
            if queued() >= self.expected {
                return;
            }
        }
        let missing = self.expected - before;
        if queued().saturating_sub(before) < missing / 2 {
            self.skipped = BATCHES_WITHOUT;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const SLOW: Duration = Duration::from_millis(4);

    /// Lets a batch wait while the queue has `queued` commands and `arriving` more come with each pause.
    /// Returns the time waited and the commands queued in the end.
    fn wait(gather: &mut Gather, queued: usize, arriving: usize) -> (Duration, usize) {
        let (waited, count) = (Cell::new(Duration::ZERO), Cell::new(queued));
        let pause = |time| {
            waited.set(waited.get() + time);
            count.set(count.get() + arriving);
        };
        gather.wait(|| count.get(), pause);
        (waited.get(), count.get())
    }

    #[test]
    fn batch_waits_until_the_senders_of_the_last_one_are_back() {
        let mut gather = Gather::default();
        gather.note_commit(SLOW, 25, 25);
        assert_eq!(wait(&mut gather, 25, 10), (SLOW / SHARE / CHECKS * 3, 55));
        assert_eq!(wait(&mut gather, 50, 10).0, Duration::ZERO, "all are there already");
    }

    #[test]
    fn single_sender_and_fast_disk_never_wait() {
        let mut gather = Gather::default();
        gather.note_commit(SLOW, 1, 0);
        assert_eq!(wait(&mut gather, 1, 0).0, Duration::ZERO);
        gather.note_commit(COMMIT_MIN / 2, 25, 25);
        assert_eq!(wait(&mut gather, 25, 1).0, Duration::ZERO);
    }

    #[test]
    fn wait_in_vain_is_bounded_and_not_repeated_for_a_while() {
        let mut gather = Gather::default();
        gather.note_commit(SLOW, 10, 10);
        assert_eq!(wait(&mut gather, 10, 0).0, SLOW / SHARE);
        for _ in 1..BATCHES_WITHOUT {
            gather.note_commit(SLOW, 10, 10);
            assert_eq!(wait(&mut gather, 10, 5).0, Duration::ZERO);
        }
        gather.note_commit(SLOW, 10, 10);
        assert_eq!(wait(&mut gather, 10, 5).1, 20);
        gather.note_commit(Duration::from_secs(9), 10, 10);
        assert_eq!(wait(&mut gather, 10, 0).0, PAUSE_MAX * CHECKS);
    }
}
