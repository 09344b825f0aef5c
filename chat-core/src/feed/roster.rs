//! The sessions that listen to a conversation on this gateway.
//!
//! They are kept in chunks that a fan-out shares instead of copying. A snapshot of 100,000 listeners
//! clones one pointer a chunk, and adding a listener copies one chunk at most.

use std::sync::Arc;

use crate::outbox::Outbox;

/// Listeners in a chunk. Between two chunks a fan-out yields to other tasks.
pub(super) const CHUNK: usize = 64;

/// A part of the listeners.
pub(super) type Chunk = Arc<Vec<Arc<Outbox>>>;

/// The sessions that listen to a conversation on this gateway.
#[derive(Debug, Default)]
pub(super) struct Roster {
    chunks: Vec<Chunk>,
}

impl Roster {
    /// Adds a listener, which must not be in the roster yet.
    pub(super) fn add(&mut self, outbox: &Arc<Outbox>) {
        // Only the last chunk grows, and an empty chunk is dropped: all others stay nearly full.
        match self.chunks.last_mut() {
            Some(chunk) if chunk.len() < CHUNK => Arc::make_mut(chunk).push(outbox.clone()),
            Some(_) | None => self.chunks.push(Arc::new(vec![outbox.clone()])),
        }
    }

    /// Removes a listener.
    pub(super) fn remove(&mut self, outbox: &Outbox) {
        let keep = |one: &Arc<Outbox>| !std::ptr::eq(Arc::as_ptr(one), outbox);
        for chunk in &mut self.chunks {
            if !chunk.iter().all(keep) {
                Arc::make_mut(chunk).retain(keep);
            }
        }
        self.chunks.retain(|chunk| !chunk.is_empty());
    }

    /// Returns the listeners as of now.
    pub(super) fn snapshot(&self) -> Vec<Chunk> {
        self.chunks.clone()
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::tests::outbox;

    /// Returns a roster with this many listeners, and the listeners.
    fn roster_with(count: usize) -> (Roster, Vec<Arc<Outbox>>) {
        let listeners: Vec<_> = (0..count).map(|_| Arc::new(outbox())).collect();
        let mut roster = Roster::default();
        for one in &listeners {
            roster.add(one);
        }
        (roster, listeners)
    }

    fn sizes(chunks: &[Chunk]) -> Vec<usize> {
        chunks.iter().map(|chunk| chunk.len()).collect()
    }

    #[test]
    fn full_chunk_does_not_grow() {
        let (roster, _) = roster_with(CHUNK + 1);
        assert_eq!(sizes(&roster.snapshot()), [CHUNK, 1]);
    }

    #[test]
    fn removal_changes_one_chunk_and_no_snapshot() {
        let (mut roster, listeners) = roster_with(CHUNK + 2);
        let before = roster.snapshot();
        roster.remove(&listeners[CHUNK]);
        let after = roster.snapshot();
        assert_eq!(sizes(&before), [CHUNK, 2]);
        assert_eq!(sizes(&after), [CHUNK, 1]);
        assert!(Arc::ptr_eq(&before[0], &after[0]));
        assert!(Arc::ptr_eq(&after[1][0], &listeners[CHUNK + 1]));
        roster.remove(&listeners[CHUNK + 1]);
        assert_eq!(sizes(&roster.snapshot()), [CHUNK]);
    }

    #[test]
    fn roster_is_empty_when_all_have_left() {
        let (mut roster, listeners) = roster_with(2);
        for one in &listeners {
            assert!(!roster.is_empty());
            roster.remove(one);
        }
        assert!(roster.is_empty());
    }
}
