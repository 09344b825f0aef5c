//! The queue of writes before a conversation's log.
//!
//! What waits while an append is in flight is the next batch; where many send, it first gathers for
//! a moment (`pace.rs`). A task drives the queue while it is not empty; a quiet conversation has
//! none.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Notify, oneshot},
    time::{Instant, timeout_at},
};

use super::{Answer, Conversation, appender::fail_all, pace::Pace, plan::Pending, state::State};
use crate::{
    command::Write,
    error::ChatError,
    id::UserId,
    limits::{APPENDER_QUEUE_MAX, BATCH_BYTES_MAX, BATCH_ENTRIES_MAX, COMMAND_DEADLINE},
};

/// A command is tried only with so much time left: what its caller is told at the deadline is then
/// surely true.
const TIME_LEFT_MIN: Duration = Duration::from_millis(20);

/// A write that is in the queue.
#[derive(Debug)]
pub struct Submitted {
    conversation: Arc<Conversation>,
    order: u64,
    answer: oneshot::Receiver<Answer>,
    deadline: Instant,
}

impl Submitted {
    /// Waits for the outcome, up to the deadline.
    pub async fn outcome(self) -> Answer {
        match timeout_at(self.deadline, self.answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(ChatError::OutcomeUnknown),
            Err(_) if self.conversation.queue.has_tried(self.order) => {
                Err(ChatError::OutcomeUnknown)
            }
            Err(_) => Err(LATE),
        }
    }
}

/// The queue before the log, and what is known of the conversation.
#[derive(Debug, Default)]
pub(super) struct Queue {
    inner: Mutex<Inner>,
    /// The newest command that an append was tried with.
    tried: AtomicU64,
    /// As many wait as the next batch gathers.
    gathered: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    waiting: VecDeque<Pending>,
    is_driving: bool,
    submitted: u64,
    state: Option<State>,
    pace: Pace,
}

impl Queue {
    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_quiet(&self) -> bool {
        let inner = self.lock();
        !inner.is_driving && inner.waiting.is_empty()
    }

    /// Notes that an append with the command of this order is tried.
    pub(super) fn trying(&self, order: u64) {
        self.tried.fetch_max(order, Ordering::SeqCst);
    }

    fn has_tried(&self, order: u64) -> bool {
        self.tried.load(Ordering::SeqCst) >= order
    }

    /// Waits until the next batch may go.
    async fn gather(&self) {
        loop {
            let until = {
                let inner = self.lock();
                inner.pace.gathers_until(inner.waiting.len())
            };
            let Some(until) = until else { return };
            // Too late is no error: the batch goes with those who are there.
            timeout_at(until, self.gathered.notified()).await.unwrap_or_default();
        }
    }

    /// The next batch and the state; `None` when there is nothing to do any more.
    fn next_batch(&self) -> Option<(Vec<Pending>, Option<State>)> {
        let mut inner = self.lock();
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < BATCH_ENTRIES_MAX {
            let Some(next) = inner.waiting.front() else { break };
            bytes += next.write.change.text_bytes();
            if bytes > BATCH_BYTES_MAX && !batch.is_empty() {
                break;
            }
            batch.extend(inner.waiting.pop_front());
        }
        if batch.is_empty() {
            inner.is_driving = false;
            return None;
        }
        Some((batch, inner.state.take()))
    }

    /// Puts back what was not decided, before all others, and what is known. The rest of so many
    /// has been answered, after so long.
    fn put_back(
        &self,
        later: Vec<Pending>,
        state: Option<State>,
        (count, took): (usize, Duration),
    ) {
        let mut inner = self.lock();
        let (answered, waiting) = (count.saturating_sub(later.len()), inner.waiting.len());
        inner.pace.ended(took, answered, waiting + later.len());
        for pending in later.into_iter().rev() {
            inner.waiting.push_front(pending);
        }
        inner.state = state;
    }
}

/// Puts a write in the queue, after all earlier ones.
pub(super) fn submit(conversation: &Arc<Conversation>, actor: UserId, write: Write) -> Submitted {
    let (answer, receiver) = oneshot::channel();
    let deadline = Instant::now() + COMMAND_DEADLINE;
    let base = write.base_seq;
    let mut inner = conversation.queue.lock();
    inner.submitted += 1;
    let order = inner.submitted;
    let pending = Pending { order, actor, write, base, deadline, is_doubtful: false, answer };
    if inner.waiting.len() >= APPENDER_QUEUE_MAX {
        drop(inner);
        pending.fail(ChatError::Unavailable("too many writes wait for this conversation"));
    } else {
        inner.waiting.push_back(pending);
        if inner.pace.gathers_until(inner.waiting.len()).is_none() {
            conversation.queue.gathered.notify_one();
        }
        if !std::mem::replace(&mut inner.is_driving, true) {
            drop(inner);
            conversation.ports.tasks.spawn(drive(conversation.clone()));
        }
    }
    Submitted { conversation: conversation.clone(), order, answer: receiver, deadline }
}

/// Writes until the queue is empty.
async fn drive(conversation: Arc<Conversation>) {
    let stop = StopOnPanic(&conversation.queue);
    loop {
        conversation.queue.gather().await;
        let Some((batch, state)) = conversation.queue.next_batch() else { break };
        let (count, begun) = (batch.len(), Instant::now());
        let (later, state) = conversation.write(batch, state).await;
        conversation.queue.put_back(later, state, (count, begun.elapsed()));
    }
    std::mem::forget(stop);
}

/// A defect in one batch must not stop the conversation for good.
struct StopOnPanic<'a>(&'a Queue);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        let mut inner = self.0.lock();
        inner.is_driving = false;
        inner.state = None;
        inner.waiting.clear();
    }
}

const LATE: ChatError = ChatError::Unavailable("the store did not answer in time");

pub(super) fn is_late(pending: &Pending) -> bool {
    pending.deadline <= Instant::now() + TIME_LEFT_MIN
}

pub(super) fn in_time(batch: Vec<Pending>) -> Vec<Pending> {
    let (late, kept): (Vec<_>, Vec<_>) = batch.into_iter().partition(is_late);
    fail_all(late, &LATE);
    kept
}
