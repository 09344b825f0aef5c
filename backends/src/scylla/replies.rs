//! Idempotency keys: one row each, changed only by conditional writes on what was read of it.

use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{
    error::StoreError,
    id::ConversationId,
    limits::REPLY_TTL,
    model::{Claim, IdempotencyRecord},
    port::{Replies, ReplyKey},
    time::Timestamp,
};
use scylla::DeserializeRow;

use super::{
    rows::corrupt,
    settle::{Look, Settled, settle},
    store::CqlStore,
};

/// Idempotency keys in a CQL store.
#[derive(Debug)]
pub(super) struct ScyllaReplies(pub(super) Arc<CqlStore>);

/// Returns the seconds after which the store drops a row: twice the time that a settled key is
/// kept, because clocks differ.
fn ttl() -> i32 {
    i32::try_from((REPLY_TTL * 2).as_secs()).unwrap_or(i32::MAX)
}

#[derive(DeserializeRow)]
struct ReplyRow {
    digest: Vec<u8>,
    conversation: i64,
    claimed_at: i64,
    settled: bool,
}

fn read_record(row: ReplyRow) -> Result<IdempotencyRecord, StoreError> {
    let conversation = ConversationId::from_i64(row.conversation);
    Ok(IdempotencyRecord {
        digest: row.digest.try_into().map_err(|_| corrupt("a digest of another length"))?,
        conversation: conversation.ok_or_else(|| corrupt("a key without a conversation"))?,
        claimed_at: Timestamp::from_millis(row.claimed_at),
        is_settled: row.settled,
    })
}

impl CqlStore {
    async fn key_record(&self, key: &ReplyKey) -> Result<Option<IdempotencyRecord>, StoreError> {
        let values = (key.user.as_i64(), &*key.key);
        let row: Option<ReplyRow> = self.row(&self.statements.reply_serial, values).await?;
        row.map(read_record).transpose()
    }
}

/// A write that makes a key the caller's.
#[derive(Clone)]
enum ClaimWrite {
    /// Nobody has claimed the key.
    First,
    /// This claim has expired.
    TakeOver(IdempotencyRecord),
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
        let store = &self.0;
        store.check_ids().await?;
        let conversation = |write: &ClaimWrite| match write {
            ClaimWrite::First => fresh,
            ClaimWrite::TakeOver(expired) => expired.conversation,
        };
        let claimed = settle(
            store.deadline(),
            None,
            async |write: ClaimWrite| match write {
                ClaimWrite::First => {
                    let user = key.user.as_i64();
                    let key = &*key.key;
                    let values = (user, key, &digest[..], fresh.as_i64(), now.as_millis(), ttl());
                    store.write_if(&store.statements.claim_reply, values).await
                }
                ClaimWrite::TakeOver(expired) => {
                    let values = (
                        ttl(),
                        &expired.digest[..],
                        expired.conversation.as_i64(),
                        now.as_millis(),
                        key.user.as_i64(),
                        &*key.key,
                        expired.claimed_at.as_millis(),
                    );
                    store.write_if(&store.statements.take_over_reply, values).await
                }
            },
            async |attempts| {
                let Some(record) = store.key_record(key).await? else {
                    return Ok(Look::Attempt(ClaimWrite::First));
                };
                if let Some(write) = &attempts.unknown
                    && (record.conversation, record.claimed_at) == (conversation(write), now)
                {
                    return Ok(Look::Applied(write.clone()));
                }
                Ok(match record.claim(&digest, now) {
                    Claim::Yours(_) => Look::Attempt(ClaimWrite::TakeOver(record)),
                    answer @ (Claim::Running | Claim::Settled(_) | Claim::Differs) => {
                        Look::NotApplied(answer)
                    }
                })
            },
        );
        match claimed.await? {
            Settled::Applied(write) => Ok(Claim::Yours(conversation(&write))),
            Settled::NotApplied(answer) => Ok(answer),
            Settled::Unknown(detail) => Err(StoreError::Unknown(detail)),
        }
    }

    async fn settle(&self, key: &ReplyKey) -> Result<(), StoreError> {
        let store = &self.0;
        let marked = settle(
            store.deadline(),
            None,
            async |record: IdempotencyRecord| {
                let conversation = record.conversation.as_i64();
                let values = (
                    ttl(),
                    &record.digest[..],
                    conversation,
                    record.claimed_at.as_millis(),
                    key.user.as_i64(),
                    &*key.key,
                    conversation,
                );
                store.write_if(&store.statements.settle_reply, values).await
            },
            async |_| {
                Ok(match store.key_record(key).await? {
                    Some(record) if !record.is_settled => Look::Attempt(record),
                    _ => Look::NotApplied(()),
                })
            },
        );
        match marked.await? {
            Settled::Applied(_) | Settled::NotApplied(()) => Ok(()),
            Settled::Unknown(detail) => Err(StoreError::Unknown(detail)),
        }
    }

    async fn release(&self, key: &ReplyKey) -> Result<(), StoreError> {
        let store = &self.0;
        let deadline = store.deadline();
        let Some(first) = store.until(deadline, store.key_record(key)).await? else {
            return Ok(());
        };
        let released = settle(
            deadline,
            Some(()),
            async |()| {
                let values = (key.user.as_i64(), &*key.key, first.conversation.as_i64());
                store.write_if(&store.statements.release_reply, values).await
            },
            async |_| {
                Ok(match store.key_record(key).await? {
                    // A later claim of the same key is not released.
                    Some(record)
                        if record.conversation == first.conversation && !record.is_settled =>
                    {
                        Look::Attempt(())
                    }
                    _ => Look::NotApplied(()),
                })
            },
        );
        match released.await? {
            Settled::Applied(()) | Settled::NotApplied(()) => Ok(()),
            Settled::Unknown(detail) => Err(StoreError::Unknown(detail)),
        }
    }
}
