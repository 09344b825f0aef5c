//! What was made under an idempotency key.

use std::{fmt, sync::Arc};

use async_trait::async_trait;

use crate::{
    error::StoreError,
    id::{ConversationId, UserId},
    time::Timestamp,
};

/// A user's own name for a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ReplyKey {
    /// Whose.
    pub user: UserId,
    /// The name.
    pub key: Arc<str>,
}

/// What a claim of an idempotency key found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// The key is the caller's now: go on and make this conversation (the caller's own at the first
    /// claim; the first one's where that claim ran out unsettled, so that nothing is made twice).
    Yours(ConversationId),
    /// Another request holds the key.
    Running,
    /// It was made.
    Settled(ConversationId),
    /// The key stands for another body.
    Differs,
}

/// What was made under an idempotency key.
#[async_trait]
pub trait Replies: Send + Sync + fmt::Debug {
    /// Claims the key for a body with this digest, in one atomic step. An unsettled claim runs out
    /// after [`crate::limits::REPLY_CLAIM_TTL`], a settled one is kept for
    /// [`crate::limits::REPLY_TTL`] at least.
    async fn claim(
        &self,
        key: &ReplyKey,
        digest: [u8; 32],
        fresh: ConversationId,
        now: Timestamp,
    ) -> Result<Claim, StoreError>;

    /// Marks the key's conversation as made. Idempotent.
    async fn settle(&self, key: &ReplyKey) -> Result<(), StoreError>;

    /// Gives an unsettled key back: the request was refused and nothing was made. Idempotent.
    async fn release(&self, key: &ReplyKey) -> Result<(), StoreError>;
}
