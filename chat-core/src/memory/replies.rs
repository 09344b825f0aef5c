//! Idempotency keys in memory.

use async_trait::async_trait;

use super::state::Shared;
use crate::{
    error::StoreError,
    id::ConversationId,
    model::{Claim, IdempotencyRecord},
    port::{self, ReplyKey},
    time::Timestamp,
};

/// Idempotency keys in memory.
#[derive(Debug)]
pub struct MemoryReplies(pub(super) Shared);

#[async_trait]
impl port::Replies for MemoryReplies {
    async fn claim(
        &self,
        key: &ReplyKey,
        digest: [u8; 32],
        fresh: ConversationId,
        now: Timestamp,
    ) -> Result<Claim, StoreError> {
        let replies = &mut self.0.lock().replies;
        let Some(record) = replies.get_mut(key) else {
            replies.insert(key.clone(), IdempotencyRecord::new(digest, fresh, now));
            return Ok(Claim::Yours(fresh));
        };
        let claim = record.claim(&digest, now);
        if matches!(claim, Claim::Yours(_)) {
            record.claimed_at = now;
        }
        Ok(claim)
    }

    async fn settle(&self, key: &ReplyKey) -> Result<(), StoreError> {
        if let Some(record) = self.0.lock().replies.get_mut(key) {
            record.is_settled = true;
        }
        Ok(())
    }

    async fn release(&self, key: &ReplyKey) -> Result<(), StoreError> {
        let replies = &mut self.0.lock().replies;
        if replies.get(key).is_some_and(|record| !record.is_settled) {
            replies.remove(key);
        }
        Ok(())
    }
}
