//! How gateways that append to one conversation take turns.
//!
//! An append is refused if another gateway has appended since the head was read. The winner knows the
//! new head at once and could append again before the others have read it, over and over, until their
//! writes are too late. So a gateway waits after each append to a conversation that others append to
//! as well. Who is losing all the time leaves no trace that the winner would see; so the winner also
//! waits after appending for a long time without a break.

use std::time::Duration;

use tokio::time::Instant;

use crate::limits::{GATHER_MIN, SHARED_FOR, TURN_MAX, TURN_PAUSE, TURN_PAUSE_MAX};

/// What one gateway knows about the turns of all.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// When entries of another gateway were last found.
    others_at: Option<Instant>,
    /// When this gateway's present turn began.
    began_at: Option<Instant>,
}

impl Turns {
    /// Records that another gateway has appended.
    pub(super) fn meet_others(&mut self) {
        self.others_at = Some(Instant::now());
    }

    /// Returns true if another gateway has appended a short time ago.
    pub(super) fn is_shared(&self) -> bool {
        self.others_at.is_some_and(|at| at.elapsed() < SHARED_FOR)
    }

    /// Records that a batch begins.
    pub(super) fn begin(&mut self) {
        self.began_at.get_or_insert_with(Instant::now);
    }

    /// Returns how long to let others go first, after a batch that took this long. `writes` is how many
    /// it answered or left in the queue: who sends one text after the other takes no long turn.
    pub(super) fn pause(&mut self, took: Duration, writes: usize) -> Option<Duration> {
        if writes <= 1 {
            self.rest();
        }
        let is_long = self.began_at.is_some_and(|at| at.elapsed() >= TURN_MAX);
        if !self.is_shared() && !is_long {
            return None;
        }
        self.rest();
        Some((took * TURN_PAUSE).clamp(GATHER_MIN, TURN_PAUSE_MAX))
    }

    /// Ends the turn.
    pub(super) fn rest(&mut self) {
        self.began_at = None;
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const APPEND: Duration = Duration::from_millis(25);

    #[tokio::test(start_paused = true)]
    async fn gateway_pauses_while_others_append() {
        let mut turns = Turns::default();
        turns.begin();
        assert_eq!(turns.pause(APPEND, 2), None);
        turns.meet_others();
        assert_eq!(turns.pause(APPEND, 1), Some(APPEND * TURN_PAUSE));
        assert_eq!(turns.pause(Duration::from_secs(1), 1), Some(TURN_PAUSE_MAX));
        advance(SHARED_FOR).await;
        assert_eq!(turns.pause(APPEND, 2), None);
    }

    #[tokio::test(start_paused = true)]
    async fn gateway_pauses_after_a_long_turn() {
        let mut turns = Turns::default();
        turns.begin();
        advance(TURN_MAX).await;
        assert_eq!(turns.pause(APPEND, 2), Some(APPEND * TURN_PAUSE));
        turns.begin();
        assert_eq!(turns.pause(APPEND, 2), None, "a new turn has begun");
    }

    #[tokio::test(start_paused = true)]
    async fn turn_ends_with_a_rest_or_a_single_write() {
        let mut turns = Turns::default();
        turns.begin();
        advance(TURN_MAX).await;
        turns.rest();
        assert_eq!(turns.pause(APPEND, 2), None);
        turns.begin();
        advance(TURN_MAX).await;
        assert_eq!(turns.pause(APPEND, 1), None);
    }
}
