//! Idempotency keys and the conversations created under them.

use std::{fmt, sync::Arc};

use async_trait::async_trait;

use crate::{
    error::StoreError,
    id::{ConversationId, UserId},
    model::Claim,
    time::Timestamp,
};

/// A user's idempotency key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ReplyKey {
    /// The user who sent the request.
    pub user: UserId,
    /// The request's `Idempotency-Key`.
    pub key: Arc<str>,
}

/// Stores idempotency keys and the conversations created under them.
#[async_trait]
pub trait Replies: Send + Sync + fmt::Debug {
    /// Claims the key for a request body with this digest, in one atomic step. The first claim
    /// keeps `fresh` as the conversation to create. An unsettled claim can be taken over after
    /// [`crate::limits::REPLY_CLAIM_TTL`]; a settled one is kept for at least
    /// [`crate::limits::REPLY_TTL`]. See [`crate::model::IdempotencyRecord`].
    async fn claim(
        &self,
        key: &ReplyKey,
        digest: [u8; 32],
        fresh: ConversationId,
        now: Timestamp,
    ) -> Result<Claim, StoreError>;

    /// Records that the key's conversation has been created. Idempotent.
    async fn settle(&self, key: &ReplyKey) -> Result<(), StoreError>;

    /// Deletes the key unless it is settled, after the request was refused and created nothing.
    /// Idempotent.
    async fn release(&self, key: &ReplyKey) -> Result<(), StoreError>;
}
