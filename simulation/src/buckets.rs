//! A log in buckets, as the CQL store has it: no append crosses an edge.

use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{
    error::StoreError,
    id::{ConversationId, UserId},
    limits::APPEND_ENTRIES_MAX,
    model::{ClientId, Entry, Head, Seq},
    port::{Append, Appended, Log},
};

/// A log in buckets.
#[derive(Debug)]
pub(crate) struct BucketedLog {
    inner: Arc<dyn Log>,
    entries: u64,
}

impl BucketedLog {
    /// Splits the logs into buckets of this many entries.
    pub(crate) fn new(inner: Arc<dyn Log>, entries: u64) -> Self {
        Self { inner, entries }
    }
}

#[async_trait]
impl Log for BucketedLog {
    fn room(&self, after: Seq) -> usize {
        let left = self.entries - after.get() % self.entries;
        usize::try_from(left).unwrap_or(usize::MAX).min(APPEND_ENTRIES_MAX)
    }

    async fn append(&self, append: Append<'_>) -> Result<Appended, StoreError> {
        if append.entries.len() > self.room(append.after) {
            return Err(StoreError::Unavailable("the append crosses a bucket's edge".to_owned()));
        }
        self.inner.append(append).await
    }

    async fn read(
        &self,
        conversation: ConversationId,
        after: Seq,
        to: Seq,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        self.inner.read(conversation, after, to, limit).await
    }

    async fn heads(&self, conversations: &[ConversationId]) -> Result<Vec<Head>, StoreError> {
        self.inner.heads(conversations).await
    }

    async fn find(
        &self,
        conversation: ConversationId,
        sender: UserId,
        client_id: &ClientId,
        base: Seq,
    ) -> Result<Option<Entry>, StoreError> {
        self.inner.find(conversation, sender, client_id, base).await
    }

    async fn erase(&self, conversation: ConversationId, seqs: &[Seq]) -> Result<(), StoreError> {
        self.inner.erase(conversation, seqs).await
    }
}
