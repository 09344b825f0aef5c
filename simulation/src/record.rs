//! Records the history of a run.

use std::collections::BTreeMap;

use chat_core::{
    error::{ChatError, ErrorCode},
    id::{ConversationId, UserId},
    model::{Body, Seq},
    view::EntryView,
};
use checker::{
    Attempt, Followed, History, Key, Read, Receipts, Seen, SendOutcome, Step, Ticks,
    facts::{Arrival, Facts},
};
use parking_lot::Mutex;

use crate::clock::SimulatedTime;

/// Records the history of a run.
#[derive(Debug)]
pub(crate) struct Recorder {
    ticks: Ticks,
    pub(crate) time: SimulatedTime,
    history: Mutex<History>,
    /// When each entry was first acknowledged.
    acknowledged: Mutex<BTreeMap<(String, u64), u64>>,
    /// When each member may first have taken part.
    opened: Mutex<BTreeMap<(UserId, ConversationId), u64>>,
    deliveries: Mutex<Vec<Delivery>>,
}

/// An entry that a socket received while it was open.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) reader: String,
    pub(crate) conversation: String,
    pub(crate) seq: u64,
    pub(crate) opened_ms: u64,
    pub(crate) at_ms: u64,
}

impl Recorder {
    pub(crate) fn new(time: SimulatedTime) -> Self {
        Self {
            ticks: Ticks::default(),
            time,
            history: Mutex::default(),
            acknowledged: Mutex::default(),
            opened: Mutex::default(),
            deliveries: Mutex::default(),
        }
    }

    pub(crate) fn tick(&self) -> u64 {
        self.ticks.tick()
    }

    /// Records an attempt that begins, and returns its number.
    pub(crate) fn begin_attempt(&self, connection: String, key: &Key, text: &str) -> usize {
        let called = self.tick();
        let attempts = &mut self.history.lock().attempts;
        attempts.push(Attempt {
            connection,
            key: key.clone(),
            text: text.to_owned(),
            called,
            answered: u64::MAX,
            outcome: SendOutcome::Unknown,
        });
        attempts.len() - 1
    }

    /// Records the answer to an attempt.
    pub(crate) fn answer_attempt(&self, number: usize, outcome: SendOutcome) {
        if outcome == SendOutcome::Unknown {
            return;
        }
        let answered = self.tick();
        let mut history = self.history.lock();
        let Some(attempt) = history.attempts.get_mut(number) else { return };
        attempt.answered = answered;
        attempt.outcome = outcome;
        if let SendOutcome::Acknowledged { seq, .. } = outcome {
            let place = (attempt.key.conversation.clone(), seq);
            self.acknowledged.lock().entry(place).or_insert(self.time.ms());
        }
    }

    pub(crate) fn read(&self, read: Read) {
        self.history.lock().reads.push(read);
    }

    pub(crate) fn followed(&self, followed: impl Iterator<Item = Followed>) {
        self.history.lock().followed.extend(followed);
    }

    pub(crate) fn deliver(&self, delivery: Delivery) {
        self.deliveries.lock().push(delivery);
    }

    /// Records what a reader sees of another member's cursor.
    pub(crate) fn receipts(&self, receipts: Receipts) {
        self.history.lock().receipts.push(receipts);
    }

    pub(crate) fn change_facts<T>(&self, change: impl FnOnce(&mut Facts) -> T) -> T {
        change(&mut self.history.lock().facts)
    }

    /// Records that a member may take part from now on.
    pub(crate) fn may_open(&self, user: UserId, conversation: ConversationId) {
        self.opened.lock().entry((user, conversation)).or_insert(self.time.ms());
    }

    /// Returns when a member may first have taken part.
    pub(crate) fn opened_at(&self, user: UserId, conversation: ConversationId) -> Option<u64> {
        self.opened.lock().get(&(user, conversation)).copied()
    }

    /// Adds how long entries took to connected clients, which is bounded by `within_ms`.
    pub(crate) fn add_arrivals(&self, within_ms: u64) {
        let acknowledged = self.acknowledged.lock();
        let deliveries = self.deliveries.lock();
        let arrivals = deliveries.iter().filter_map(|delivery| {
            let place = (delivery.conversation.clone(), delivery.seq);
            let acknowledged_ms = *acknowledged.get(&place)?;
            (delivery.opened_ms < acknowledged_ms).then(|| Arrival {
                reader: delivery.reader.clone(),
                conversation: delivery.conversation.clone(),
                seq: delivery.seq,
                acknowledged_ms,
                at_ms: delivery.at_ms,
                within_ms,
            })
        });
        let arrivals: Vec<_> = arrivals.collect();
        self.change_facts(|facts| facts.arrivals.extend(arrivals));
    }

    /// Takes the history.
    pub(crate) fn take(&self) -> History {
        std::mem::take(&mut self.history.lock())
    }

    pub(crate) fn add_stays(&self, stays: Vec<checker::Stay>) {
        self.history.lock().stays.extend(stays);
    }
}

/// What one device received of each conversation.
#[derive(Debug, Default)]
pub(crate) struct Follower {
    current: BTreeMap<ConversationId, Followed>,
    /// What was received before a conversation was hidden.
    past: Vec<Followed>,
}

impl Follower {
    pub(crate) fn step(
        &mut self,
        reader: UserId,
        conversation: ConversationId,
        after: Seq,
        step: Step,
    ) {
        let followed = self.current.entry(conversation).or_insert_with(|| Followed {
            reader: reader.to_string(),
            conversation: conversation.to_string(),
            after: after.get(),
            steps: Vec::new(),
            to_the_end: false,
        });
        followed.steps.push(step);
    }

    /// Starts a new cursor: a hidden conversation comes back with what came after it was hidden.
    pub(crate) fn restart(&mut self, conversation: ConversationId) {
        self.past.extend(self.current.remove(&conversation));
    }

    /// Takes what was received. The cursors of `members` must have reached the end.
    pub(crate) fn take(&mut self, members: &[ConversationId]) -> Vec<Followed> {
        let mut followed = std::mem::take(&mut self.current);
        for (conversation, one) in &mut followed {
            one.to_the_end = members.contains(conversation);
        }
        std::mem::take(&mut self.past).into_iter().chain(followed.into_values()).collect()
    }
}

/// Returns an entry as a client sees it. A text without a client id is known by its text.
pub(crate) fn seen(view: &EntryView) -> Seen {
    let entry = &view.entry;
    let text = if let Body::Text { text, .. } = &entry.body { text.as_deref() } else { None };
    let is_anonymous = text.is_some_and(|text| text.starts_with(ANONYMOUS));
    let client_id = entry.client_id.as_ref().map(|id| id.as_str().to_owned());
    Seen {
        seq: entry.seq.get(),
        id: entry.id.get(),
        sender: entry.sender.to_string(),
        client_id: client_id.or_else(|| text.filter(|_| is_anonymous).map(str::to_owned)),
        text: text.map(str::to_owned),
    }
}

/// How texts without a client id begin. They are never edited or redacted.
pub(crate) const ANONYMOUS: &str = "anonymous-";

/// Returns what an error says about the entry.
pub(crate) fn refusal(error: &ChatError) -> SendOutcome {
    if matches!(error.code(), ErrorCode::OutcomeUnknown | ErrorCode::Internal) {
        SendOutcome::Unknown
    } else {
        SendOutcome::Refused
    }
}
