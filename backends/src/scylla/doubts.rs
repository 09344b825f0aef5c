//! Appends whose outcome is not known yet.
//!
//! After an unknown outcome the next read of that conversation must be final, and so a serial one:
//! it finishes or buries what is in flight. The other reads need not pay for that.

use std::{
    collections::HashSet,
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

/// Appends whose outcome is not known yet.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    doubtful: Mutex<HashSet<ConversationId>>,
    met: AtomicU64,
    done: AtomicU64,
    not_done: AtomicU64,
}

impl Doubts {
    fn lock(&self) -> MutexGuard<'_, HashSet<ConversationId>> {
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
        if doubtful.len() < DOUBTFUL_MAX {
            doubtful.insert(conversation);
        }
    }

    /// Whether reads of this conversation have to be serial.
    pub(super) fn contains(&self, conversation: ConversationId) -> bool {
        let doubtful = self.lock();
        doubtful.len() >= DOUBTFUL_MAX || doubtful.contains(&conversation)
    }

    /// A serial read of the conversation's head has been answered.
    pub(super) fn clear(&self, conversation: ConversationId) {
        self.lock().remove(&conversation);
    }

    /// What has been counted so far.
    pub(super) fn counted(&self) -> Unknowns {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Unknowns { met: read(&self.met), done: read(&self.done), not_done: read(&self.not_done) }
    }
}
