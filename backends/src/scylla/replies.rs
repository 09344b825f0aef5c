//! Answers under idempotency keys: one row, changed by conditional writes on what was read of it.

use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{
    error::StoreError,
    id::ConversationId,
    limits::{REPLY_CLAIM_TTL, REPLY_TTL},
    port::{Claim, Replies, ReplyKey},
    time::Timestamp,
};

use super::{
    deed::Deed,
    store::{Decided, Store, TRIES_MAX, corrupt},
};

/// Answers in a CQL store.
#[derive(Debug)]
pub(super) struct ScyllaReplies(pub(super) Arc<Store>);

/// How long the store keeps a row: the time of an answer, and as much again for clocks that differ.
fn ttl() -> i32 {
    i32::try_from((REPLY_TTL * 2).as_secs()).unwrap_or(i32::MAX)
}

type ReplyRow = (Option<Vec<u8>>, Option<i64>, Option<i64>, Option<bool>);

/// What is kept under a key.
#[derive(Debug, Clone)]
struct Kept {
    digest: Vec<u8>,
    conversation: ConversationId,
    claimed_at: Timestamp,
    is_settled: bool,
}

fn read_kept((digest, conversation, claimed_at, settled): ReplyRow) -> Result<Kept, StoreError> {
    let incomplete = || corrupt("a reply without one of its columns");
    Ok(Kept {
        digest: digest.ok_or_else(incomplete)?,
        conversation: conversation.and_then(ConversationId::from_i64).ok_or_else(incomplete)?,
        claimed_at: Timestamp::from_millis(claimed_at.ok_or_else(incomplete)?),
        is_settled: settled.unwrap_or_default(),
    })
}

impl Kept {
    /// What a claim that finds this is answered; `None` where it may be taken over.
    fn answer(&self, digest: &[u8], now: Timestamp) -> Option<Claim> {
        if self.digest != digest {
            return Some(Claim::Differs);
        }
        if self.is_settled {
            return Some(Claim::Settled(self.conversation));
        }
        (now < self.claimed_at.after(REPLY_CLAIM_TTL)).then_some(Claim::Running)
    }
}

impl Store {
    async fn kept(&self, key: &ReplyKey) -> Result<Option<Kept>, StoreError> {
        let values = (key.user.as_i64(), &*key.key);
        let row: Option<ReplyRow> = self.row(&self.statements.reply_serial, values).await?;
        row.map(read_kept).transpose()
    }

    async fn claim_reply(
        &self,
        key: &ReplyKey,
        digest: [u8; 32],
        fresh: ConversationId,
        now: Timestamp,
        deed: &Deed,
    ) -> Result<Claim, StoreError> {
        self.tenure.check()?;
        let mut tried = None;
        for _ in 0..TRIES_MAX {
            let (decided, conversation) = match self.kept(key).await? {
                None => (self.first_claim(key, &digest, fresh, now, deed).await?, fresh),
                // What a try without an answer was to write is there.
                Some(kept) if tried == Some(kept.conversation) && kept.claimed_at == now => {
                    return Ok(Claim::Yours(kept.conversation));
                }
                Some(kept) => match kept.answer(&digest, now) {
                    Some(answer) => return Ok(answer),
                    None => (self.take_over(key, &kept, now, deed).await?, kept.conversation),
                },
            };
            match decided {
                Decided::Applied => return Ok(Claim::Yours(conversation)),
                Decided::Refused => {}
                Decided::Unknown { .. } => tried = Some(conversation),
            }
        }
        Err(deed.undecided())
    }

    async fn first_claim(
        &self,
        key: &ReplyKey,
        digest: &[u8],
        fresh: ConversationId,
        now: Timestamp,
        deed: &Deed,
    ) -> Result<Decided, StoreError> {
        let values = (key.user.as_i64(), &*key.key, digest, fresh.as_i64(), now.as_millis(), ttl());
        self.decide(deed, &self.statements.claim_reply, values).await
    }

    async fn take_over(
        &self,
        key: &ReplyKey,
        kept: &Kept,
        now: Timestamp,
        deed: &Deed,
    ) -> Result<Decided, StoreError> {
        let values = (
            ttl(),
            &kept.digest,
            kept.conversation.as_i64(),
            now.as_millis(),
            key.user.as_i64(),
            &*key.key,
            kept.claimed_at.as_millis(),
        );
        self.decide(deed, &self.statements.take_over_reply, values).await
    }

    async fn settle_reply(&self, key: &ReplyKey, deed: &Deed) -> Result<(), StoreError> {
        for _ in 0..TRIES_MAX {
            let Some(kept) = self.kept(key).await?.filter(|kept| !kept.is_settled) else {
                return Ok(());
            };
            let conversation = kept.conversation.as_i64();
            let values = (
                ttl(),
                &kept.digest,
                conversation,
                kept.claimed_at.as_millis(),
                key.user.as_i64(),
                &*key.key,
                conversation,
            );
            match self.decide(deed, &self.statements.settle_reply, values).await? {
                Decided::Applied => return Ok(()),
                Decided::Refused | Decided::Unknown { .. } => {}
            }
        }
        Err(deed.undecided())
    }

    async fn release_reply(&self, key: &ReplyKey, deed: &Deed) -> Result<(), StoreError> {
        let Some(first) = self.kept(key).await? else { return Ok(()) };
        for _ in 0..TRIES_MAX {
            let values = (key.user.as_i64(), &*key.key, first.conversation.as_i64());
            match self.decide(deed, &self.statements.release_reply, values).await? {
                Decided::Applied | Decided::Refused => return Ok(()),
                Decided::Unknown { .. } => {}
            }
        }
        Err(deed.undecided())
    }
}

#[async_trait]
impl Replies for ScyllaReplies {
    async fn claim(
        &self,
        key: &ReplyKey,
        digest: [u8; 32],
        fresh: ConversationId,
        now: Timestamp,
    ) -> Result<Claim, StoreError> {
        let deed = Deed::default();
        let claim = self.0.claim_reply(key, digest, fresh, now, &deed);
        self.0.settled_in_time(&deed, claim).await
    }

    async fn settle(&self, key: &ReplyKey) -> Result<(), StoreError> {
        let deed = Deed::default();
        self.0.settled_in_time(&deed, self.0.settle_reply(key, &deed)).await
    }

    async fn release(&self, key: &ReplyKey) -> Result<(), StoreError> {
        let deed = Deed::default();
        self.0.settled_in_time(&deed, self.0.release_reply(key, &deed)).await
    }
}
