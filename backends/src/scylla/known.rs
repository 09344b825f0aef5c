//! What this gateway has learnt of conversations: all of it stays true for ever, and may be
//! forgotten at any time.
//!
//! A head that was once seen is a lower bound of the head for good; so is the newest bucket, what
//! is sealed, and how far projections are complete. Heads themselves are never answered from here.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use chat_core::{
    id::ConversationId,
    model::{Head, Seq},
};

/// Conversations in one of the two generations.
const GENERATION_MAX: usize = 65_536;
/// Heads of one conversation that are remembered: an append finds the one it goes on from.
const HEADS_MAX: usize = 4;

/// What is known of one conversation.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Facts {
    /// There are entries in this bucket.
    pub(super) bucket: u64,
    /// The buckets below this one are full, and their last append is settled at a quorum.
    pub(super) sealed: u64,
    /// Projections of the entries up to here are complete.
    pub(super) projected: Seq,
    /// The newest entry with projections, of those known to be in the log.
    pub(super) to_project: Seq,
    heads: [(Seq, Seq); HEADS_MAX],
    turn: usize,
}

impl Facts {
    /// The newest entry with projections up to this head, if this head has been seen.
    pub(super) fn projected_at(&self, head: Seq) -> Option<Seq> {
        if head == Seq::ZERO {
            return Some(Seq::ZERO);
        }
        self.heads.iter().find(|(seq, _)| *seq == head).map(|(_, projected)| *projected)
    }

    /// Takes in a head that has been seen.
    pub(super) fn see(&mut self, bucket: u64, head: &Head) {
        self.bucket = self.bucket.max(bucket);
        self.to_project = self.to_project.max(head.projected_seq);
        if self.projected_at(head.seq).is_none() {
            self.heads[self.turn % HEADS_MAX] = (head.seq, head.projected_seq);
            self.turn = (self.turn + 1) % HEADS_MAX;
        }
    }
}

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<ConversationId, Facts>,
    old: HashMap<ConversationId, Facts>,
}

/// What is known of conversations; those not asked about for longest are forgotten.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<Generations>);

impl Known {
    fn lock(&self) -> MutexGuard<'_, Generations> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of a conversation.
    pub(super) fn of(&self, conversation: ConversationId) -> Facts {
        let generations = self.lock();
        let found = generations.young.get(&conversation);
        found.or_else(|| generations.old.get(&conversation)).copied().unwrap_or_default()
    }

    /// Learns something of a conversation.
    pub(super) fn learn(&self, conversation: ConversationId, learn: impl FnOnce(&mut Facts)) {
        let mut generations = self.lock();
        if generations.young.len() >= GENERATION_MAX {
            generations.old = std::mem::take(&mut generations.young);
        }
        let older = generations.old.remove(&conversation).unwrap_or_default();
        learn(generations.young.entry(conversation).or_insert(older));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(seq: u64, projected: u64) -> Head {
        Head { seq: Seq::new(seq), projected_seq: Seq::new(projected), ..Head::default() }
    }

    #[test]
    fn facts_only_grow_and_the_latest_heads_are_remembered() {
        let (known, one) = (Known::default(), ConversationId::new(1).unwrap());
        for seq in 1..=9 {
            known.learn(one, |facts| facts.see(seq / 4, &head(seq, seq / 2)));
        }
        known.learn(one, |facts| facts.see(0, &head(2, 1)));
        let facts = known.of(one);
        assert_eq!((facts.bucket, facts.to_project), (2, Seq::new(4)));
        assert_eq!(facts.projected_at(Seq::new(9)), Some(Seq::new(4)));
        assert_eq!(facts.projected_at(Seq::new(3)), None);
        assert_eq!(facts.projected_at(Seq::ZERO), Some(Seq::ZERO));
    }

    #[test]
    fn memory_is_bounded() {
        let known = Known::default();
        for id in 1..=3 * GENERATION_MAX as u64 {
            known.learn(ConversationId::new(id).unwrap(), |facts| facts.bucket = id);
        }
        let generations = known.lock();
        assert!(generations.young.len() + generations.old.len() <= 2 * GENERATION_MAX);
    }
}
