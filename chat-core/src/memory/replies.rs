//! Idempotency keys in memory.

use std::collections::HashMap;

use async_trait::async_trait;

use super::stores::Shared;
use crate::{
    error::StoreError,
    id::ConversationId,
    limits::REPLY_CLAIM_TTL,
    port::{self, Claim, ReplyKey},
    time::Timestamp,
};

pub(super) type Replies = HashMap<ReplyKey, Kept>;

/// What stands under a key.
pub(super) struct Kept {
    digest: [u8; 32],
    conversation: ConversationId,
    claimed_at: Timestamp,
    is_settled: bool,
}

impl Kept {
    fn claim(&mut self, digest: [u8; 32], now: Timestamp) -> Claim {
        if self.digest != digest {
            return Claim::Differs;
        }
        if self.is_settled {
            return Claim::Settled(self.conversation);
        }
        if now < self.claimed_at.after(REPLY_CLAIM_TTL) {
            return Claim::Running;
        }
        self.claimed_at = now;
        Claim::Yours(self.conversation)
    }
}

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
        if let Some(kept) = replies.get_mut(key) {
            return Ok(kept.claim(digest, now));
        }
        let kept = Kept { digest, conversation: fresh, claimed_at: now, is_settled: false };
        replies.insert(key.clone(), kept);
        Ok(Claim::Yours(fresh))
    }

    async fn settle(&self, key: &ReplyKey) -> Result<(), StoreError> {
        if let Some(kept) = self.0.lock().replies.get_mut(key) {
            kept.is_settled = true;
        }
        Ok(())
    }

    async fn release(&self, key: &ReplyKey) -> Result<(), StoreError> {
        let replies = &mut self.0.lock().replies;
        if replies.get(key).is_some_and(|kept| !kept.is_settled) {
            replies.remove(key);
        }
        Ok(())
    }
}
