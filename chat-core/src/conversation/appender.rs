//! The only writer of a conversation on a gateway.
//!
//! Commands that wait while an append is in flight form the next batch; one command alone goes at
//! once. The append is conditional on the head at which the batch was decided, so that rights hold
//! at exactly the seq where an entry lands. A refusal is given only once the head at which it was
//! decided is confirmed, and never to a command whose entry stands already.

use std::{collections::BTreeSet, time::Duration};

use futures_util::future::{join_all, try_join, try_join_all};
use tokio::time::Instant;

use super::{
    Answer, Conversation,
    decide::needs,
    doubts::{Doubts, Own},
    feed,
    plan::{Pending, Plan, Verdict, repeated},
    queue::{in_time, is_late},
    read_all,
    state::{State, Target},
};
use crate::{
    error::{ChatError, StoreError},
    id::UserId,
    model::{Entry, Member, Overlay, Seq},
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
    /// These are to be planned again at this state, now that this has come to the log.
    Again { state: State, batch: Vec<Pending>, come: Vec<Entry> },
}

impl Conversation {
    /// Takes a batch to its end: every command is answered, or given back for the next batch.
    pub(super) async fn write(
        &self,
        mut batch: Vec<Pending>,
        mut state: Option<State>,
    ) -> (Vec<Pending>, Option<State>) {
        let mut doubts = Doubts::default();
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
            match self.carry_out(plan, &mut doubts).await {
                // Only here is it known which entries are theirs.
                Step::Done { state: kept, later } if later.iter().any(|one| one.is_doubtful) => {
                    (state, batch) = (kept, later);
                }
                Step::Done { state, later } => return (later, state),
                Step::Again { state: kept, batch: rest, come } => {
                    let (own, rest) = doubts.end(rest, come);
                    self.finish(own).await;
                    (state, batch) = (Some(kept), rest);
                }
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
        let (mut users, mut targets) = (BTreeSet::new(), BTreeSet::new());
        for pending in batch {
            let needs = needs(pending.actor, &pending.write.change);
            users.extend(needs.users.into_iter().filter(|user| state.standing(*user).is_none()));
            targets.extend(needs.target.filter(|seq| state.target(*seq).is_none()));
        }
        let users: Vec<UserId> = users.into_iter().collect();
        let head = state.head.seq;
        let found = try_join_all(targets.iter().map(|seq| self.target(*seq, head)));
        let (standings, found) = try_join(self.standings(&users), found).await?;
        for (user, standing) in users.into_iter().zip(standings) {
            state.learn_member(user, standing);
        }
        for (seq, target) in targets.into_iter().zip(found) {
            state.learn_target(seq, target);
        }
        Ok(Some(state))
    }

    async fn standings(&self, users: &[UserId]) -> Result<Vec<Option<Member>>, StoreError> {
        if users.is_empty() {
            return Ok(Vec::new());
        }
        self.ports.stores.conversations.standing(self.id, users).await
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

    /// The entry at this seq; what comes after the state's head is known once it is folded.
    async fn target(&self, seq: Seq, head: Seq) -> Result<Option<Target>, StoreError> {
        if seq == Seq::ZERO || seq > head {
            return Ok(None);
        }
        let (log, conversations) = (&self.ports.stores.log, &self.ports.stores.conversations);
        let found = log.read(self.id, seq.previous(), seq, 1);
        let overlays = conversations.overlays(self.id, seq.previous(), seq);
        let (found, overlays) = try_join(found, overlays).await?;
        let Some(entry) = found.into_iter().next() else { return Ok(None) };
        let overlay = overlays.into_iter().next().map_or_else(Overlay::default, |(_, one)| one);
        Ok(Some(Target { sender: entry.sender, is_text: entry.body.is_text(), overlay }))
    }

    async fn carry_out(&self, mut plan: Plan, doubts: &mut Doubts) -> Step {
        if plan.entries.is_empty() {
            return self.confirm(plan).await;
        }
        let newest = plan.writers.iter().map(|pending| pending.order).max().unwrap_or(0);
        // First this, then the time: a thread that is held up in between must not append what was
        // called not done meanwhile.
        self.queue.trying(newest);
        if plan.writers.iter().any(is_late) {
            let (state, batch) = plan.undo();
            return Step::Again { state, batch, come: Vec::new() };
        }
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
            Ok(Appended::Moved { .. }) => self.caught_up(plan, None).await,
            Ok(Appended::Duplicate { entries }) => self.duplicate(plan, entries).await,
            Err(StoreError::Unknown(detail)) => {
                tracing::warn!(conversation.id = %self.id, detail, "outcome of an append is unknown");
                doubts.note(&mut plan);
                // Nobody is told anything until the store has answered a read.
                let last = plan.writers.iter().map(|pending| pending.deadline).max();
                self.caught_up(plan, last).await
            }
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
            Ok(_) => self.caught_up(plan, None).await,
            Err(error) => {
                fail_all(plan.undo().1, &error.into());
                Step::Done { state: None, later: Vec::new() }
            }
        }
    }

    async fn appended(&self, plan: Plan) -> Step {
        let Plan { after, writers, entries, verdicts, later, .. } = plan;
        self.finish(entries.into_iter().zip(writers.into_iter().map(Some)).collect()).await;
        self.give(verdicts).await;
        Step::Done { state: Some(after), later }
    }

    /// Delivers and projects what this gateway has appended, and answers whoever waits for it.
    async fn finish(&self, own: Vec<Own>) {
        if own.is_empty() {
            return;
        }
        let (entries, waiting): (Vec<Entry>, Vec<Option<Pending>>) = own.into_iter().unzip();
        // A text changes nothing else that its readers look at. All others wait: who hears of a
        // joining must be a member by then.
        let texts = entries.iter().take_while(|entry| entry.body.is_text()).count();
        let (texts, others) = entries.split_at(texts);
        self.tell(texts);
        let projected = self.ports.stores.conversations.project(&entries).await;
        self.tell(others);
        for (pending, entry) in waiting.into_iter().zip(entries) {
            let Some(pending) = pending else { continue };
            pending.answer(match &projected {
                Ok(()) => Ok(Outcome::Entry { entry: Box::new(entry), replayed: false }),
                // The entry stands, but reads may not show all of it yet: a repeat mends that.
                Err(_) => Err(ChatError::OutcomeUnknown),
            });
        }
        if let Err(error) = projected {
            tracing::warn!(conversation.id = %self.id, %error, "projections are behind the log");
        }
    }

    fn tell(&self, appended: &[Entry]) {
        if !appended.is_empty() {
            feed::appended(self, appended);
        }
    }

    /// Something has come to the log, or may have: folds it, to plan again. A store that does not
    /// answer is asked again until then.
    async fn caught_up(&self, plan: Plan, until: Option<Instant>) -> Step {
        let (mut state, batch) = plan.undo();
        loop {
            match self.catch_up(&mut state).await {
                Ok(come) => return Step::Again { state, batch, come },
                Err(_) if until.is_some_and(|until| Instant::now() + DOUBT_PAUSE < until) => {
                    tokio::time::sleep(DOUBT_PAUSE).await;
                }
                Err(error) => {
                    fail_all(batch, &error.into());
                    return Step::Done { state: None, later: Vec::new() };
                }
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
        Step::Again { state, batch, come: Vec::new() }
    }

    /// Answers commands that made no entry. Everybody waits for it: all are looked up together.
    async fn give(&self, verdicts: Vec<(Pending, Verdict)>) {
        let given = verdicts.into_iter().map(|(pending, verdict)| async {
            match self.without_entry(&pending, verdict).await {
                Ok(outcome) => pending.answer(Ok(outcome)),
                Err(refusal) => pending.fail(refusal),
            }
        });
        join_all(given).await;
    }

    async fn without_entry(&self, pending: &Pending, verdict: Verdict) -> Answer {
        if let Some(entry) = self.made_before(pending, &verdict).await? {
            return repeated(&pending.write, entry);
        }
        match verdict {
            Verdict::Nothing => Ok(Outcome::Nothing),
            Verdict::Stands(seq) => self.standing_entry(seq).await,
            Verdict::Refused(refusal) => Err(refusal),
        }
    }

    async fn standing_entry(&self, seq: Seq) -> Answer {
        let found = self.ports.stores.log.read(self.id, seq.previous(), seq, 1).await?;
        let entry = found.into_iter().next().ok_or(ChatError::Internal)?;
        Ok(Outcome::Entry { entry: Box::new(entry), replayed: true })
    }

    /// A command that would make no entry now may have made one before: then that stands. Who is no
    /// member is told nothing.
    async fn made_before(
        &self,
        pending: &Pending,
        verdict: &Verdict,
    ) -> Result<Option<Entry>, StoreError> {
        let Some(client_id) = &pending.write.client_id else { return Ok(None) };
        if matches!(verdict, Verdict::Refused(ChatError::NotFound("conversation"))) {
            return Ok(None);
        }
        let base = pending.base.unwrap_or_default();
        self.ports.stores.log.find(self.id, pending.actor, client_id, base).await
    }
}

pub(super) fn fail_all(batch: Vec<Pending>, error: &ChatError) {
    for pending in batch {
        pending.fail(error.clone());
    }
}
