//! Idempotency keys whose calls follow a test's instructions.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Call, Faults};
use crate::{
    error::StoreError,
    id::ConversationId,
    model::Claim,
    port::{Replies, ReplyKey},
    time::Timestamp,
};

#[derive(Debug)]
pub(super) struct FaultyReplies {
    pub(super) inner: Arc<dyn Replies>,
    pub(super) faults: Arc<Faults>,
}

#[async_trait]
impl Replies for FaultyReplies {
    async fn claim(
        &self,
        key: &ReplyKey,
        digest: [u8; 32],
        fresh: ConversationId,
        now: Timestamp,
    ) -> Result<Claim, StoreError> {
        self.faults.run(Call::ClaimKey, self.inner.claim(key, digest, fresh, now)).await
    }

    async fn settle(&self, key: &ReplyKey) -> Result<(), StoreError> {
        self.faults.run(Call::SettleKey, self.inner.settle(key)).await
    }

    async fn release(&self, key: &ReplyKey) -> Result<(), StoreError> {
        self.faults.run(Call::ReleaseKey, self.inner.release(key)).await
    }
}
