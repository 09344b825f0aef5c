//! Identical reads at the same moment share one read of the store.
//!
//! A read never joins a shared read that began before it, because that one may miss what was
//! acknowledged in between. It joins the next shared read, which begins when the running one ends.
//! A thousand identical reads at once become two, and each sees everything that was acknowledged
//! before it was called.

use std::{collections::HashMap, fmt, hash::Hash, sync::Arc};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use parking_lot::Mutex;

type SharedRead<V> = Shared<BoxFuture<'static, V>>;

/// The shared reads of one key.
struct Slot<V> {
    running: SharedRead<V>,
    next: Option<SharedRead<V>>,
    waiters: usize,
}

/// Shared reads by key.
pub(super) struct SingleFlight<K, V>(Mutex<HashMap<K, Slot<V>>>);

impl<K, V> Default for SingleFlight<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K, V> fmt::Debug for SingleFlight<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SingleFlight").finish_non_exhaustive()
    }
}

impl<K, V> SingleFlight<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Returns the value that `read`, or an identical read that begins after this call, returns.
    pub(super) async fn join<F>(self: &Arc<Self>, key: K, read: F) -> V
    where
        F: Future<Output = V> + Send + 'static,
    {
        let shared = self.enter(key.clone(), read);
        let _waiter = Waiter { flights: self.clone(), key };
        shared.await
    }

    fn enter(&self, key: K, read: impl Future<Output = V> + Send + 'static) -> SharedRead<V> {
        let mut slots = self.0.lock();
        let Some(slot) = slots.get_mut(&key) else {
            let running = read.boxed().shared();
            slots.insert(key, Slot { running: running.clone(), next: None, waiters: 1 });
            return running;
        };
        slot.waiters += 1;
        while slot.running.peek().is_some()
            && let Some(next) = slot.next.take()
        {
            slot.running = next;
        }
        if slot.running.peek().is_some() {
            slot.running = read.boxed().shared();
            return slot.running.clone();
        }
        let running = slot.running.clone();
        let next = move || running.then(|_| read).boxed().shared();
        slot.next.get_or_insert_with(next).clone()
    }
}

/// A caller that waits for a shared read. The last one to leave removes the slot.
struct Waiter<K: Eq + Hash, V> {
    flights: Arc<SingleFlight<K, V>>,
    key: K,
}

impl<K: Eq + Hash, V> Drop for Waiter<K, V> {
    fn drop(&mut self) {
        let mut slots = self.flights.0.lock();
        let Some(slot) = slots.get_mut(&self.key) else { return };
        slot.waiters -= 1;
        if slot.waiters == 0 {
            slots.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::time::{Duration, sleep};

    use super::*;

    /// A stored value, and how many reads of it have begun.
    #[derive(Default)]
    struct Stored {
        value: AtomicU32,
        reads: AtomicU32,
    }

    impl Stored {
        async fn read(self: Arc<Self>) -> u32 {
            self.reads.fetch_add(1, Ordering::SeqCst);
            let value = self.value.load(Ordering::SeqCst);
            sleep(Duration::from_millis(10)).await;
            value
        }

        async fn grow(&self) {
            for _ in 0..40 {
                sleep(Duration::from_millis(1)).await;
                self.value.fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn identical_reads_share_one_and_none_returns_an_older_value() {
        let flights = Arc::new(SingleFlight::<u8, u32>::default());
        let stored = Arc::new(Stored::default());
        let readers = (0..1_000).map(async |nth| {
            sleep(Duration::from_millis(nth % 37)).await;
            let acknowledged = stored.value.load(Ordering::SeqCst);
            assert!(flights.join(7, stored.clone().read()).await >= acknowledged);
        });
        tokio::join!(futures_util::future::join_all(readers), stored.grow());
        assert!(stored.reads.load(Ordering::SeqCst) <= 7, "{:?}", stored.reads);
        assert!(flights.0.lock().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn shared_read_continues_when_its_first_caller_is_dropped() {
        let flights = Arc::new(SingleFlight::<u8, u32>::default());
        let slow = || async {
            sleep(Duration::from_millis(50)).await;
            1
        };
        let first = tokio::time::timeout(Duration::from_millis(10), flights.join(1, slow()));
        let (first, second) = tokio::join!(first, flights.join(1, slow()));
        assert!(first.is_err());
        assert_eq!(second, 1);
        assert!(flights.0.lock().is_empty());
    }
}
