//! Appends whose outcome is not known yet.
//!
//! After an unknown outcome the next read of that conversation must be final, and so a serial one:
//! it finishes or buries what is in flight. The other reads need not pay for that.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use chat_core::id::ConversationId;

/// Conversations in doubt that are remembered; past that, all are.
const DOUBTFUL_MAX: usize = 65_536;

/// How many appends had no answer that can be relied on, and what the store said when it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unknowns {
    /// Had no answer.
    pub met: u64,
    /// Of these, had been done.
    pub done: u64,
    /// Of these, had not been done.
    pub not_done: u64,
}

/// How many doubts there had been when a serial read began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked(u64);

/// Appends whose outcome is not known yet.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    doubtful: Mutex<HashMap<ConversationId, u64>>,
    /// How many doubts there have been.
    left: AtomicU64,
    met: AtomicU64,
    done: AtomicU64,
    not_done: AtomicU64,
}

impl Doubts {
    fn lock(&self) -> MutexGuard<'_, HashMap<ConversationId, u64>> {
        self.doubtful.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An append had no answer.
    pub(super) fn meet(&self) {
        self.met.fetch_add(1, Ordering::Relaxed);
    }

    /// The store has told what had become of it.
    pub(super) fn settle(&self, was_done: bool) {
        let counter = if was_done { &self.done } else { &self.not_done };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// The caller is told that the outcome is unknown.
    pub(super) fn leave(&self, conversation: ConversationId) {
        let mut doubtful = self.lock();
        if doubtful.len() < DOUBTFUL_MAX || doubtful.contains_key(&conversation) {
            doubtful.insert(conversation, self.left.fetch_add(1, Ordering::Relaxed));
        }
    }

    /// A serial read begins: it settles the doubts of before, not those that come beside it.
    pub(super) fn ask(&self) -> Asked {
        let _guard = self.lock();
        Asked(self.left.load(Ordering::Relaxed))
    }

    /// Whether reads of this conversation have to be serial.
    pub(super) fn contains(&self, conversation: ConversationId) -> bool {
        let doubtful = self.lock();
        doubtful.len() >= DOUBTFUL_MAX || doubtful.contains_key(&conversation)
    }

    /// A serial read of the conversation's head, begun then, has been answered.
    pub(super) fn clear(&self, conversation: ConversationId, asked: Asked) {
        let mut doubtful = self.lock();
        if doubtful.get(&conversation).is_some_and(|left| *left < asked.0) {
            doubtful.remove(&conversation);
        }
    }

    /// What has been counted so far.
    pub(super) fn counted(&self) -> Unknowns {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Unknowns { met: read(&self.met), done: read(&self.done), not_done: read(&self.not_done) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_settles_the_doubts_of_before_it_only() {
        let (doubts, one) = (Doubts::default(), ConversationId::new(1).unwrap());
        doubts.leave(one);
        let asked = doubts.ask();
        doubts.leave(one);
        doubts.clear(one, asked);
        assert!(doubts.contains(one), "an append whose outcome nobody has asked for");
        let asked = doubts.ask();
        doubts.clear(one, asked);
        assert!(!doubts.contains(one));
    }
}
