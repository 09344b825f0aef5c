//! Stores that answer when a test says so.

use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{
    error::StoreError,
    id::{ConversationId, UserId},
    model::{ClientId, Entry, Head, Seq},
    port::{Append, Appended, Log},
};
use tokio::sync::Semaphore;

/// What calls pass one by one; open until it is closed.
#[derive(Debug)]
pub(crate) struct Gate(Semaphore);

const MANY: usize = 1 << 20;

impl Default for Gate {
    fn default() -> Self {
        Self(Semaphore::new(MANY))
    }
}

impl Gate {
    /// So many more pass; all others wait.
    pub(crate) fn close_after(&self, calls: usize) {
        self.0.forget_permits(MANY);
        self.0.add_permits(calls);
    }

    pub(crate) fn open(&self) {
        self.0.add_permits(MANY);
    }

    pub(crate) async fn pass(&self) {
        self.0.acquire().await.unwrap().forget();
    }
}

/// A log whose reads wait at gates.
#[derive(Debug)]
pub(crate) struct GatedLog {
    inner: Arc<dyn Log>,
    pub(crate) heads: Gate,
    pub(crate) reads: Gate,
}

impl GatedLog {
    pub(crate) fn new(inner: Arc<dyn Log>) -> Arc<Self> {
        Arc::new(Self { inner, heads: Gate::default(), reads: Gate::default() })
    }
}

#[async_trait]
impl Log for GatedLog {
    async fn append(&self, append: Append<'_>) -> Result<Appended, StoreError> {
        self.inner.append(append).await
    }

    async fn read(
        &self,
        conversation: ConversationId,
        after: Seq,
        to: Seq,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        self.reads.pass().await;
        self.inner.read(conversation, after, to, limit).await
    }

    async fn heads(&self, conversations: &[ConversationId]) -> Result<Vec<Head>, StoreError> {
        self.heads.pass().await;
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
