//! The threads that read. A read may wait for the disk, so it does not run on a thread of the runtime.
//!
//! All reads are in one queue. Under load, a thread takes the next read without sleeping in between,
//! so a few threads are enough. More would only take the processors from the sessions, because most
//! reads find their blocks in memory.

use std::{
    io,
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread::{Builder, JoinHandle, available_parallelism},
};

use chat_core::error::StoreError;
use crossbeam_channel::{Receiver, Sender, unbounded};
use tokio::sync::oneshot;

use super::store::Store;

/// Threads for each processor.
const PER_PROCESSOR: usize = 2;
/// The fewest threads: as many reads may wait for the disk at the same time.
const THREADS_MIN: usize = 4;
/// The most threads.
const THREADS_MAX: usize = 32;

type Read = Box<dyn FnOnce(&Store) + Send>;

/// The running threads. They end when this is dropped.
pub(super) struct Readers {
    /// The queue; `None` while the threads end.
    queue: Option<Sender<Read>>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    /// Starts the threads for this store.
    pub(super) fn start(store: &Arc<Store>) -> io::Result<Self> {
        let processors = available_parallelism().map_or(1, NonZeroUsize::get);
        let count = (processors * PER_PROCESSOR).clamp(THREADS_MIN, THREADS_MAX);
        let (queue, queued) = unbounded();
        let mut readers = Self { queue: Some(queue), threads: Vec::new() };
        for _ in 0..count {
            let (store, queued) = (store.clone(), queued.clone());
            let thread = Builder::new().name("store-reader".to_owned());
            readers.threads.push(thread.spawn(move || run(&store, &queued))?);
        }
        Ok(readers)
    }

    /// Runs `read` on one of the threads. It is skipped if the caller gives up before its turn.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let read = move |store: &Store| {
            if !answer.is_closed() {
                // The caller may give up meanwhile.
                answer.send(read(store)).ok();
            }
        };
        if let Some(queue) = &self.queue {
            // Fails only without threads. Then nobody answers.
            queue.send(Box::new(read)).ok();
        }
        let ended_early = |_| StoreError::Corrupt("a read ended early".to_owned());
        answered.await.map_err(ended_early)?
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.queue.take();
        for thread in self.threads.drain(..) {
            thread.join().ok();
        }
    }
}

fn run(store: &Store, queued: &Receiver<Read>) {
    for read in queued {
        // Damaged files can cause panics. The caller of this read gets an error, and the others do not
        // notice.
        catch_unwind(AssertUnwindSafe(|| read(store))).ok();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::Pin,
        sync::Weak,
        task::{Context, Waker},
    };

    use super::*;
    use crate::embedded::{EmbeddedConfig, open::open};

    fn readers() -> (Readers, Weak<Store>, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let (store, _lock) = open(&EmbeddedConfig::new(dir.path())).unwrap();
        let store = Arc::new(store);
        (Readers::start(&store).unwrap(), Arc::downgrade(&store), dir)
    }

    #[tokio::test]
    async fn read_that_panics_fails_alone_and_the_threads_end_with_their_owner() {
        let (readers, store, _dir) = readers();
        for _ in 0..=THREADS_MAX {
            let failed = readers.read::<()>(|_| panic!("as a damaged file does")).await;
            assert_eq!(failed, Err(StoreError::Corrupt("a read ended early".to_owned())));
        }
        assert_eq!(readers.read(|_| Ok(7)).await, Ok(7));
        drop(readers);
        assert_eq!(store.strong_count(), 0);
    }

    #[tokio::test]
    async fn read_whose_caller_has_given_up_is_skipped() {
        let (readers, _store, _dir) = readers();
        let (release, released) = unbounded::<()>();
        let block = |_| {
            let released = released.clone();
            queued(readers.read(move |_| Ok(released.recv().is_ok())))
        };
        let blocked: Vec<_> = readers.threads.iter().map(block).collect();
        let (done, was_done) = unbounded();
        drop(queued(readers.read(move |_| Ok(done.send(()).is_ok()))));
        drop(release);
        for read in blocked {
            read.await.unwrap();
        }
        assert_eq!(readers.read(|_| Ok(7)).await, Ok(7));
        assert!(was_done.recv().is_err());
    }

    /// Queues a read.
    fn queued<F: Future>(read: F) -> Pin<Box<F>> {
        let mut read = Box::pin(read);
        assert!(read.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        read
    }
}
