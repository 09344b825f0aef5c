//! Equal reads share one flight to the store.
//!
//! A read never joins a flight that began before it: what was acknowledged in between would be
//! missing. It joins the next one, which begins when the running one has landed; so a thousand
//! equal reads at once are two flights, and each sees all that was acknowledged before it began.

use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};

type Flight<V> = Shared<BoxFuture<'static, V>>;

struct Runway<V> {
    running: Flight<V>,
    next: Option<Flight<V>>,
    waiting: usize,
}

/// Flights by what is read.
pub(super) struct Flights<K, V>(Mutex<HashMap<K, Runway<V>>>);

impl<K, V> Default for Flights<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K, V> fmt::Debug for Flights<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("flights")
    }
}

impl<K, V> Flights<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn lock(&self) -> MutexGuard<'_, HashMap<K, Runway<V>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What `read` gives, read by a flight that begins after this call.
    pub(super) async fn join<F>(self: &Arc<Self>, key: K, read: F) -> V
    where
        F: Future<Output = V> + Send + 'static,
    {
        let flight = self.board(key.clone(), read);
        let _seat = Seat { flights: self.clone(), key };
        flight.await
    }

    fn board(&self, key: K, read: impl Future<Output = V> + Send + 'static) -> Flight<V> {
        let mut runways = self.lock();
        if let Some(runway) = runways.get_mut(&key) {
            runway.waiting += 1;
            runway.land();
            let running = runway.running.clone();
            if running.peek().is_some() {
                runway.running = read.boxed().shared();
                return runway.running.clone();
            }
            let next = move || running.then(|_| read).boxed().shared();
            return runway.next.get_or_insert_with(next).clone();
        }
        let running = read.boxed().shared();
        let runway = Runway { running: running.clone(), next: None, waiting: 1 };
        runways.insert(key, runway);
        running
    }
}

impl<V: Clone> Runway<V> {
    /// The next flight runs once the one before it has landed.
    fn land(&mut self) {
        while self.running.peek().is_some()
            && let Some(next) = self.next.take()
        {
            self.running = next;
        }
    }
}

/// Who waits for a flight; the last one to leave clears the runway.
struct Seat<K: Eq + Hash, V> {
    flights: Arc<Flights<K, V>>,
    key: K,
}

impl<K: Eq + Hash, V> Drop for Seat<K, V> {
    fn drop(&mut self) {
        let mut runways = self.flights.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(runway) = runways.get_mut(&self.key) else { return };
        runway.waiting -= 1;
        if runway.waiting == 0 {
            runways.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::time::{Duration, sleep};

    use super::*;

    /// What is read, and how many flights have begun.
    #[derive(Default)]
    struct Truth {
        value: AtomicU32,
        begun: AtomicU32,
    }

    async fn read(truth: Arc<Truth>) -> u32 {
        truth.begun.fetch_add(1, Ordering::SeqCst);
        let seen = truth.value.load(Ordering::SeqCst);
        sleep(Duration::from_millis(10)).await;
        seen
    }

    async fn reader(flights: &Arc<Flights<u8, u32>>, truth: &Arc<Truth>, at: u64) {
        sleep(Duration::from_millis(at)).await;
        let acknowledged = truth.value.load(Ordering::SeqCst);
        assert!(flights.join(7, read(truth.clone())).await >= acknowledged);
    }

    async fn write(truth: &Truth) {
        for _ in 0..40 {
            sleep(Duration::from_millis(1)).await;
            truth.value.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn equal_reads_share_flights_and_none_is_older_than_its_read() {
        let (flights, truth) = (Arc::default(), Arc::default());
        let readers = (0..1_000).map(|nth| reader(&flights, &truth, nth % 37));
        tokio::join!(futures_util::future::join_all(readers), write(&truth));
        assert!(truth.begun.load(Ordering::SeqCst) <= 7, "{:?}", truth.begun);
        assert!(flights.lock().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn flight_goes_on_when_who_began_it_has_gone() {
        let flights: Arc<Flights<u8, u32>> = Arc::default();
        let slow = || async {
            sleep(Duration::from_millis(50)).await;
            1
        };
        let first = tokio::time::timeout(Duration::from_millis(10), flights.join(1, slow()));
        let (first, second) = tokio::join!(first, flights.join(1, slow()));
        assert!(first.is_err());
        assert_eq!(second, 1);
        assert!(flights.lock().is_empty());
    }
}
