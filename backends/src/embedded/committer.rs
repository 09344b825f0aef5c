//! The only thread that writes: takes what is queued, stages it, commits it once, answers.
//!
//! It never lingers: one command alone is committed at once, and those that come meanwhile are the
//! next batch.

use std::{
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::{Builder, JoinHandle},
};

use chat_core::error::StoreError;
use tokio::sync::oneshot;

use super::{
    changes::{Changes, Txn},
    store::Store,
};

/// Commands in one batch.
const BATCH_COMMANDS_MAX: usize = 512;
/// Bytes in one batch, about.
const BATCH_BYTES_MAX: usize = 1024 * 1024;
/// Commands that wait for the committer; further ones are refused.
const QUEUE_COMMANDS_MAX: usize = 8_192;
/// Bytes that wait for the committer; further commands are refused.
const QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A command on its way through the committer.
trait Work: Send {
    /// About how much it writes.
    fn bytes(&self) -> usize;
    /// Whether nobody waits for it any more.
    fn is_given_up(&self) -> bool;
    /// Checks and writes; whether what it wrote is to be kept.
    fn stage(&mut self, txn: &mut Txn<'_>) -> bool;
    /// Answers: what the command found, or why nothing was written.
    fn answer(self: Box<Self>, durable: Result<(), StoreError>);
}

struct Job<T, F> {
    bytes: usize,
    change: Option<F>,
    outcome: Option<Result<T, StoreError>>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Work for Job<T, F>
where
    T: Send,
    F: FnOnce(&mut Txn<'_>) -> Result<T, StoreError> + Send,
{
    fn bytes(&self) -> usize {
        self.bytes
    }

    fn is_given_up(&self) -> bool {
        self.answer.is_closed()
    }

    fn stage(&mut self, txn: &mut Txn<'_>) -> bool {
        self.outcome = self.change.take().map(|change| change(txn));
        self.outcome.as_ref().is_some_and(Result::is_ok)
    }

    fn answer(self: Box<Self>, durable: Result<(), StoreError>) {
        let Self { outcome, answer, .. } = *self;
        let outcome = durable.and_then(|()| outcome.unwrap_or_else(|| Err(lost())));
        // The other end may have gone: whoever gives up asks the store later.
        answer.send(outcome).ok();
    }
}

fn lost() -> StoreError {
    StoreError::Unknown("the store ended before it answered".to_owned())
}

/// The way to the committer: bounded, and full means refused.
pub(super) struct Queue {
    sender: RwLock<Option<SyncSender<Box<dyn Work>>>>,
    waiting_bytes: Arc<AtomicUsize>,
    given_up: AtomicU64,
    settled: AtomicU64,
}

/// Counts a command that its caller no longer waits for: it may still be done.
struct Waiting<'a>(Option<&'a Queue>);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(queue) = self.0 {
            queue.given_up.fetch_add(1, Ordering::AcqRel);
        }
    }
}

impl Queue {
    fn new(sender: SyncSender<Box<dyn Work>>, waiting_bytes: Arc<AtomicUsize>) -> Self {
        Self {
            sender: RwLock::new(Some(sender)),
            waiting_bytes,
            given_up: AtomicU64::new(0),
            settled: AtomicU64::new(0),
        }
    }

    /// Queues a command and waits for its answer.
    pub(super) async fn submit<T: Send + 'static>(
        &self,
        bytes: usize,
        change: impl FnOnce(&mut Txn<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.send(Box::new(Job { bytes, change: Some(change), outcome: None, answer }))?;
        let mut waiting = Waiting(Some(self));
        let outcome = answered.await;
        waiting.0 = None;
        outcome.unwrap_or_else(|_| Err(lost()))
    }

    fn send(&self, work: Box<dyn Work>) -> Result<(), StoreError> {
        let refused = |why: &str| Err(StoreError::Unavailable(why.to_owned()));
        let bytes = work.bytes();
        let sender = self.sender.read().unwrap_or_else(PoisonError::into_inner);
        let Some(sender) = sender.as_ref() else { return refused("the store is closed") };
        if self.waiting_bytes.fetch_add(bytes, Ordering::AcqRel) > QUEUE_BYTES_MAX {
            self.waiting_bytes.fetch_sub(bytes, Ordering::AcqRel);
            return refused("too much waits to be written");
        }
        sender.try_send(work).or_else(|error| {
            self.waiting_bytes.fetch_sub(bytes, Ordering::AcqRel);
            match error {
                TrySendError::Full(_) => refused("too much waits to be written"),
                TrySendError::Disconnected(_) => refused("the store has ended"),
            }
        })
    }

    /// Takes no more commands; the committer ends when it has done those that wait.
    pub(super) fn close(&self) {
        self.sender.write().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// How many commands have been given up so far, if some of them may still be done.
    pub(super) fn unsettled(&self) -> Option<u64> {
        let given_up = self.given_up.load(Ordering::Acquire);
        (self.settled.load(Ordering::Acquire) < given_up).then_some(given_up)
    }

    /// All that were given up until then are done or never will be.
    pub(super) fn settle(&self, given_up: u64) {
        self.settled.fetch_max(given_up, Ordering::AcqRel);
    }
}

/// Starts the committer of this store.
pub(super) fn start(store: Arc<Store>) -> std::io::Result<(Queue, JoinHandle<()>)> {
    let (sender, queued) = sync_channel(QUEUE_COMMANDS_MAX);
    let waiting_bytes = Arc::new(AtomicUsize::new(0));
    let queue = Queue::new(sender, waiting_bytes.clone());
    let run = move || Committer { store: &store, queued, waiting_bytes }.run();
    Ok((queue, Builder::new().name("store-committer".to_owned()).spawn(run)?))
}

struct Committer<'a> {
    store: &'a Store,
    queued: Receiver<Box<dyn Work>>,
    waiting_bytes: Arc<AtomicUsize>,
}

impl Drop for Committer<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.store.health.poison("the committer has panicked");
        }
    }
}

impl Committer<'_> {
    fn run(&self) {
        while let Ok(first) = self.queued.recv() {
            self.settle(self.gather(first));
        }
    }

    /// What is queued, within the bounds of a batch.
    fn gather(&self, first: Box<dyn Work>) -> Vec<Box<dyn Work>> {
        let mut bytes = first.bytes();
        let mut works = vec![first];
        while works.len() < BATCH_COMMANDS_MAX && bytes < BATCH_BYTES_MAX {
            let Ok(work) = self.queued.try_recv() else { break };
            bytes += work.bytes();
            works.push(work);
        }
        self.waiting_bytes.fetch_sub(bytes, Ordering::AcqRel);
        works
    }

    /// Stages, commits once, answers.
    fn settle(&self, works: Vec<Box<dyn Work>>) {
        let writable = self.store.writable();
        let mut changes = Changes::default();
        let wanted = works.into_iter().filter(|work| !work.is_given_up());
        let staged: Vec<_> =
            wanted.filter_map(|work| self.stage(work, &mut changes, &writable)).collect();
        let durable = self.store.commit(changes);
        for work in staged {
            work.answer(durable.clone());
        }
    }

    /// Stages one command, on top of those before it. One that writes while nothing can be written
    /// is answered at once and leaves nothing.
    fn stage(
        &self,
        mut work: Box<dyn Work>,
        changes: &mut Changes,
        writable: &Result<(), StoreError>,
    ) -> Option<Box<dyn Work>> {
        let mut txn = Txn::new(self.store, changes);
        if !work.stage(&mut txn) || txn.is_empty() {
            return Some(work);
        }
        match writable {
            Ok(()) => {
                txn.keep();
                Some(work)
            }
            Err(refusal) => {
                work.answer(Err(refusal.clone()));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

    use super::*;

    fn queue() -> (Queue, Receiver<Box<dyn Work>>) {
        let (sender, queued) = sync_channel(QUEUE_COMMANDS_MAX);
        (Queue::new(sender, Arc::default()), queued)
    }

    /// Whether a command of this size is taken; it then waits for ever.
    fn is_taken(queue: &Queue, bytes: usize) -> bool {
        let mut submitted = Box::pin(queue.submit(bytes, |_| Ok(())));
        submitted.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending()
    }

    #[test]
    fn full_queue_refuses_by_count_and_by_bytes() {
        let (by_count, _queued) = queue();
        assert!((0..QUEUE_COMMANDS_MAX).all(|_| is_taken(&by_count, 1)));
        assert!(!is_taken(&by_count, 1));
        let (by_bytes, _queued) = queue();
        assert!((0..65).all(|_| is_taken(&by_bytes, QUEUE_BYTES_MAX / 64)));
        assert!(!is_taken(&by_bytes, 1));
    }

    #[test]
    fn given_up_commands_are_unsettled_until_somebody_has_waited_for_them() {
        let (queue, _queued) = queue();
        assert_eq!(queue.unsettled(), None);
        assert!(is_taken(&queue, 1) && is_taken(&queue, 1));
        assert_eq!(queue.unsettled(), Some(2));
        assert!(is_taken(&queue, 1));
        queue.settle(2);
        assert_eq!(queue.unsettled(), Some(3));
        queue.settle(3);
        assert_eq!(queue.unsettled(), None);
    }
}
