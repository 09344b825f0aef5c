//! A log whose calls follow a test's instructions.

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;

use super::{Call, Fault, Faults};
use crate::{
    error::StoreError,
    id::{ConversationId, UserId},
    model::{ClientId, Entry, Head, Seq},
    planted::{Bug, is_planted},
    port::{Append, Appended, Log},
};

#[derive(Debug)]
pub(super) struct FaultyLog {
    inner: Arc<dyn Log>,
    faults: Arc<Faults>,
    late: Mutex<Option<LateAppend>>,
}

/// An append that is applied just before the next one.
#[derive(Debug)]
struct LateAppend {
    conversation: ConversationId,
    after: Seq,
    entries: Vec<Entry>,
    bases: Vec<Seq>,
    head: Head,
}

impl FaultyLog {
    pub(super) fn new(inner: Arc<dyn Log>, faults: Arc<Faults>) -> Self {
        Self { inner, faults, late: Mutex::default() }
    }

    async fn apply_late_append(&self) {
        let late = self.late.lock().take();
        let Some(LateAppend { conversation, after, entries, bases, head }) = late else { return };
        let append = Append { conversation, after, entries: &entries, bases: &bases, head };
        assert_eq!(self.inner.append(append).await, Ok(Appended::Done));
    }
}

#[async_trait]
impl Log for FaultyLog {
    fn room(&self, after: Seq) -> usize {
        if is_planted(Bug::HidesBucketEdge) { usize::MAX } else { self.inner.room(after) }
    }

    async fn append(&self, append: Append<'_>) -> Result<Appended, StoreError> {
        let disturbance = self.faults.begin(Call::Append).await;
        self.apply_late_append().await;
        if disturbance.fault == Some(Fault::AppliedLate) {
            let Append { conversation, after, entries, bases, head } = append;
            let (entries, bases) = (entries.to_vec(), bases.to_vec());
            let late = LateAppend { conversation, after, entries, bases, head };
            *self.late.lock() = Some(late);
            return Err(StoreError::Unknown("the append is late".to_owned()));
        }
        self.faults.complete(Call::Append, disturbance, self.inner.append(append)).await
    }

    async fn read(
        &self,
        conversation: ConversationId,
        after: Seq,
        to: Seq,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        self.faults.run(Call::Read, self.inner.read(conversation, after, to, limit)).await
    }

    async fn heads(&self, conversations: &[ConversationId]) -> Result<Vec<Head>, StoreError> {
        self.faults.run(Call::Heads, self.inner.heads(conversations)).await
    }

    async fn find(
        &self,
        conversation: ConversationId,
        sender: UserId,
        client_id: &ClientId,
        base: Seq,
    ) -> Result<Option<Entry>, StoreError> {
        let found = self.inner.find(conversation, sender, client_id, base);
        self.faults.run(Call::Find, found).await
    }

    async fn erase(&self, conversation: ConversationId, seqs: &[Seq]) -> Result<(), StoreError> {
        self.faults.run(Call::Erase, self.inner.erase(conversation, seqs)).await
    }
}
