//! Sessions that are being opened, a few at a time for each user.
//!
//! Opening one reads all memberships of its user, and its price is known only afterwards. Without
//! this bound, many could be opened before the first is paid.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use chat_core::id::UserId;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Sessions of one user that are opened at the same time. Others wait.
const AT_ONCE_MAX: usize = 2;

/// Sessions that are being opened.
#[derive(Debug, Default)]
pub(super) struct Openings {
    by_user: Mutex<HashMap<UserId, Weak<Semaphore>>>,
}

/// A place to open a session, until dropped.
#[derive(Debug)]
pub(super) struct Opening<'a> {
    openings: &'a Openings,
    user: UserId,
    places: Arc<Semaphore>,
    place: Option<OwnedSemaphorePermit>,
}

impl Openings {
    /// Waits for a place.
    pub(super) async fn begin(&self, user: UserId) -> Opening<'_> {
        let places = self.places(user);
        let mut opening = Opening { openings: self, user, places: places.clone(), place: None };
        opening.place = places.acquire_owned().await.ok();
        opening
    }

    fn places(&self, user: UserId) -> Arc<Semaphore> {
        let mut by_user = self.by_user.lock();
        let kept = by_user.entry(user).or_default();
        kept.upgrade().unwrap_or_else(|| {
            let places = Arc::new(Semaphore::new(AT_ONCE_MAX));
            *kept = Arc::downgrade(&places);
            places
        })
    }
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        let mut by_user = self.openings.by_user.lock();
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
    async fn further_openings_of_a_user_wait_and_others_do_not() {
        let openings = Openings::default();
        let first = openings.begin(user(1)).await;
        let second = openings.begin(user(1)).await;
        assert!(openings.begin(user(2)).now_or_never().is_some());
        let mut third = Box::pin(openings.begin(user(1)));
        assert!(third.as_mut().now_or_never().is_none());
        drop(first);
        drop(third.await);
        drop(second);
        assert!(openings.by_user.lock().is_empty());
    }

    #[tokio::test]
    async fn cancelled_opening_leaves_nothing_behind() {
        let openings = Openings::default();
        let held = [openings.begin(user(1)).await, openings.begin(user(1)).await];
        assert!(openings.begin(user(1)).now_or_never().is_none());
        drop(held);
        assert!(openings.by_user.lock().is_empty());
    }
}
