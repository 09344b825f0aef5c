//! What a batch of waiting commands comes to at one head: no I/O.

use std::collections::HashSet;

use tokio::{sync::oneshot, time::Instant};

use super::{
    Answer,
    appender::Outcome,
    decide::{Decision, decide},
    state::State,
};
use crate::{
    command::Write,
    error::ChatError,
    id::{EntryId, UserId},
    model::{ClientId, Entry, Head, Seq},
    time::Clock,
};

/// A write that waits for its outcome.
#[derive(Debug)]
pub(super) struct Pending {
    /// Where it stands among all that were ever submitted: the order survives every new plan.
    pub(super) order: u64,
    pub(super) actor: UserId,
    pub(super) write: Write,
    /// The head that the sender knew, or that this gateway knew when it first saw the command.
    pub(super) base: Option<Seq>,
    pub(super) deadline: Instant,
    /// Whether an append with it has had an unknown outcome.
    pub(super) is_doubtful: bool,
    pub(super) answer: oneshot::Sender<Answer>,
}

impl Pending {
    pub(super) fn answer(self, answer: Answer) {
        // Whoever asked may be gone: the entry stands all the same.
        drop(self.answer.send(answer));
    }

    /// Answers a command that could not be tried; what may have been done is not called undone.
    pub(super) fn fail(self, error: ChatError) {
        let error = if self.is_doubtful { ChatError::OutcomeUnknown } else { error };
        self.answer(Err(error));
    }
}

/// What a command comes to without an entry, once the head is confirmed.
#[derive(Debug)]
pub(super) enum Verdict {
    Refused(ChatError),
    Stands(Seq),
    Nothing,
}

/// A batch at one head.
#[derive(Debug)]
pub(super) struct Plan {
    /// The state before.
    pub(super) before: State,
    /// The state if the entries are appended.
    pub(super) after: State,
    /// Commands that become entries, side by side with these.
    pub(super) writers: Vec<Pending>,
    pub(super) entries: Vec<Entry>,
    /// Commands that do not.
    pub(super) verdicts: Vec<(Pending, Verdict)>,
    /// Repeats of commands in this very batch, and those it has no room for: they wait for the
    /// next one.
    pub(super) later: Vec<Pending>,
}

impl Plan {
    /// Decides the batch at this state, up to so many entries; what comes after them has to wait.
    pub(super) fn new(
        before: State,
        batch: Vec<Pending>,
        entries_max: usize,
        clock: &dyn Clock,
    ) -> Self {
        let mut plan = Self {
            after: before.clone(),
            before,
            writers: Vec::with_capacity(batch.len()),
            entries: Vec::with_capacity(batch.len()),
            verdicts: Vec::new(),
            later: Vec::new(),
        };
        let mut keys: HashSet<(UserId, ClientId)> = HashSet::new();
        for pending in batch {
            if plan.entries.len() >= entries_max {
                plan.later.push(pending);
            } else if let Some(client_id) = &pending.write.client_id
                && !keys.insert((pending.actor, client_id.clone()))
            {
                plan.later.push(pending);
            } else {
                plan.add(pending, clock);
            }
        }
        plan
    }

    fn add(&mut self, mut pending: Pending, clock: &dyn Clock) {
        let head = self.after.head.seq;
        pending.base = Some(pending.base.map_or(head, |base| base.min(head)));
        let expected = pending.write.expected_seq;
        let decision = decide(&self.after, pending.actor, &pending.write.change);
        match decision {
            Ok(Decision::Append(_)) if expected.is_some_and(|seq| seq != head.next()) => {
                let refusal = ChatError::HeadMoved { head_seq: head };
                self.verdicts.push((pending, Verdict::Refused(refusal)));
            }
            Ok(Decision::Append(body)) => {
                let running = self.after.head_after(&body, clock.now());
                let entry = Entry {
                    conversation: self.after.conversation,
                    seq: running.seq,
                    id: EntryId::from(clock.fresh_id()),
                    sender: pending.actor,
                    client_id: pending.write.client_id.clone(),
                    at: running.at,
                    ord: running.ord,
                    body,
                };
                self.after.fold(&entry, running);
                self.writers.push(pending);
                self.entries.push(entry);
            }
            Ok(Decision::Stands(seq)) => self.verdicts.push((pending, Verdict::Stands(seq))),
            Ok(Decision::Nothing) => self.verdicts.push((pending, Verdict::Nothing)),
            Err(refusal) => self.verdicts.push((pending, Verdict::Refused(refusal))),
        }
    }

    /// For each entry, the head that its sender knew.
    pub(super) fn bases(&self) -> Vec<Seq> {
        self.writers.iter().map(|pending| pending.base.unwrap_or_default()).collect()
    }

    /// The running values after the last entry.
    pub(super) fn head(&self) -> Head {
        self.after.head
    }

    /// Takes out the command behind the entry at this index.
    pub(super) fn take_writer(&mut self, index: usize) -> Option<Pending> {
        (index < self.writers.len()).then(|| self.writers.remove(index))
    }

    /// Every command of the plan in its order, to be planned anew.
    pub(super) fn undo(self) -> (State, Vec<Pending>) {
        let mut batch = self.writers;
        batch.extend(self.verdicts.into_iter().map(|(pending, _)| pending));
        batch.extend(self.later);
        batch.sort_unstable_by_key(|pending| pending.order);
        (self.before, batch)
    }
}

/// The outcome of a repeat: the entry that stands, if the repeat asks for the same.
pub(super) fn repeated(write: &Write, standing: Entry) -> Answer {
    if write.change.makes(&standing.body) {
        Ok(Outcome::Entry { entry: Box::new(standing), replayed: true })
    } else {
        Err(ChatError::KeyReused("client_id"))
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        command::Change,
        id::ConversationId,
        model::{Kind, Member, Role},
        time::{TestClock, Timestamp},
    };

    use super::*;

    fn pending(order: u64, text: &str) -> Pending {
        let write = Write {
            conversation: ConversationId::new(1).unwrap(),
            client_id: Some(ClientId::new(text).unwrap()),
            expected_seq: (text == "refused").then_some(Seq::new(99)),
            base_seq: None,
            change: Change::Text { text: text.into(), reply_to: None },
        };
        let (answer, _) = oneshot::channel();
        let (actor, deadline) = (UserId::new(1).unwrap(), Instant::now());
        Pending { order, actor, write, base: None, deadline, is_doubtful: false, answer }
    }

    const TEXTS: [&str; 5] = ["a", "refused", "b", "a", "c"];

    fn plan(texts: &[&str], entries_max: usize) -> Plan {
        let user = UserId::new(1).unwrap();
        let member = Member { user, role: Role::Owner, joined_seq: Seq::new(1), joined_ord: 0 };
        let head = Head { seq: Seq::new(1), members: 1, owners: 1, ..Head::default() };
        let mut state = State::new(ConversationId::new(1).unwrap(), Kind::Group, head, None);
        state.learn_member(user, Some(member));
        let clock = TestClock::new(Timestamp::from_millis(1_800_000_000_000), 1);
        let batch = texts.iter().zip(1..).map(|(text, order)| pending(order, text)).collect();
        Plan::new(state, batch, entries_max, &clock)
    }

    #[tokio::test(start_paused = true)]
    async fn undone_plan_gives_its_commands_back_in_their_order() {
        let plan = plan(&TEXTS, 64);
        assert_eq!((plan.writers.len(), plan.verdicts.len(), plan.later.len()), (3, 1, 1));
        let (before, batch) = plan.undo();
        assert_eq!(before.head.seq, Seq::new(1));
        let orders: Vec<u64> = batch.iter().map(|pending| pending.order).collect();
        assert_eq!(orders, [1, 2, 3, 4, 5]);
    }

    #[tokio::test(start_paused = true)]
    async fn plan_ends_where_the_log_has_no_room() {
        for (entries_max, entries, later) in [(1, 1, 4), (2, 2, 2), (3, 3, 1)] {
            let plan = plan(&TEXTS, entries_max);
            assert_eq!((plan.entries.len(), plan.later.len()), (entries, later));
            assert_eq!(plan.after.head.seq, Seq::new(1 + entries as u64));
            assert!(plan.later.is_sorted_by_key(|pending| pending.order));
        }
    }
}
