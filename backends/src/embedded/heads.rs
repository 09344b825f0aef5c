//! The heads of conversations in use, in bounded memory.
//!
//! Two generations: a head that is used moves to the young one; when that is full the old one is
//! forgotten and the young one grows old. Only the committer writes here, after a head is durable,
//! so that a reader can never put back an older one.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use chat_core::{id::ConversationId, model::Head};

/// Heads of one generation: about 6 MB.
const GENERATION_MAX: usize = 65_536;

/// The heads of conversations in use.
#[derive(Debug, Default)]
pub(super) struct Heads(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<ConversationId, Head>,
    old: HashMap<ConversationId, Head>,
}

impl Generations {
    fn set(&mut self, conversation: ConversationId, head: Head) {
        if self.young.len() >= GENERATION_MAX {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(conversation, head);
    }
}

impl Heads {
    fn lock(&self) -> MutexGuard<'_, Generations> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The head, if it is known.
    pub(super) fn get(&self, conversation: ConversationId) -> Option<Head> {
        let mut heads = self.lock();
        if let Some(head) = heads.young.get(&conversation) {
            return Some(*head);
        }
        let head = heads.old.get(&conversation).copied()?;
        heads.set(conversation, head);
        Some(head)
    }

    /// Remembers heads that are durable. For the committer only.
    pub(super) fn set(&self, durable: impl IntoIterator<Item = (ConversationId, Head)>) {
        let mut heads = self.lock();
        for (conversation, head) in durable {
            heads.set(conversation, head);
        }
    }
}

#[cfg(test)]
mod tests {
    use chat_core::model::Seq;

    use super::*;

    fn id(number: usize) -> ConversationId {
        ConversationId::new(number as u64 + 1).unwrap()
    }

    #[test]
    fn heads_in_use_stay_and_others_are_forgotten() {
        let heads = Heads::default();
        let head = Head { seq: Seq::new(7), ..Head::default() };
        heads.set([(id(0), head), (id(1), head)]);
        for number in 2..3 * GENERATION_MAX {
            heads.set([(id(number), Head::default())]);
            if number % 1_000 == 0 {
                assert_eq!(heads.get(id(0)), Some(head));
            }
        }
        assert_eq!(heads.get(id(1)), None);
        let kept = heads.lock();
        assert!(kept.young.len() + kept.old.len() <= 2 * GENERATION_MAX);
    }
}
