//! What a batch of writes becomes at one head. Pure: no I/O, time and ids come from the clock.

use std::collections::HashSet;

use super::{
    Outcome, Waiting, Write, WriteResult,
    decide::{Decision, decide},
    files::attachments_of,
    state::State,
};
use crate::{
    error::ChatError,
    id::{EntryId, UserId},
    model::{Body, ClientId, Entry, Member, Seq},
    planted::{Bug, is_planted},
    time::Clock,
};

/// The answer to a write that makes no entry, given once the head is confirmed.
#[derive(Debug)]
pub(super) enum Verdict {
    /// The write is refused.
    Refused(ChatError),
    /// The entry at this seq already says it.
    Stands(Seq),
    /// The conversation is as asked already, and no entry says so.
    Unchanged,
    /// The actor hides the direct conversation up to this seq.
    Hide(Seq),
}

/// A batch of writes, decided at one head.
#[derive(Debug)]
pub(super) struct Plan {
    /// The state at the head.
    pub(super) before: State,
    /// The state once the entries are appended.
    pub(super) after: State,
    /// The writes that make an entry, in the order of `entries`.
    pub(super) writers: Vec<Waiting>,
    /// The entries to append.
    pub(super) entries: Vec<Entry>,
    /// The writes that make none.
    pub(super) verdicts: Vec<(Waiting, Verdict)>,
    /// The writes for the next plan: repeats within the batch, and those beyond `entries_max`.
    pub(super) postponed: Vec<Waiting>,
}

impl Plan {
    /// Decides the batch at this state, up to `entries_max` entries.
    pub(super) fn new(
        before: State,
        batch: Vec<Waiting>,
        entries_max: usize,
        clock: &dyn Clock,
    ) -> Self {
        let mut plan = Self {
            after: before.clone(),
            before,
            writers: Vec::with_capacity(batch.len()),
            entries: Vec::with_capacity(batch.len()),
            verdicts: Vec::new(),
            postponed: Vec::new(),
        };
        let is_single = batch.len() == 1;
        let mut keys: HashSet<(UserId, ClientId)> = HashSet::new();
        for waiting in batch {
            if plan.entries.len() >= entries_max {
                plan.postponed.push(waiting);
            } else if let Some(client_id) = &waiting.write.client_id
                && !is_single
                && !keys.insert((waiting.actor, client_id.clone()))
            {
                plan.postponed.push(waiting);
            } else {
                plan.add(waiting, clock);
            }
        }
        plan
    }

    fn add(&mut self, mut waiting: Waiting, clock: &dyn Clock) {
        let head = self.after.head.seq;
        if is_planted(Bug::LosesClientId) && waiting.base.is_some_and(|base| base < head) {
            waiting.write.client_id = None;
        }
        waiting.base = Some(waiting.base.map_or(head, |base| base.min(head)));
        let expected = waiting.write.expected_seq;
        match decide_with_files(&self.after, &waiting) {
            Ok(Decision::Append(_)) if expected.is_some_and(|seq| seq != head.next()) => {
                let refusal = ChatError::HeadMoved { head_seq: head };
                self.verdicts.push((waiting, Verdict::Refused(refusal)));
            }
            Ok(Decision::Append(body)) => {
                let running = self.after.head_after(&body, clock.now());
                let entry = Entry {
                    conversation: self.after.conversation,
                    seq: running.seq,
                    id: EntryId::from(clock.fresh_id()),
                    sender: waiting.actor,
                    client_id: waiting.write.client_id.clone(),
                    at: running.at,
                    ord: running.ord,
                    body,
                };
                self.after.fold(&entry, running);
                self.writers.push(waiting);
                self.entries.push(entry);
            }
            Ok(Decision::Stands(seq)) => self.verdicts.push((waiting, Verdict::Stands(seq))),
            Ok(Decision::Hide) => self.verdicts.push((waiting, Verdict::Hide(head))),
            Ok(Decision::Unchanged) => self.verdicts.push((waiting, Verdict::Unchanged)),
            Err(refusal) => self.verdicts.push((waiting, Verdict::Refused(refusal))),
        }
    }

    /// Returns true if a message of the plan has files, or loses them.
    pub(super) fn has_files(&self) -> bool {
        let has_files = |seq| {
            let target = self.after.target(seq).flatten();
            target.is_some_and(|target| !target.attachments.is_empty())
        };
        self.writers.iter().zip(&self.entries).any(|(waiting, entry)| match &entry.body {
            Body::Text { .. } => !waiting.files.is_empty(),
            Body::Redacted { target_seq } => has_files(*target_seq),
            Body::Edited { .. }
            | Body::Reaction { .. }
            | Body::Joined { .. }
            | Body::Left { .. }
            | Body::Role { .. }
            | Body::Title { .. } => false,
        })
    }

    /// Returns the members whose entries show that they take part from now on.
    pub(super) fn newly_open(&self) -> impl Iterator<Item = Member> {
        self.writers.iter().filter_map(|waiting| {
            self.before.member(waiting.actor).filter(|member| member.needs_consent)
        })
    }

    /// Returns the state at the head, and all writes in their original order, to plan them again.
    pub(super) fn undo(self) -> (State, Vec<Waiting>) {
        let mut batch = self.writers;
        batch.extend(self.verdicts.into_iter().map(|(waiting, _)| waiting));
        batch.extend(self.postponed);
        batch.sort_unstable_by_key(|waiting| waiting.order);
        if is_planted(Bug::ReordersBatch) {
            batch.reverse();
        }
        (self.before, batch)
    }
}

/// Decides a write. The message of a text gets its attachments.
fn decide_with_files(state: &State, waiting: &Waiting) -> Result<Decision, ChatError> {
    let mut decision = decide(state, waiting.actor, &waiting.write.change)?;
    if let Decision::Append(Body::Text { attachments, .. }) = &mut decision {
        *attachments = attachments_of(waiting)?;
    }
    Ok(decision)
}

/// Returns the result of a repeat: the standing entry, or `KeyReused` if the repeat asks for
/// something else.
pub(super) fn repeated(write: &Write, standing: Entry) -> WriteResult {
    if write.change.makes(&standing.body) {
        Ok(Outcome::Entry { entry: Box::new(standing), replayed: true })
    } else {
        Err(ChatError::KeyReused("client_id"))
    }
}

#[cfg(test)]
mod tests {
    use tokio::{sync::oneshot, time::Instant};

    use crate::{
        id::ConversationId,
        model::{Head, Kind, Role},
        time::{TestClock, Timestamp},
        write::Change,
    };

    use super::*;

    fn waiting(order: u64, text: &str) -> Waiting {
        let write = Write {
            conversation: ConversationId::new(1).unwrap(),
            client_id: Some(ClientId::new(text).unwrap()),
            expected_seq: (text == "refused").then_some(Seq::new(99)),
            base_seq: None,
            change: Change::plain(text, None),
        };
        let actor = UserId::new(1).unwrap();
        let (result, _) = oneshot::channel();
        Waiting {
            order,
            actor,
            write,
            files: Vec::new(),
            base: None,
            deadline: Instant::now(),
            result,
        }
    }

    const TEXTS: [&str; 5] = ["a", "refused", "b", "a", "c"];

    fn plan(texts: &[&str], entries_max: usize) -> Plan {
        let user = UserId::new(1).unwrap();
        let member = Member {
            user,
            role: Role::Owner,
            needs_consent: false,
            joined_seq: Seq::new(1),
            joined_ord: 0,
        };
        let head = Head { seq: Seq::new(1), members: 1, owners: 1, ..Head::default() };
        let mut state = State::new(ConversationId::new(1).unwrap(), Kind::Group, head, None);
        state.learn_member(user, Some(member));
        let clock = TestClock::new(Timestamp::from_millis(1_800_000_000_000), 1);
        let batch = texts.iter().zip(1..).map(|(text, order)| waiting(order, text)).collect();
        Plan::new(state, batch, entries_max, &clock)
    }

    #[tokio::test(start_paused = true)]
    async fn undone_plan_returns_its_writes_in_order() {
        let plan = plan(&TEXTS, 64);
        assert_eq!((plan.writers.len(), plan.verdicts.len(), plan.postponed.len()), (3, 1, 1));
        let (before, batch) = plan.undo();
        assert_eq!(before.head.seq, Seq::new(1));
        let orders: Vec<u64> = batch.iter().map(|waiting| waiting.order).collect();
        assert_eq!(orders, [1, 2, 3, 4, 5]);
    }

    #[tokio::test(start_paused = true)]
    async fn plan_postpones_writes_beyond_the_room_in_the_log() {
        for (entries_max, entries, postponed) in [(1, 1, 4), (2, 2, 2), (3, 3, 1)] {
            let plan = plan(&TEXTS, entries_max);
            assert_eq!((plan.entries.len(), plan.postponed.len()), (entries, postponed));
            assert_eq!(plan.after.head.seq, Seq::new(1 + entries as u64));
            assert!(plan.postponed.is_sorted_by_key(|waiting| waiting.order));
        }
    }
}
