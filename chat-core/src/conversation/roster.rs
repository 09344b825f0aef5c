//! Who listens to a conversation on this gateway.
//!
//! Listeners stand in chunks that a fan-out shares instead of copying: taking the snapshot of
//! 100,000 listeners costs as many steps as there are chunks, and joining copies one chunk at most.

use std::sync::Arc;

use crate::outbox::Outbox;

/// Listeners in a chunk: between two chunks a fan-out lets others run.
pub const CHUNK: usize = 128;

/// A run of listeners.
pub type Chunk = Arc<Vec<Arc<Outbox>>>;

/// Who listens to a conversation on this gateway.
#[derive(Debug, Default)]
pub struct Roster {
    chunks: Vec<Chunk>,
}

impl Roster {
    /// Adds a listener, which must not be there yet.
    pub fn add(&mut self, outbox: &Arc<Outbox>) {
        // Only the last chunk grows, and a chunk that empties goes: all others are nearly full.
        match self.chunks.last_mut() {
            Some(chunk) if chunk.len() < CHUNK => Arc::make_mut(chunk).push(outbox.clone()),
            Some(_) | None => self.chunks.push(Arc::new(vec![outbox.clone()])),
        }
    }

    /// Takes a listener out.
    pub fn remove(&mut self, outbox: &Outbox) {
        let keep = |one: &Arc<Outbox>| !std::ptr::eq(Arc::as_ptr(one), outbox);
        for chunk in &mut self.chunks {
            if !chunk.iter().all(keep) {
                Arc::make_mut(chunk).retain(keep);
            }
        }
        self.chunks.retain(|chunk| !chunk.is_empty());
    }

    /// Everybody, as of now.
    pub fn snapshot(&self) -> Vec<Chunk> {
        self.chunks.clone()
    }

    /// Whether nobody listens.
    pub const fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }
}
