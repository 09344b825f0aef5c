//! The committer: the only thread that writes. It takes the queued commands, stages each, commits all
//! of them with one sync, and then answers.
//!
//! A single command is committed at once, and the commands that arrive meanwhile form the next batch.
//! On a slow disk a batch waits a moment for those who are about to send again ([`Gather`]).

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::{Builder, JoinHandle, park_timeout},
};

use chat_core::error::StoreError;
use parking_lot::RwLock;
use tokio::{runtime::Handle, sync::oneshot, time::Instant};

use super::{
    changes::{Changes, Txn},
    gather::Gather,
    journal_space::JournalSpace,
    store::Store,
};

/// Commands in one batch.
const BATCH_COMMANDS_MAX: usize = 512;
/// Estimated bytes in one batch. The last command of a batch may exceed it.
const BATCH_BYTES_MAX: usize = 1024 * 1024;
/// Commands that may wait for the committer; more are refused.
const QUEUE_COMMANDS_MAX: usize = 8_192;
/// Estimated bytes that may wait for the committer; more are refused.
const QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What a command is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WriteKind {
    /// A login begins, is refreshed or ends.
    Login,
    /// Anything else.
    Other,
}

/// A queued command.
trait Command: Send {
    fn kind(&self) -> WriteKind;
    /// Estimates how many bytes the command writes.
    fn bytes(&self) -> usize;
    /// Returns true if nobody waits for the answer any more.
    fn is_abandoned(&self) -> bool;
    /// Checks and writes. Returns true if the writes are to be committed.
    fn stage(&mut self, txn: &mut Txn<'_>) -> bool;
    /// Answers with the command's own result, or with the error of the commit.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Job<T, F> {
    kind: WriteKind,
    bytes: usize,
    change: Option<F>,
    outcome: Option<Result<T, StoreError>>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Command for Job<T, F>
where
    T: Send,
    F: FnOnce(&mut Txn<'_>) -> Result<T, StoreError> + Send,
{
    fn kind(&self) -> WriteKind {
        self.kind
    }

    fn bytes(&self) -> usize {
        self.bytes
    }

    fn is_abandoned(&self) -> bool {
        self.answer.is_closed()
    }

    fn stage(&mut self, txn: &mut Txn<'_>) -> bool {
        self.outcome = self.change.take().map(|change| change(txn));
        self.outcome.as_ref().is_some_and(Result::is_ok)
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let Self { outcome, answer, .. } = *self;
        let outcome = committed.and_then(|()| outcome.unwrap_or_else(|| Err(unanswered())));
        // The caller may have given up. It asks the store later.
        answer.send(outcome).ok();
    }
}

fn unanswered() -> StoreError {
    StoreError::Unknown("the store ended before it answered".to_owned())
}

/// The bounded queue in front of the committer. A full queue refuses commands.
pub(super) struct Queue {
    sender: RwLock<Option<SyncSender<Box<dyn Command>>>>,
    backlog: Arc<Backlog>,
    /// Commands whose callers have given up so far. Each may still be applied.
    abandoned: AtomicU64,
    /// How many of the abandoned commands are known to be applied or discarded.
    settled: AtomicU64,
}

/// What is in the queue.
#[derive(Debug, Default)]
struct Backlog {
    commands: AtomicUsize,
    bytes: AtomicUsize,
}

impl Backlog {
    /// Adds a command. Returns false, and adds nothing, if there are too many bytes already.
    fn add(&self, bytes: usize) -> bool {
        if self.bytes.fetch_add(bytes, Ordering::AcqRel) > QUEUE_BYTES_MAX {
            self.bytes.fetch_sub(bytes, Ordering::AcqRel);
            return false;
        }
        self.commands.fetch_add(1, Ordering::AcqRel);
        true
    }

    fn remove(&self, commands: usize, bytes: usize) {
        self.commands.fetch_sub(commands, Ordering::AcqRel);
        self.bytes.fetch_sub(bytes, Ordering::AcqRel);
    }

    fn commands(&self) -> usize {
        self.commands.load(Ordering::Acquire)
    }
}

/// Counts a command as abandoned when dropped before its answer has arrived.
struct AbandonGuard<'a>(Option<&'a Queue>);

impl Drop for AbandonGuard<'_> {
    fn drop(&mut self) {
        if let Some(queue) = self.0 {
            queue.abandoned.fetch_add(1, Ordering::AcqRel);
        }
    }
}

impl Queue {
    fn new(sender: SyncSender<Box<dyn Command>>, backlog: Arc<Backlog>) -> Self {
        Self {
            sender: RwLock::new(Some(sender)),
            backlog,
            abandoned: AtomicU64::new(0),
            settled: AtomicU64::new(0),
        }
    }

    /// Queues a command and waits for its answer.
    pub(super) async fn submit<T: Send + 'static>(
        &self,
        kind: WriteKind,
        bytes: usize,
        change: impl FnOnce(&mut Txn<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.send(Box::new(Job { kind, bytes, change: Some(change), outcome: None, answer }))?;
        let mut guard = AbandonGuard(Some(self));
        let outcome = answered.await;
        guard.0 = None;
        outcome.unwrap_or_else(|_| Err(unanswered()))
    }

    fn send(&self, command: Box<dyn Command>) -> Result<(), StoreError> {
        let refused = |why: &str| Err(StoreError::Unavailable(why.to_owned()));
        let bytes = command.bytes();
        let sender = self.sender.read();
        let Some(sender) = sender.as_ref() else { return refused("the store is closed") };
        if !self.backlog.add(bytes) {
            return refused("the write queue is full");
        }
        sender.try_send(command).or_else(|error| {
            self.backlog.remove(1, bytes);
            match error {
                TrySendError::Full(_) => refused("the write queue is full"),
                TrySendError::Disconnected(_) => refused("the committer has ended"),
            }
        })
    }

    /// Refuses further commands. The committer ends after the queued ones.
    pub(super) fn close(&self) {
        self.sender.write().take();
    }

    /// Returns the number of commands abandoned so far if some of them may still be applied.
    pub(super) fn unsettled(&self) -> Option<u64> {
        let abandoned = self.abandoned.load(Ordering::Acquire);
        (self.settled.load(Ordering::Acquire) < abandoned).then_some(abandoned)
    }

    /// Records that the first `abandoned` abandoned commands are applied or discarded.
    pub(super) fn mark_settled(&self, abandoned: u64) {
        self.settled.fetch_max(abandoned, Ordering::AcqRel);
    }
}

/// Starts the committer of this store.
pub(super) fn start(
    store: Arc<Store>,
    journal_space: JournalSpace,
) -> std::io::Result<(Queue, JoinHandle<()>)> {
    let (sender, queued) = sync_channel(QUEUE_COMMANDS_MAX);
    let backlog = Arc::new(Backlog::default());
    let queue = Queue::new(sender, backlog.clone());
    let runtime = Handle::try_current().ok();
    let run = move || {
        Committer { store: &store, queued, backlog, journal_space, runtime }.run();
    };
    Ok((queue, Builder::new().name("store-committer".to_owned()).spawn(run)?))
}

struct Committer<'a> {
    store: &'a Store,
    queued: Receiver<Box<dyn Command>>,
    backlog: Arc<Backlog>,
    journal_space: JournalSpace,
    /// The runtime on which the store was opened, if any.
    runtime: Option<Handle>,
}

impl Drop for Committer<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.store.health.poison("the committer has panicked");
        }
    }
}

impl Committer<'_> {
    fn run(&mut self) {
        let mut gather = Gather::default();
        while let Ok(first) = self.queued.recv() {
            gather.wait(|| self.backlog.commands(), park_timeout);
            let (commands, bytes) = self.receive_batch(first);
            let (started, answered) = (Instant::now(), commands.len());
            self.commit_batch(commands);
            gather.note_commit(started.elapsed(), answered, self.backlog.commands());
            self.journal_space.note_commit(bytes);
        }
    }

    fn commit_batch(&self, commands: Vec<Box<dyn Command>>) {
        let room = self.store.disk.check(&self.store.health);
        let mut changes = Changes::default();
        let mut staged = Vec::with_capacity(commands.len());
        for mut command in commands.into_iter().filter(|command| !command.is_abandoned()) {
            let mut txn = Txn::new(self.store, &mut changes);
            let writes = command.stage(&mut txn) && !txn.is_empty();
            match self.store.check_writable(room, command.kind()) {
                Err(refusal) if writes => command.answer(Err(refusal)),
                Ok(()) if writes => {
                    txn.apply();
                    staged.push(command);
                }
                Ok(()) | Err(_) => staged.push(command),
            }
        }
        let committed = self.store.commit(changes);
        self.answer(staged, committed);
    }

    /// Answers a batch. Each answer from this thread may wake a thread of the runtime that is idle
    /// again by the next answer, so a task of the runtime gives all of them. The callers wait for it.
    fn answer(&self, commands: Vec<Box<dyn Command>>, committed: Result<(), StoreError>) {
        let is_single = commands.len() == 1;
        let answer_all = move || {
            for command in commands {
                command.answer(committed.clone());
            }
        };
        match &self.runtime {
            Some(runtime) if !is_single => drop(runtime.spawn(async move { answer_all() })),
            Some(_) | None => answer_all(),
        }
    }

    /// Takes the queued commands, within the bounds of a batch. Returns them with their bytes.
    fn receive_batch(&self, first: Box<dyn Command>) -> (Vec<Box<dyn Command>>, usize) {
        let mut bytes = first.bytes();
        let mut commands = vec![first];
        while commands.len() < BATCH_COMMANDS_MAX && bytes < BATCH_BYTES_MAX {
            let Ok(command) = self.queued.try_recv() else { break };
            bytes += command.bytes();
            commands.push(command);
        }
        self.backlog.remove(commands.len(), bytes);
        (commands, bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

    use super::*;

    fn queue() -> (Queue, Receiver<Box<dyn Command>>) {
        let (sender, queued) = sync_channel(QUEUE_COMMANDS_MAX);
        (Queue::new(sender, Arc::default()), queued)
    }

    /// Submits a command of this size, then abandons it. Returns true if the queue accepted it.
    fn submit_and_abandon(queue: &Queue, bytes: usize) -> bool {
        let mut submitted = Box::pin(queue.submit(WriteKind::Other, bytes, |_| Ok(())));
        submitted.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending()
    }

    #[test]
    fn queue_refuses_commands_when_full_by_count_or_bytes() {
        let (by_count, _queued) = queue();
        assert!((0..QUEUE_COMMANDS_MAX).all(|_| submit_and_abandon(&by_count, 1)));
        assert!(!submit_and_abandon(&by_count, 1));
        let (by_bytes, _queued) = queue();
        assert!((0..65).all(|_| submit_and_abandon(&by_bytes, QUEUE_BYTES_MAX / 64)));
        assert!(!submit_and_abandon(&by_bytes, 1));
    }

    #[test]
    fn abandoned_commands_stay_unsettled_until_marked_settled() {
        let (queue, _queued) = queue();
        assert_eq!(queue.unsettled(), None);
        assert!(submit_and_abandon(&queue, 1) && submit_and_abandon(&queue, 1));
        assert_eq!(queue.unsettled(), Some(2));
        assert!(submit_and_abandon(&queue, 1));
        queue.mark_settled(2);
        assert_eq!(queue.unsettled(), Some(3));
        queue.mark_settled(3);
        assert_eq!(queue.unsettled(), None);
    }
}
