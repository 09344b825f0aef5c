//! The only writer of a conversation on a gateway.
//!
//! Commands that wait while an append is in flight form the next batch; one command alone goes at
//! once. The append is conditional on the head at which the batch was decided, so that rights hold
//! at exactly the seq where an entry lands. A refusal is given only once the head at which it was
//! decided is confirmed, and never to a command whose entry stands already.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    Answer, Conversation,
    decide::needs,
    feed,
    plan::{Pending, Plan, Verdict, repeated},
    queue::{in_time, is_late},
    read_all,
    state::{State, Target},
};
use crate::{
    error::{ChatError, StoreError},
    model::{Entry, Overlay, Seq},
    port::{Append, Appended},
};

/// How long to wait before the store is asked again about an unknown outcome.
const DOUBT_PAUSE: Duration = Duration::from_millis(50);

/// What a write came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// This entry stands for it.
    Entry {
        /// The entry, as it was appended.
        entry: Box<Entry>,
        /// Whether it was there before.
        replayed: bool,
    },
    /// It was so already, and no entry says it.
    Nothing,
}

/// What is to happen after a step with a plan.
enum Step {
    /// Everything is answered.
    Done { state: Option<State>, later: Vec<Pending> },
    /// These are to be planned again, at the state if it is still good.
    Again { state: Option<State>, batch: Vec<Pending> },
}

impl Conversation {
    /// Takes a batch to its end: every command is answered, or given back for the next batch.
    pub(super) async fn write(
        &self,
        mut batch: Vec<Pending>,
        mut state: Option<State>,
    ) -> (Vec<Pending>, Option<State>) {
        loop {
            batch = in_time(batch);
            if batch.is_empty() {
                return (batch, state);
            }
            let known = match self.known(state.take(), &batch).await {
                Ok(Some(known)) => known,
                Ok(None) => {
                    fail_all(batch, &ChatError::NotFound("conversation"));
                    return (Vec::new(), None);
                }
                Err(error) => {
                    fail_all(batch, &error.into());
                    return (Vec::new(), None);
                }
            };
            let entries_max = self.ports.stores.log.room(known.head.seq);
            let plan = Plan::new(known, batch, entries_max, &*self.ports.clock);
            match self.carry_out(plan).await {
                Step::Done { state, later } => return (later, state),
                Step::Again { state: kept, batch: rest } => (state, batch) = (kept, rest),
            }
        }
    }

    /// The state, with everything known that the batch needs; `None` if there is no conversation.
    async fn known(
        &self,
        state: Option<State>,
        batch: &[Pending],
    ) -> Result<Option<State>, StoreError> {
        let mut state = match state {
            Some(state) => state,
            None => match self.load().await? {
                Some(state) => state,
                None => return Ok(None),
            },
        };
        state.trim();
        let (mut users, mut targets) = (Vec::new(), Vec::new());
        for pending in batch {
            let needs = needs(pending.actor, &pending.write.change);
            users.extend(needs.users.into_iter().filter(|user| state.standing(*user).is_none()));
            targets.extend(needs.target.filter(|seq| state.target(*seq).is_none()));
        }
        users.sort_unstable();
        users.dedup();
        if !users.is_empty() {
            let standings = self.ports.stores.conversations.standing(self.id, &users).await?;
            for (user, standing) in users.into_iter().zip(standings) {
                state.learn_member(user, standing);
            }
        }
        for seq in targets {
            let target = self.target(seq).await?;
            state.learn_target(seq, target);
        }
        Ok(Some(state))
    }

    async fn load(&self) -> Result<Option<State>, StoreError> {
        // The head first: what is read after it may be newer, and is then refused by the append.
        let head = self.ports.stores.log.heads(&[self.id]).await?;
        let Some((founding, title)) = self.ports.stores.conversations.get(self.id).await? else {
            return Ok(None);
        };
        let head = head.first().copied().unwrap_or_default();
        Ok(Some(State::new(self.id, founding.kind, head, title)))
    }

    async fn target(&self, seq: Seq) -> Result<Option<Target>, StoreError> {
        if seq == Seq::ZERO {
            return Ok(None);
        }
        let found = self.ports.stores.log.read(self.id, seq.previous(), seq, 1).await?;
        let Some(entry) = found.into_iter().next() else { return Ok(None) };
        let overlays =
            self.ports.stores.conversations.overlays(self.id, seq.previous(), seq).await?;
        let overlay = overlays.into_iter().next().map_or_else(Overlay::default, |(_, one)| one);
        Ok(Some(Target { sender: entry.sender, is_text: entry.body.is_text(), overlay }))
    }

    async fn carry_out(&self, plan: Plan) -> Step {
        if plan.entries.is_empty() {
            return self.confirm(plan).await;
        }
        if plan.writers.iter().any(is_late) {
            let (state, batch) = plan.undo();
            return Step::Again { state: Some(state), batch };
        }
        let newest = plan.writers.iter().map(|pending| pending.order).max().unwrap_or(0);
        self.queue.trying(newest);
        let bases = plan.bases();
        let append = Append {
            conversation: self.id,
            after: plan.before.head.seq,
            entries: &plan.entries,
            bases: &bases,
            head: plan.head(),
        };
        match self.ports.stores.log.append(append).await {
            Ok(Appended::Done) => self.appended(plan).await,
            Ok(Appended::Moved { .. }) => self.moved(plan).await,
            Ok(Appended::Duplicate { entries }) => self.duplicate(plan, entries).await,
            Err(StoreError::Unknown(detail)) => self.doubt(plan, &detail).await,
            Err(error @ (StoreError::Unavailable(_) | StoreError::Corrupt(_))) => {
                let (_, batch) = plan.undo();
                fail_all(batch, &error.into());
                Step::Done { state: None, later: Vec::new() }
            }
        }
    }

    /// No entry came of the batch: what was decided holds if the head is still the same.
    async fn confirm(&self, plan: Plan) -> Step {
        match self.ports.stores.log.heads(&[self.id]).await {
            Ok(heads) if heads.first() == Some(&plan.before.head) => {
                let Plan { before, verdicts, later, .. } = plan;
                self.give(verdicts).await;
                Step::Done { state: Some(before), later }
            }
            Ok(_) => self.moved(plan).await,
            Err(error) => {
                fail_all(plan.undo().1, &error.into());
                Step::Done { state: None, later: Vec::new() }
            }
        }
    }

    async fn appended(&self, plan: Plan) -> Step {
        let Plan { after, writers, entries, verdicts, later, .. } = plan;
        let projected = self.ports.stores.conversations.project(&entries).await;
        feed::appended(self, &entries);
        for (pending, entry) in writers.into_iter().zip(entries) {
            pending.answer(match &projected {
                Ok(()) => Ok(Outcome::Entry { entry: Box::new(entry), replayed: false }),
                // The entry stands, but reads may not show all of it yet: a repeat mends that.
                Err(_) => Err(ChatError::OutcomeUnknown),
            });
        }
        if let Err(error) = projected {
            tracing::warn!(conversation.id = %self.id, %error, "projections are behind the log");
        }
        self.give(verdicts).await;
        Step::Done { state: Some(after), later }
    }

    /// Another gateway was faster: fold what it wrote and plan again.
    async fn moved(&self, plan: Plan) -> Step {
        let (mut state, batch) = plan.undo();
        match self.catch_up(&mut state).await {
            Ok(_) => Step::Again { state: Some(state), batch },
            Err(error) => {
                fail_all(batch, &error.into());
                Step::Done { state: None, later: Vec::new() }
            }
        }
    }

    /// Folds what the log has after the state's head, and tells the feed.
    async fn catch_up(&self, state: &mut State) -> Result<Vec<Entry>, StoreError> {
        let heads = self.ports.stores.log.heads(&[self.id]).await?;
        let head = heads.first().copied().unwrap_or_default();
        let missed = read_all(&self.ports, self.id, state.head.seq, head.seq).await?;
        for entry in &missed {
            state.fold(entry, head);
        }
        state.head = head;
        feed::noticed(self, &missed);
        Ok(missed)
    }

    /// Some of the batch is in the log already: answer that, and plan the rest again.
    async fn duplicate(&self, mut plan: Plan, mut standing: Vec<(usize, Entry)>) -> Step {
        let entries: Vec<Entry> = standing.iter().map(|(_, entry)| entry.clone()).collect();
        let projected = self.ports.stores.conversations.project(&entries).await;
        standing.sort_unstable_by_key(|(index, _)| std::cmp::Reverse(*index));
        for (index, entry) in standing {
            let Some(pending) = plan.take_writer(index) else { continue };
            let answer = repeated(&pending.write, entry);
            pending.answer(if projected.is_ok() { answer } else { Err(ChatError::OutcomeUnknown) });
        }
        let (state, batch) = plan.undo();
        Step::Again { state: Some(state), batch }
    }

    /// The append may have been done. The store's next read is final about it; until one is
    /// answered, nobody is told anything.
    async fn doubt(&self, mut plan: Plan, detail: &str) -> Step {
        tracing::warn!(conversation.id = %self.id, detail, "outcome of an append is unknown");
        plan.doubt(true);
        let last = plan.writers.iter().map(|pending| pending.deadline).max();
        loop {
            let mut state = plan.before.clone();
            match self.catch_up(&mut state).await {
                Ok(missed) if missed.iter().any(|entry| entry.id == plan.entries[0].id) => {
                    let step = self.appended(plan).await;
                    // Others may have written after it: what was folded here is the newest.
                    return step.at(state);
                }
                Ok(missed) => {
                    // Where nothing has come instead, a slow store may still be at it: whoever is
                    // not answered by the next attempt is told that nobody knows.
                    plan.doubt(missed.is_empty());
                    return Step::Again { state: Some(state), batch: plan.undo().1 };
                }
                Err(_) if last.is_some_and(|last| Instant::now() + DOUBT_PAUSE < last) => {
                    tokio::time::sleep(DOUBT_PAUSE).await;
                }
                Err(error) => {
                    fail_all(plan.undo().1, &error.into());
                    return Step::Done { state: None, later: Vec::new() };
                }
            }
        }
    }

    /// Answers commands that made no entry.
    async fn give(&self, verdicts: Vec<(Pending, Verdict)>) {
        for (pending, verdict) in verdicts {
            let answer = match verdict {
                Verdict::Nothing => Ok(Outcome::Nothing),
                Verdict::Stands(seq) => self.standing_entry(seq).await,
                Verdict::Refused(refusal) => self.refuse(&pending, refusal).await,
            };
            pending.answer(answer);
        }
    }

    async fn standing_entry(&self, seq: Seq) -> Answer {
        let found = self.ports.stores.log.read(self.id, seq.previous(), seq, 1).await?;
        let entry = found.into_iter().next().ok_or(ChatError::Internal)?;
        Ok(Outcome::Entry { entry: Box::new(entry), replayed: true })
    }

    /// A command that would be refused now may have been done before: then that stands. Who is no
    /// member is told nothing.
    async fn refuse(&self, pending: &Pending, refusal: ChatError) -> Answer {
        let Some(client_id) = &pending.write.client_id else { return Err(refusal) };
        if refusal == ChatError::NotFound("conversation") {
            return Err(refusal);
        }
        let base = pending.base.unwrap_or_default();
        let log = &self.ports.stores.log;
        match log.find(self.id, pending.actor, client_id, base).await? {
            Some(entry) => repeated(&pending.write, entry),
            None => Err(refusal),
        }
    }
}

impl Step {
    fn at(self, newest: State) -> Self {
        match self {
            Self::Done { later, .. } => Self::Done { state: Some(newest), later },
            again @ Self::Again { .. } => again,
        }
    }
}

pub(super) fn fail_all(batch: Vec<Pending>, error: &ChatError) {
    for pending in batch {
        pending.fail(error.clone());
    }
}
