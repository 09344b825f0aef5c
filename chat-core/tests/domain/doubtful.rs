//! A log whose answers are late, or leave in doubt what was done.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chat_core::{
    error::StoreError,
    id::{ConversationId, UserId},
    model::{ClientId, Entry, Head, Seq},
    port::{Append, Appended, Log},
};

/// A log that answers some appends with an unknown outcome, half of them applied, none while it
/// hangs, and all of them after a while.
#[derive(Debug)]
pub(crate) struct DoubtfulLog {
    inner: Arc<dyn Log>,
    appends: AtomicU32,
    /// Every so many appends.
    every: u32,
    hangs: AtomicBool,
    heads: AtomicU32,
    append_millis: AtomicU32,
}

impl DoubtfulLog {
    /// Every so many-th append's outcome is unknown; none where it is 0.
    pub(crate) fn new(inner: Arc<dyn Log>, every: u32) -> Self {
        Self {
            inner,
            every,
            appends: AtomicU32::new(0),
            hangs: AtomicBool::new(false),
            heads: AtomicU32::new(0),
            append_millis: AtomicU32::new(0),
        }
    }

    /// How many appends there were.
    pub(crate) fn appends(&self) -> u32 {
        self.appends.load(Ordering::SeqCst)
    }

    /// Each append takes so long.
    pub(crate) fn slow_down(&self, append_millis: u32) {
        self.append_millis.store(append_millis, Ordering::SeqCst);
    }

    /// How often heads were asked for.
    pub(crate) fn heads_asked(&self) -> u32 {
        self.heads.load(Ordering::SeqCst)
    }

    /// Appends are not answered, or are again.
    pub(crate) fn hang(&self, hangs: bool) {
        self.hangs.store(hangs, Ordering::SeqCst);
    }
}

#[async_trait]
impl Log for DoubtfulLog {
    fn room(&self, after: Seq) -> usize {
        self.inner.room(after)
    }

    async fn append(&self, append: Append<'_>) -> Result<Appended, StoreError> {
        while self.hangs.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let count = self.appends.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
        let millis = self.append_millis.load(Ordering::SeqCst);
        if millis > 0 {
            tokio::time::sleep(Duration::from_millis(millis.into())).await;
        }
        if self.every == 0 || count % self.every != self.every - 1 {
            return self.inner.append(append).await;
        }
        if (count / self.every).is_multiple_of(2) {
            self.inner.append(append).await?;
        }
        Err(StoreError::Unknown("the answer was lost".to_owned()))
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
        tokio::task::yield_now().await;
        self.heads.fetch_add(1, Ordering::SeqCst);
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
