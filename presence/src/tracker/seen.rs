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

    /// Keeps it in the store, or in the queue before it. Cancel-safe.
    pub(super) async fn keep(&self, seen: &[(UserId, Timestamp)]) {
        let mut going = Going { queue: self, seen };
        while !going.seen.is_empty() {
            let (next, rest) = going.seen.split_at(going.seen.len().min(PUBLISH_MAX));
            if !self.advance(next).await {
                self.wait(next);
            }
            going.seen = rest;
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

    /// Empties the queue as far as the store takes it. Cancel-safe.
    pub(super) async fn flush(&self) {
        loop {
            let seen = self.take();
            let mut going = Going { queue: self, seen: &seen };
            if seen.is_empty() || !self.advance(&seen).await {
                return;
            }
            going.seen = &[];
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

/// What is on its way to the store, and goes into the queue where the way is cut short.
struct Going<'a> {
    queue: &'a Seen,
    seen: &'a [(UserId, Timestamp)],
}

impl Drop for Going<'_> {
    fn drop(&mut self) {
        self.queue.wait(self.seen);
    }
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seen").field("store", &self.store).finish_non_exhaustive()
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

    /// A store that does not answer while it is told not to.
    #[derive(Debug, Default)]
    struct Silent {
        seen: MemoryLastSeen,
        silent: AtomicBool,
    }

    #[async_trait]
    impl LastSeen for Silent {
        async fn advance(&self, seen: &[(UserId, Timestamp)]) -> Result<(), StoreError> {
            if self.silent.load(Ordering::Relaxed) {
                std::future::pending::<()>().await;
            }
            self.seen.advance(seen).await
        }

        async fn of_users(&self, users: &[UserId]) -> Result<Vec<Option<Timestamp>>, StoreError> {
            self.seen.of_users(users).await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_on_its_way_to_the_store_is_kept_where_the_way_is_cut_short() {
        let store = Arc::new(Silent::default());
        let seen = Seen::new(Arc::clone(&store) as Arc<dyn LastSeen>);
        let users: Vec<UserId> = (1..=600).map(|id| UserId::new(id).unwrap()).collect();
        let at = Timestamp::from_millis(1_800_000_000_000);
        let all: Vec<_> = users.iter().map(|user| (*user, at)).collect();
        store.silent.store(true, Ordering::Relaxed);
        let soon = Duration::from_millis(1);
        timeout(soon, seen.keep(&all)).await.unwrap_err();
        timeout(soon, seen.flush()).await.unwrap_err();
        store.silent.store(false, Ordering::Relaxed);
        seen.flush().await;
        assert!(store.of_users(&users).await.unwrap().iter().all(|kept| *kept == Some(at)));
    }
}
