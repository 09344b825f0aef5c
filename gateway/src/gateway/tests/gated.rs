//! A gateway whose store and passwords wait until they are let through.

use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{
    error::StoreError,
    id::{ConversationId, UserId},
    memory::PlainPasswords,
    model::{ClientId, Entry, Head, Seq},
    port::{Append, Appended, Log, PasswordError, Passwords},
};
use tokio::sync::Semaphore;

use super::gateway_of;
use crate::gateway::Gateway;

/// Each append, each page of entries and each new password takes one permit.
pub(crate) fn gated() -> (Gateway, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let gateway = gateway_of(&[], |parts| {
        let log = parts.stores.log.clone();
        parts.stores.log = Arc::new(GatedLog { log, gate: gate.clone() });
        parts.passwords = Arc::new(GatedPasswords(gate.clone()));
    });
    (gateway, gate)
}

async fn pass(gate: &Semaphore) {
    gate.acquire().await.unwrap().forget();
}

/// Passwords that are hashed when they are let through.
#[derive(Debug)]
struct GatedPasswords(Arc<Semaphore>);

#[async_trait]
impl Passwords for GatedPasswords {
    async fn hash(&self, password: &str) -> Result<String, PasswordError> {
        pass(&self.0).await;
        PlainPasswords.hash(password).await
    }

    async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, PasswordError> {
        PlainPasswords.verify(password, hash).await
    }
}

/// A log whose appends and pages wait until they are let through.
#[derive(Debug)]
struct GatedLog {
    log: Arc<dyn Log>,
    gate: Arc<Semaphore>,
}

#[async_trait]
impl Log for GatedLog {
    fn room(&self, after: Seq) -> usize {
        self.log.room(after)
    }

    async fn append(&self, append: Append<'_>) -> Result<Appended, StoreError> {
        pass(&self.gate).await;
        self.log.append(append).await
    }

    async fn read(
        &self,
        conversation: ConversationId,
        after: Seq,
        to: Seq,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        pass(&self.gate).await;
        self.log.read(conversation, after, to, limit).await
    }

    async fn heads(&self, conversations: &[ConversationId]) -> Result<Vec<Head>, StoreError> {
        self.log.heads(conversations).await
    }

    async fn find(
        &self,
        conversation: ConversationId,
        sender: UserId,
        client_id: &ClientId,
        base: Seq,
    ) -> Result<Option<Entry>, StoreError> {
        self.log.find(conversation, sender, client_id, base).await
    }

    async fn erase(&self, conversation: ConversationId, seqs: &[Seq]) -> Result<(), StoreError> {
        self.log.erase(conversation, seqs).await
    }
}
