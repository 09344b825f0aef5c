//! The only writer of a conversation on this gateway.
//!
//! Writes that are queued while an append is in flight form the next batch; a single write starts at
//! once. A task runs while the queue has writes, and reads as one loop: take a batch, load what it
//! needs, plan it, append, settle, publish. The append is conditional on the head at which the batch
//! was decided, so rights hold at exactly the seq where an entry lands. A refusal is given only once
//! that head is confirmed, and never to a write whose entry stands already.

mod answers;
mod catch_up;
mod prepare;

use std::{collections::VecDeque, sync::Arc};

use parking_lot::Mutex;
use tokio::{
    sync::{Notify, oneshot},
    time::{Instant, timeout_at},
};

use super::{
    Attempted, Outcome, Pending, TIMED_OUT, Waiting, Write, gather::GatherWindow, load::load,
    plan::Plan, state::State, turns::Turns, unknown::EarlierAppends,
};
use crate::{
    context::Context,
    error::{ChatError, StoreError},
    feed::Feed,
    id::{ConversationId, UserId},
    limits::{APPENDER_QUEUE_MAX, BATCH_BYTES_MAX, BATCH_ENTRIES_MAX, COMMAND_DEADLINE},
    log,
    model::{Entry, Seq},
    planted::{Bug, is_planted},
    port::{Append, Appended},
};

/// The only writer of a conversation on this gateway.
#[derive(Debug)]
pub(crate) struct Appender {
    conversation: ConversationId,
    context: Arc<Context>,
    feed: Arc<Feed>,
    queue: Mutex<Queue>,
    attempted: Attempted,
    /// Notified when enough writes are queued for the next batch.
    gathered: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    begun: u64,
    is_running: bool,
    /// The state after the last batch, or `None` after a failure.
    state: Option<State>,
    window: GatherWindow,
    turns: Turns,
}

impl Appender {
    pub(crate) fn new(
        conversation: ConversationId,
        context: Arc<Context>,
        feed: Arc<Feed>,
    ) -> Arc<Self> {
        Arc::new(Self {
            conversation,
            context,
            feed,
            queue: Mutex::default(),
            attempted: Attempted::default(),
            gathered: Notify::new(),
        })
    }

    /// Returns true if no write is queued or in progress.
    pub(crate) fn is_idle(&self) -> bool {
        !self.queue.lock().is_running
    }

    /// Queues a write behind all earlier ones. A full queue refuses it.
    pub(crate) fn begin(self: &Arc<Self>, actor: UserId, write: Write) -> Pending {
        let deadline = Instant::now() + COMMAND_DEADLINE;
        let (sender, result) = oneshot::channel();
        let mut queue = self.queue.lock();
        queue.begun += 1;
        let order = queue.begun;
        let base = write.base_seq;
        let files = Vec::new();
        let waiting = Waiting { order, actor, write, files, base, deadline, result: sender };
        if queue.waiting.len() >= APPENDER_QUEUE_MAX {
            const FULL: &str = "too many writes wait for this conversation";
            waiting.answer(Err(ChatError::Unavailable(FULL)));
        } else {
            queue.waiting.push_back(waiting);
            if queue.window.waits_until(queue.waiting.len()).is_none() {
                self.gathered.notify_one();
            }
            if !std::mem::replace(&mut queue.is_running, true) {
                self.context.tasks.spawn(self.clone().run());
            }
        }
        Pending { order, deadline, attempted: self.attempted.clone(), result }
    }

    /// Writes batches until the queue is empty.
    async fn run(self: Arc<Self>) {
        let _reset = ResetOnPanic(&self.queue);
        while let Some((batch, state)) = self.next_batch().await {
            let started = Instant::now();
            let answered = batch.len();
            let state = self.write(batch, state).await;
            let took = started.elapsed();
            let mut queue = self.queue.lock();
            let queued = queue.waiting.len();
            queue.window.open(took, answered, queued);
            if self.context.ports.bus.has_others()
                && let Some(pause) = queue.turns.pause(took, answered + queued)
            {
                queue.window.hold(pause);
            }
            queue.state = state;
        }
    }

    /// Waits until the next batch may start, and returns it with the known state. Returns `None`
    /// when the queue is empty: then the next write starts a new task.
    async fn next_batch(&self) -> Option<(Vec<Waiting>, Option<State>)> {
        loop {
            let wait = {
                let queue = self.queue.lock();
                queue.window.waits_until(queue.waiting.len())
            };
            let Some(until) = wait else { break };
            if timeout_at(until, self.gathered.notified()).await.is_err() {
                break;
            }
        }
        let mut queue = self.queue.lock();
        let mut batch = Vec::new();
        let mut bytes = 0;
        while batch.len() < BATCH_ENTRIES_MAX
            && let Some(next) = queue.waiting.front()
        {
            bytes += next.write.change.text_bytes();
            if bytes > BATCH_BYTES_MAX && !batch.is_empty() {
                break;
            }
            batch.extend(queue.waiting.pop_front());
        }
        if batch.is_empty() {
            queue.is_running = false;
            queue.turns.rest();
            return None;
        }
        queue.turns.begin();
        Some((batch, queue.state.take()))
    }

    /// Answers every write of a batch. Returns the state after it, if that is known.
    async fn write(&self, mut writes: Vec<Waiting>, mut state: Option<State>) -> Option<State> {
        let mut earlier = EarlierAppends::default();
        // A read costs everybody less than an append at an old head.
        if self.queue.lock().turns.is_shared()
            && let Some(known) = &mut state
            && let Err(error) = self.catch_up(known, None, None).await
        {
            earlier.fail_all(writes, &error.into());
            return None;
        }
        loop {
            let late = writes.extract_if(.., |write| write.is_late()).collect();
            earlier.fail_all(late, &TIMED_OUT);
            if writes.is_empty() {
                return state;
            }
            match self.attempt(&mut writes, state, &mut earlier).await {
                Ok(next) => state = Some(next),
                Err(error) => {
                    earlier.fail_all(writes, &error);
                    return None;
                }
            }
        }
    }

    /// Attempts one append, and returns the state after it. Leaves in `writes` what needs another
    /// attempt; if it fails, all writes that have no answer yet.
    async fn attempt(
        &self,
        writes: &mut Vec<Waiting>,
        state: Option<State>,
        earlier: &mut EarlierAppends,
    ) -> Result<State, ChatError> {
        // Load and plan.
        let stores = self.context.stores();
        let known = load(&self.context, self.conversation, state, writes).await?;
        let room = stores.log.room(known.head.seq);
        let clock = &*self.context.ports.clock;
        let mut plan = Plan::new(known, std::mem::take(writes), room, clock);

        // Mark first, then check the time: a thread that is suspended in between must not append
        // what its caller was told is not done.
        self.attempted.mark(plan.writers.iter().map(|write| write.order).max().unwrap_or(0));
        if plan.writers.iter().any(Waiting::is_late) {
            let before;
            (before, *writes) = plan.undo();
            return Ok(before);
        }

        // Prepare: what must be recorded before the append.
        match self.prepare(&mut plan).await {
            Ok(true) => {}
            Ok(false) => {
                let before;
                (before, *writes) = plan.undo();
                return Ok(before);
            }
            Err(error) => {
                (_, *writes) = plan.undo();
                return Err(error.into());
            }
        }

        // Append.
        let mut moved_to = None;
        let mut ask_until = None;
        match self.append(&plan).await {
            Ok(Appended::Done) => {
                self.record_files(&plan);
                let Plan { after, writers, entries, verdicts, postponed, .. } = plan;
                if !entries.is_empty() {
                    *earlier = EarlierAppends::Settled;
                }
                self.publish(entries, writers.into_iter().map(Some)).await;
                self.answer_without_entry(verdicts, earlier).await;
                *writes = postponed;
                return Ok(after);
            }
            Ok(Appended::Duplicate { entries }) => {
                self.answer_repeats(&mut plan, entries).await;
                let before;
                (before, *writes) = plan.undo();
                return Ok(before);
            }
            Ok(Appended::Moved { .. }) if is_planted(Bug::IgnoresMovedHead) => {
                let Plan { writers, entries, before, .. } = plan;
                self.publish(entries, writers.into_iter().map(Some)).await;
                return Ok(before);
            }
            Ok(Appended::Moved { head }) => moved_to = Some(head),
            Err(StoreError::Unknown(_)) if is_planted(Bug::ReportsUnknownAsFailed) => {
                (_, *writes) = plan.undo();
                return Err(TIMED_OUT);
            }
            Err(StoreError::Unknown(_)) if is_planted(Bug::RetriesBlindly) => {}
            Err(StoreError::Unknown(detail)) => {
                let conversation = self.conversation;
                tracing::warn!(conversation.id = %conversation, detail, "append outcome unknown");
                earlier.add(&plan);
                // Nobody is answered before the store has answered a read: ask it as long as a
                // caller waits.
                ask_until = plan.writers.iter().map(|write| write.deadline).max();
            }
            Err(StoreError::Unavailable(_)) if is_planted(Bug::AcknowledgesBeforeCommit) => {
                let Plan { writers, entries, before, .. } = plan;
                self.publish(entries, writers.into_iter().map(Some)).await;
                return Ok(before);
            }
            Err(error @ (StoreError::Unavailable(_) | StoreError::Corrupt(_))) => {
                (_, *writes) = plan.undo();
                return Err(error.into());
            }
        }

        // Settle: the log has moved, or may have. Read what is new, and find this gateway's entries.
        let mut before;
        (before, *writes) = plan.undo();
        let arrived = self.catch_up(&mut before, moved_to, ask_until).await?;
        let (own, rest) = earlier.settle(std::mem::take(writes), arrived);
        *writes = rest;

        // Publish.
        let (entries, answered): (Vec<Entry>, Vec<Option<Waiting>>) = own.into_iter().unzip();
        self.publish(entries, answered.into_iter()).await;
        Ok(before)
    }

    /// Appends the plan's entries. A plan without entries holds if the head is still the same.
    async fn append(&self, plan: &Plan) -> Result<Appended, StoreError> {
        let log = &*self.context.stores().log;
        if plan.entries.is_empty() {
            let head = log::head(log, self.conversation).await?;
            let is_same = head == plan.before.head;
            return Ok(if is_same { Appended::Done } else { Appended::Moved { head } });
        }
        let bases: Vec<Seq> =
            plan.writers.iter().map(|write| write.base.unwrap_or_default()).collect();
        let entries = Append {
            conversation: self.conversation,
            after: plan.before.head.seq,
            entries: &plan.entries,
            bases: &bases,
            head: plan.after.head,
        };
        log::append(log, entries, &self.context.append_metrics).await
    }

    /// Delivers and projects entries that this gateway has appended, and answers the write of each.
    async fn publish(
        &self,
        entries: Vec<Entry>,
        writers: impl Iterator<Item = Option<Waiting>> + Send,
    ) {
        if entries.is_empty() {
            return;
        }
        self.context.unindexed.note(self.conversation);
        // A text changes nothing that its readers look up, so it is delivered first. Everything
        // else is projected first: a session that hears of a new member must find that member.
        let texts = entries.iter().take_while(|entry| entry.body.is_text()).count();
        let (texts, others) = entries.split_at(texts);
        self.feed.publish(texts);
        let projected = self.context.stores().conversations.project(&entries).await;
        self.feed.publish(others);
        for (waiting, entry) in writers.zip(entries) {
            let Some(waiting) = waiting else { continue };
            waiting.answer(match &projected {
                Ok(()) => Ok(Outcome::Entry { entry: Box::new(entry), replayed: false }),
                // The entry stands, but reads may not show all of it yet. A repeat repairs that.
                Err(_) => Err(ChatError::OutcomeUnknown),
            });
        }
        if let Err(error) = projected {
            let conversation = self.conversation;
            tracing::warn!(conversation.id = %conversation, %error, "projections lag behind the log");
        }
    }
}

/// Resets the queue if the task panics, so that one defect does not stop the conversation for good.
struct ResetOnPanic<'a>(&'a Mutex<Queue>);

impl Drop for ResetOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let mut queue = self.0.lock();
            queue.is_running = false;
            queue.state = None;
            queue.waiting.clear();
        }
    }
}
