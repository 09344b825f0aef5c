//! Stores last seen. Values that the store does not take wait in a bounded queue.

use std::{collections::HashMap, sync::Arc};

use chat_core::{id::UserId, time::Timestamp};
use parking_lot::Mutex;

use super::reader::Cooldown;
use crate::{
    limits::{PUBLISH_MAX, SEEN_WAITING_MAX},
    port::LastSeen,
};

pub(super) struct LastSeenQueue {
    store: Arc<dyn LastSeen>,
    cooldown: Cooldown,
    waiting: Mutex<HashMap<UserId, Timestamp>>,
}

impl LastSeenQueue {
    pub(super) fn new(store: Arc<dyn LastSeen>) -> Self {
        Self { store, cooldown: Cooldown::default(), waiting: Mutex::default() }
    }

    /// Stores these values, or queues them if the store does not take them. Cancel-safe.
    pub(super) async fn store(&self, last_seen: &[(UserId, Timestamp)]) {
        let mut unstored = Unstored { queue: self, last_seen };
        while !unstored.last_seen.is_empty() {
            let (batch, rest) =
                unstored.last_seen.split_at(unstored.last_seen.len().min(PUBLISH_MAX));
            if !self.store_now(batch).await {
                self.enqueue(batch);
            }
            unstored.last_seen = rest;
        }
    }

    /// Stores these values without queueing. Returns false if they may not be stored.
    pub(super) async fn store_now(&self, last_seen: &[(UserId, Timestamp)]) -> bool {
        match self.cooldown.ask(self.store.advance(last_seen)).await {
            Some(Ok(())) => true,
            Some(Err(error)) => {
                tracing::warn!(%error, users = last_seen.len(), "last seen not stored yet");
                false
            }
            None => false,
        }
    }

    /// Stores queued values until the queue is empty or the store fails. Cancel-safe.
    pub(super) async fn flush(&self) {
        loop {
            let batch: Vec<_> = {
                let mut waiting = self.waiting.lock();
                let users: Vec<UserId> = waiting.keys().copied().take(PUBLISH_MAX).collect();
                users.iter().filter_map(|user| waiting.remove_entry(user)).collect()
            };
            let mut unstored = Unstored { queue: self, last_seen: &batch };
            if batch.is_empty() || !self.store_now(&batch).await {
                return;
            }
            unstored.last_seen = &[];
        }
    }

    fn enqueue(&self, last_seen: &[(UserId, Timestamp)]) {
        let mut waiting = self.waiting.lock();
        for (user, at) in last_seen {
            if waiting.len() < SEEN_WAITING_MAX || waiting.contains_key(user) {
                let latest = waiting.entry(*user).or_insert(*at);
                *latest = (*latest).max(*at);
            }
        }
    }
}

/// Guard that queues the values not stored yet when it is dropped.
struct Unstored<'a> {
    queue: &'a LastSeenQueue,
    last_seen: &'a [(UserId, Timestamp)],
}

impl Drop for Unstored<'_> {
    fn drop(&mut self) {
        self.queue.enqueue(self.last_seen);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicBool, Ordering},
        time::Duration,
    };

    use async_trait::async_trait;
    use chat_core::error::StoreError;
    use tokio::time::timeout;

    use super::*;
    use crate::memory::MemoryLastSeen;

    /// A store that does not answer while `is_silent` is set.
    #[derive(Debug, Default)]
    struct SilentStore {
        inner: MemoryLastSeen,
        is_silent: AtomicBool,
    }

    #[async_trait]
    impl LastSeen for SilentStore {
        async fn advance(&self, seen: &[(UserId, Timestamp)]) -> Result<(), StoreError> {
            if self.is_silent.load(Ordering::Relaxed) {
                std::future::pending::<()>().await;
            }
            self.inner.advance(seen).await
        }

        async fn of_users(&self, users: &[UserId]) -> Result<Vec<Option<Timestamp>>, StoreError> {
            self.inner.of_users(users).await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn values_are_queued_when_storing_is_cancelled() {
        let store = Arc::new(SilentStore::default());
        let queue = LastSeenQueue::new(Arc::clone(&store) as Arc<dyn LastSeen>);
        let users: Vec<UserId> = (1..=600).map(|id| UserId::new(id).unwrap()).collect();
        let at = Timestamp::from_millis(1_800_000_000_000);
        let all: Vec<_> = users.iter().map(|user| (*user, at)).collect();
        store.is_silent.store(true, Ordering::Relaxed);
        let soon = Duration::from_millis(1);
        timeout(soon, queue.store(&all)).await.unwrap_err();
        timeout(soon, queue.flush()).await.unwrap_err();
        store.is_silent.store(false, Ordering::Relaxed);
        queue.flush().await;
        assert!(store.of_users(&users).await.unwrap().iter().all(|stored| *stored == Some(at)));
    }
}
