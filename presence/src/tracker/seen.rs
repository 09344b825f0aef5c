//! Keeps last seen in the store, with a bounded queue while the store does not answer.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chat_core::{id::UserId, time::Timestamp};

use super::reader::Rest;
use crate::{
    limits::{PUBLISH_MAX, SEEN_WAITING_MAX},
    port::LastSeen,
};

/// Keeps last seen in the store.
pub(super) struct Seen {
    store: Arc<dyn LastSeen>,
    rest: Rest,
    waiting: Mutex<HashMap<UserId, Timestamp>>,
}

impl Seen {
    pub(super) fn new(store: Arc<dyn LastSeen>) -> Self {
        Self { store, rest: Rest::default(), waiting: Mutex::default() }
    }

    /// Keeps it in the store, or in the queue before it.
    pub(super) async fn keep(&self, seen: &[(UserId, Timestamp)]) {
        for seen in seen.chunks(PUBLISH_MAX) {
            if !self.advance(seen).await {
                self.wait(seen);
            }
        }
    }

    /// Keeps it in the store; says whether it is there.
    pub(super) async fn advance(&self, seen: &[(UserId, Timestamp)]) -> bool {
        match self.rest.ask(self.store.advance(seen)).await {
            Some(Ok(())) => true,
            Some(Err(error)) => {
                tracing::warn!(%error, users = seen.len(), "last seen not kept yet");
                false
            }
            None => false,
        }
    }

    /// Empties the queue as far as the store takes it.
    pub(super) async fn flush(&self) {
        loop {
            let seen = self.take();
            if seen.is_empty() {
                return;
            }
            if !self.advance(&seen).await {
                return self.wait(&seen);
            }
        }
    }

    fn take(&self) -> Vec<(UserId, Timestamp)> {
        let mut waiting = self.lock();
        let seen: Vec<_> =
            waiting.iter().take(PUBLISH_MAX).map(|(user, at)| (*user, *at)).collect();
        for (user, _) in &seen {
            waiting.remove(user);
        }
        seen
    }

    fn wait(&self, seen: &[(UserId, Timestamp)]) {
        let mut waiting = self.lock();
        for (user, at) in seen {
            if waiting.len() < SEEN_WAITING_MAX || waiting.contains_key(user) {
                let latest = waiting.entry(*user).or_insert(*at);
                *latest = (*latest).max(*at);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<UserId, Timestamp>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seen").field("store", &self.store).finish_non_exhaustive()
    }
}
