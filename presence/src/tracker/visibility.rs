//! Caches who may see whom for some seconds. Refusals are not cached: the two may have become
//! acquainted since.

use std::{collections::HashMap, sync::Arc};

use chat_core::id::UserId;
use parking_lot::Mutex;
use tokio::time::{Instant, timeout};

use crate::{
    limits::{ANSWER_WITHIN, VISIBILITY_CACHE_MAX, VISIBILITY_TTL},
    port::Acquaintances,
};

#[derive(Debug)]
pub(super) struct VisibilityCache {
    acquaintances: Arc<dyn Acquaintances>,
    /// Pairs of watcher and user, with the time of the question.
    visible: Mutex<HashMap<(UserId, UserId), Instant>>,
}

impl VisibilityCache {
    pub(super) fn new(acquaintances: Arc<dyn Acquaintances>) -> Self {
        Self { acquaintances, visible: Mutex::default() }
    }

    /// Returns for each of these users whether the watcher may see it. Users may see themselves.
    /// No answer in time counts as false.
    pub(super) async fn may_see(&self, watcher: UserId, users: &[UserId]) -> Vec<bool> {
        let now = Instant::now();
        let is_fresh = |asked: &Instant| now < *asked + VISIBILITY_TTL;
        let cached: Vec<bool> = {
            let visible = self.visible.lock();
            let is_cached = |user| visible.get(&(watcher, user)).is_some_and(is_fresh);
            users.iter().map(|user| watcher == *user || is_cached(*user)).collect()
        };
        let missing: Vec<UserId> = users
            .iter()
            .zip(&cached)
            .filter(|(_, is_cached)| !**is_cached)
            .map(|(u, _)| *u)
            .collect();
        if missing.is_empty() {
            return cached;
        }
        let question = self.acquaintances.may_see(watcher, &missing);
        let mut answers = timeout(ANSWER_WITHIN, question).await.unwrap_or_default();
        answers.resize(missing.len(), false);

        let mut visible = self.visible.lock();
        if visible.len() + missing.len() > VISIBILITY_CACHE_MAX {
            visible.retain(|_, asked| is_fresh(asked));
        }
        let room = VISIBILITY_CACHE_MAX.saturating_sub(visible.len());
        let seen = missing.iter().zip(&answers).filter(|(_, may_see)| **may_see);
        visible.extend(seen.take(room).map(|(user, _)| ((watcher, *user), now)));
        drop(visible);

        let mut answers = answers.into_iter();
        cached.into_iter().map(|is_cached| is_cached || answers.next() == Some(true)).collect()
    }
}
