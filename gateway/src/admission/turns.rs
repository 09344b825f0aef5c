//! Costly work of a user, a few pieces at a time.
//!
//! The price of opening a session or of examining a file is known only afterwards. Without this bound,
//! much could be done before the first piece is paid.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use chat_core::id::UserId;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// One kind of work.
#[derive(Debug)]
pub(super) struct Turns {
    /// How much of one user is done at the same time. The rest waits.
    at_once: usize,
    by_user: Mutex<HashMap<UserId, Weak<Semaphore>>>,
}

/// A turn to work for a user, until dropped.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    turns: &'a Turns,
    user: UserId,
    places: Arc<Semaphore>,
    place: Option<OwnedSemaphorePermit>,
}

impl Turns {
    pub(super) fn new(at_once: usize) -> Self {
        Self { at_once, by_user: Mutex::default() }
    }

    /// Waits for a turn.
    pub(super) async fn take(&self, user: UserId) -> Turn<'_> {
        let places = self.places(user);
        let mut turn = Turn { turns: self, user, places: places.clone(), place: None };
        turn.place = places.acquire_owned().await.ok();
        turn
    }

    fn places(&self, user: UserId) -> Arc<Semaphore> {
        let mut by_user = self.by_user.lock();
        let kept = by_user.entry(user).or_default();
        kept.upgrade().unwrap_or_else(|| {
            let places = Arc::new(Semaphore::new(self.at_once));
            *kept = Arc::downgrade(&places);
            places
        })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut by_user = self.turns.by_user.lock();
        self.place = None;
        if Arc::strong_count(&self.places) == 1 {
            by_user.remove(&self.user);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn user(id: u64) -> UserId {
        UserId::new(id).unwrap()
    }

    #[tokio::test]
    async fn further_work_of_a_user_waits_and_that_of_others_does_not() {
        let turns = Turns::new(2);
        let first = turns.take(user(1)).await;
        let second = turns.take(user(1)).await;
        assert!(turns.take(user(2)).now_or_never().is_some());
        let mut third = Box::pin(turns.take(user(1)));
        assert!(third.as_mut().now_or_never().is_none());
        drop(first);
        drop(third.await);
        drop(second);
        assert!(turns.by_user.lock().is_empty());
    }

    #[tokio::test]
    async fn cancelled_turn_leaves_nothing_behind() {
        let turns = Turns::new(2);
        let held = [turns.take(user(1)).await, turns.take(user(1)).await];
        assert!(turns.take(user(1)).now_or_never().is_none());
        drop(held);
        assert!(turns.by_user.lock().is_empty());
    }
}
