//! What this gateway has learned about conversations. All of it stays true for good, and may be
//! forgotten at any time.
//!
//! A head that was seen is a lower bound of the head from then on. The same holds for the newest
//! bucket, for sealed buckets and for complete projections. Heads are never answered from here.

use std::collections::HashMap;

use chat_core::{
    id::ConversationId,
    model::{Head, Seq},
};
use parking_lot::Mutex;

/// How many conversations each of the two generations holds.
const GENERATION_MAX: usize = 65_536;
/// How many heads of one conversation are remembered, so that an append finds the one before it.
const HEADS_MAX: usize = 4;

/// Lower bounds of one conversation's progress.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Watermarks {
    /// A bucket that has entries.
    pub(super) bucket: u64,
    /// The buckets below this one are full, and a quorum has their last append.
    pub(super) sealed: u64,
    /// The projections of all entries up to this one are written.
    pub(super) projected: Seq,
    /// The newest entry with projections that is known to be in the log.
    pub(super) to_project: Seq,
    /// Heads that were seen, each with the newest entry with projections up to it.
    heads: [(Seq, Seq); HEADS_MAX],
    oldest_head: usize,
}

impl Watermarks {
    /// Returns the newest entry with projections up to this head, or `None` if the head is unknown.
    pub(super) fn projected_at(&self, head: Seq) -> Option<Seq> {
        if head == Seq::ZERO {
            return Some(Seq::ZERO);
        }
        self.heads.iter().find(|(seq, _)| *seq == head).map(|(_, projected)| *projected)
    }

    /// Raises the marks to a head that was seen in this bucket.
    pub(super) fn raise(&mut self, bucket: u64, head: &Head) {
        self.bucket = self.bucket.max(bucket);
        self.to_project = self.to_project.max(head.projected_seq);
        if self.projected_at(head.seq).is_none() {
            self.heads[self.oldest_head] = (head.seq, head.projected_seq);
            self.oldest_head = (self.oldest_head + 1) % HEADS_MAX;
        }
    }
}

/// Two generations of watermarks. When the young one is full it replaces the old one, so that the
/// conversations that have not changed for longest are forgotten.
#[derive(Debug, Default)]
struct Generations {
    young: HashMap<ConversationId, Watermarks>,
    old: HashMap<ConversationId, Watermarks>,
}

/// A bounded cache of watermarks by conversation.
#[derive(Debug, Default)]
pub(super) struct WatermarkCache(Mutex<Generations>);

impl WatermarkCache {
    /// Returns the watermarks of a conversation; all zero if nothing is known.
    pub(super) fn of(&self, conversation: ConversationId) -> Watermarks {
        let generations = self.0.lock();
        let found = generations.young.get(&conversation);
        found.or_else(|| generations.old.get(&conversation)).copied().unwrap_or_default()
    }

    /// Changes the watermarks of a conversation.
    pub(super) fn update(
        &self,
        conversation: ConversationId,
        update: impl FnOnce(&mut Watermarks),
    ) {
        let mut generations = self.0.lock();
        if generations.young.len() >= GENERATION_MAX {
            generations.old = std::mem::take(&mut generations.young);
        }
        let older = generations.old.remove(&conversation).unwrap_or_default();
        update(generations.young.entry(conversation).or_insert(older));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(seq: u64, projected: u64) -> Head {
        Head { seq: Seq::new(seq), projected_seq: Seq::new(projected), ..Head::default() }
    }

    #[test]
    fn watermarks_only_rise_and_keep_the_latest_heads() {
        let cache = WatermarkCache::default();
        let conversation = ConversationId::new(1).unwrap();
        for seq in 1..=9 {
            cache.update(conversation, |marks| marks.raise(seq / 4, &head(seq, seq / 2)));
        }
        cache.update(conversation, |marks| marks.raise(0, &head(2, 1)));
        let marks = cache.of(conversation);
        assert_eq!((marks.bucket, marks.to_project), (2, Seq::new(4)));
        assert_eq!(marks.projected_at(Seq::new(9)), Some(Seq::new(4)));
        assert_eq!(marks.projected_at(Seq::new(3)), None);
        assert_eq!(marks.projected_at(Seq::ZERO), Some(Seq::ZERO));
    }

    #[test]
    fn cache_stays_bounded_when_it_sees_many_conversations() {
        let cache = WatermarkCache::default();
        for id in 1..=3 * GENERATION_MAX as u64 {
            cache.update(ConversationId::new(id).unwrap(), |marks| marks.bucket = id);
        }
        let generations = cache.0.lock();
        assert!(generations.young.len() + generations.old.len() <= 2 * GENERATION_MAX);
    }
}
