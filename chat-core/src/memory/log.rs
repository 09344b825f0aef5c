//! Logs in memory: for each a vector of entries, its head, and the client ids in it.

use std::ops::Range;

use async_trait::async_trait;

use super::state::{Log, Shared};
use crate::{
    error::StoreError,
    id::{ConversationId, UserId},
    limits::APPEND_ENTRIES_MAX,
    model::{ClientId, Entry, Head, Seq},
    port::{self, Append, Appended},
};

impl Log {
    fn find(&self, sender: UserId, client_id: &ClientId) -> Option<&Entry> {
        let seq = self.by_client_id.get(&(sender, client_id.clone()))?;
        self.entries.get(index(seq.previous()))
    }

    /// Returns the indexes of the entries in `(after, to]` that exist.
    fn range(&self, after: Seq, to: Seq) -> Range<usize> {
        let end = index(to).min(self.entries.len());
        index(after).min(end)..end
    }

    pub(super) fn erase(&mut self, seqs: &[Seq]) {
        for seq in seqs {
            let range = self.range(seq.previous(), *seq);
            let Some(entry) = self.entries[range].first_mut() else { continue };
            if let Some(erased) = entry.body.without_text() {
                entry.body = erased;
            }
        }
    }
}

fn index(seq: Seq) -> usize {
    usize::try_from(seq.get()).unwrap_or(usize::MAX)
}

/// Returns true if the append follows the rules for callers. Tests fail at once if it does not.
fn is_well_formed(append: &Append<'_>) -> bool {
    let seqs = (1..).map(|count| append.after.plus(count));
    let last = append.entries.last();
    append.entries.iter().zip(seqs).all(|(entry, seq)| entry.seq == seq)
        && append.entries.iter().all(|entry| entry.conversation == append.conversation)
        && append.entries.len() == append.bases.len()
        && append.entries.len() <= APPEND_ENTRIES_MAX
        && last.is_some_and(|last| last.seq == append.head.seq && last.ord == append.head.ord)
}

/// Logs in memory.
#[derive(Debug)]
pub struct MemoryLog(pub(super) Shared);

#[async_trait]
impl port::Log for MemoryLog {
    fn room(&self, _after: Seq) -> usize {
        APPEND_ENTRIES_MAX
    }

    async fn append(&self, append: Append<'_>) -> Result<Appended, StoreError> {
        debug_assert!(is_well_formed(&append), "{append:?}");
        let mut state = self.0.lock();
        let log = state.logs.entry(append.conversation).or_default();
        let existing = |entry: &Entry| log.find(entry.sender, entry.client_id.as_ref()?).cloned();
        let duplicates: Vec<_> = append
            .entries
            .iter()
            .enumerate()
            .filter_map(|(index, entry)| Some((index, existing(entry)?)))
            .collect();
        if !duplicates.is_empty() {
            return Ok(Appended::Duplicate { entries: duplicates });
        }
        if log.head.seq != append.after {
            return Ok(Appended::Moved { head: log.head });
        }
        for entry in append.entries {
            if let Some(client_id) = entry.client_id.clone() {
                log.by_client_id.insert((entry.sender, client_id), entry.seq);
            }
        }
        log.entries.extend_from_slice(append.entries);
        log.head = append.head;
        for entry in append.entries {
            state.project(entry);
        }
        Ok(Appended::Done)
    }

    async fn read(
        &self,
        conversation: ConversationId,
        after: Seq,
        to: Seq,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let state = self.0.lock();
        let Some(log) = state.logs.get(&conversation) else { return Ok(Vec::new()) };
        Ok(log.entries[log.range(after, to)].iter().take(limit).cloned().collect())
    }

    async fn heads(&self, conversations: &[ConversationId]) -> Result<Vec<Head>, StoreError> {
        let state = self.0.lock();
        let head = |id| state.logs.get(id).map(|log| log.head).unwrap_or_default();
        Ok(conversations.iter().map(head).collect())
    }

    async fn find(
        &self,
        conversation: ConversationId,
        sender: UserId,
        client_id: &ClientId,
        _base: Seq,
    ) -> Result<Option<Entry>, StoreError> {
        let state = self.0.lock();
        let log = state.logs.get(&conversation);
        Ok(log.and_then(|log| log.find(sender, client_id)).cloned())
    }

    async fn erase(&self, conversation: ConversationId, seqs: &[Seq]) -> Result<(), StoreError> {
        if let Some(log) = self.0.lock().logs.get_mut(&conversation) {
            log.erase(seqs);
        }
        Ok(())
    }
}
