//! What was made under an idempotency key.

use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{
    error::StoreError,
    id::ConversationId,
    limits::REPLY_CLAIM_TTL,
    port::{Claim, Replies, ReplyKey},
    time::Timestamp,
};
use fjall::UserKey;

use super::{
    changes::Txn,
    keys,
    spaces::Space,
    store::Shared,
    values::{self, Reply},
};

/// The kept replies of an embedded store.
#[derive(Debug)]
pub(super) struct EmbeddedReplies(pub(super) Arc<Shared>);

fn kept(txn: &Txn<'_>, key: &UserKey) -> Result<Option<Reply>, StoreError> {
    txn.get(Space::Replies, key)?.map(|value| values::read_reply(&value)).transpose()
}

fn put(txn: &mut Txn<'_>, key: UserKey, reply: &Reply) {
    txn.put(Space::Replies, key, values::reply(reply));
}

/// Claims a key: `fresh` is what stands if nobody has it.
fn claim(txn: &mut Txn<'_>, key: UserKey, fresh: &Reply) -> Result<Claim, StoreError> {
    let now = fresh.claimed_at;
    let Some(mut reply) = kept(txn, &key)? else {
        put(txn, key, fresh);
        return Ok(Claim::Yours(fresh.conversation));
    };
    if reply.digest != fresh.digest {
        return Ok(Claim::Differs);
    }
    if reply.is_settled {
        return Ok(Claim::Settled(reply.conversation));
    }
    if now < reply.claimed_at.after(REPLY_CLAIM_TTL) {
        return Ok(Claim::Running);
    }
    reply.claimed_at = now;
    put(txn, key, &reply);
    Ok(Claim::Yours(reply.conversation))
}

#[async_trait]
impl Replies for EmbeddedReplies {
    async fn claim(
        &self,
        key: &ReplyKey,
        digest: [u8; 32],
        fresh: ConversationId,
        now: Timestamp,
    ) -> Result<Claim, StoreError> {
        let key = keys::reply(key);
        let fresh = Reply { digest, conversation: fresh, claimed_at: now, is_settled: false };
        self.0.change(256, move |txn| claim(txn, key, &fresh)).await
    }

    async fn settle(&self, key: &ReplyKey) -> Result<(), StoreError> {
        let key = keys::reply(key);
        self.0
            .change(256, move |txn| {
                if let Some(reply) = kept(txn, &key)?.filter(|reply| !reply.is_settled) {
                    put(txn, key, &Reply { is_settled: true, ..reply });
                }
                Ok(())
            })
            .await
    }

    async fn release(&self, key: &ReplyKey) -> Result<(), StoreError> {
        let key = keys::reply(key);
        self.0
            .change(64, move |txn| {
                if kept(txn, &key)?.is_some_and(|reply| !reply.is_settled) {
                    txn.remove(Space::Replies, key);
                }
                Ok(())
            })
            .await
    }
}
