//! A cache of the heads of recently used conversations, in bounded memory.
//!
//! It has two generations. A head that is used moves to the young generation. When that is full, the
//! old generation is dropped and the young one becomes the old one. Only the committer writes here,
//! after a head is durable, so a reader cannot overwrite a head with an older one.

use std::collections::HashMap;

use chat_core::{id::ConversationId, model::Head};
use parking_lot::Mutex;

/// Heads in one generation: about 6 MB.
const GENERATION_MAX: usize = 65_536;

/// The cached heads.
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
    /// Returns the head if it is cached.
    pub(super) fn get(&self, conversation: ConversationId) -> Option<Head> {
        let mut heads = self.0.lock();
        if let Some(head) = heads.young.get(&conversation) {
            return Some(*head);
        }
        let head = heads.old.get(&conversation).copied()?;
        heads.set(conversation, head);
        Some(head)
    }

    /// Caches durable heads. Only the committer may call this.
    pub(super) fn set(&self, durable: impl IntoIterator<Item = (ConversationId, Head)>) {
        let mut heads = self.0.lock();
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
    fn cache_keeps_used_heads_and_evicts_others() {
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
        let cached = heads.0.lock();
        assert!(cached.young.len() + cached.old.len() <= 2 * GENERATION_MAX);
    }
}
