//! Ports that count what goes through them.

use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{
    error::StoreError,
    id::{ConversationId, UserId},
    model::{ClientId, Entry, Head, Seq},
    port::{Append, Appended, Log, PasswordError, Passwords},
};
use tokio::time::Instant;

use crate::metrics;

/// A log whose appends are counted.
#[derive(Debug)]
pub struct MeteredLog(pub Arc<dyn Log>);

#[async_trait]
impl Log for MeteredLog {
    fn room(&self, after: Seq) -> usize {
        self.0.room(after)
    }

    async fn append(&self, append: Append<'_>) -> Result<Appended, StoreError> {
        let begun = Instant::now();
        let appended = self.0.append(append).await;
        let outcome = match &appended {
            Ok(Appended::Done) => "done",
            Ok(Appended::Moved { .. }) => "moved",
            Ok(Appended::Duplicate { .. }) => "duplicate",
            Err(StoreError::Unavailable(_)) => "unavailable",
            Err(StoreError::Unknown(_)) => "unknown",
            Err(StoreError::Corrupt(_)) => "corrupt",
        };
        let entries = if outcome == "done" { append.entries.len() } else { 0 };
        metrics::append(outcome, entries, begun.elapsed());
        appended
    }

    async fn read(
        &self,
        conversation: ConversationId,
        after: Seq,
        to: Seq,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        self.0.read(conversation, after, to, limit).await
    }

    async fn heads(&self, conversations: &[ConversationId]) -> Result<Vec<Head>, StoreError> {
        self.0.heads(conversations).await
    }

    async fn find(
        &self,
        conversation: ConversationId,
        sender: UserId,
        client_id: &ClientId,
        base: Seq,
    ) -> Result<Option<Entry>, StoreError> {
        self.0.find(conversation, sender, client_id, base).await
    }

    async fn erase(&self, conversation: ConversationId, seqs: &[Seq]) -> Result<(), StoreError> {
        self.0.erase(conversation, seqs).await
    }
}

/// Password hashing whose queue is seen.
#[derive(Debug)]
pub struct MeteredPasswords(pub Arc<dyn Passwords>);

#[async_trait]
impl Passwords for MeteredPasswords {
    async fn hash(&self, password: &str) -> Result<String, PasswordError> {
        let _counted = metrics::password();
        self.0.hash(password).await
    }

    async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, PasswordError> {
        let _counted = metrics::password();
        self.0.verify(password, hash).await
    }
}
