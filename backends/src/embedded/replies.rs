//! What was made under an idempotency key.
//!
//! A row that has outlived its time is removed by the claims of others: each looks at the next few
//! rows, round and round, so that there are never many more rows than keys of the last day.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use chat_core::{
    error::StoreError,
    id::ConversationId,
    model::{Claim, IdempotencyRecord},
    port::{Replies, ReplyKey},
    time::Timestamp,
};
use fjall::UserKey;

use super::{changes::Txn, keys, spaces::Space, store::Shared, values};

/// Rows that one claim looks at to see whether their time is over.
const SWEPT_ROWS: usize = 16;

/// The kept replies of an embedded store.
#[derive(Debug)]
pub(super) struct EmbeddedReplies {
    shared: Arc<Shared>,
    /// Where the next claim begins to look.
    next: Arc<Mutex<Vec<u8>>>,
}

impl EmbeddedReplies {
    /// Those of this store.
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, next: Arc::default() }
    }
}

fn kept(txn: &Txn<'_>, key: &UserKey) -> Result<Option<IdempotencyRecord>, StoreError> {
    txn.get(Space::Replies, key)?.map(|value| values::read_reply(&value)).transpose()
}

fn put(txn: &mut Txn<'_>, key: UserKey, reply: &IdempotencyRecord) {
    txn.put(Space::Replies, key, values::reply(reply));
}

/// Claims a key. `fresh` becomes its record if it has none.
fn claim(txn: &mut Txn<'_>, key: UserKey, fresh: &IdempotencyRecord) -> Result<Claim, StoreError> {
    let Some(record) = kept(txn, &key)? else {
        put(txn, key, fresh);
        return Ok(Claim::Yours(fresh.conversation));
    };
    let claim = record.claim(&fresh.digest, fresh.claimed_at);
    if matches!(claim, Claim::Yours(_)) {
        put(txn, key, &IdempotencyRecord { claimed_at: fresh.claimed_at, ..record });
    }
    Ok(claim)
}

/// Removes what is over among the rows from `next` on; where the next ones begin.
fn sweep(txn: &mut Txn<'_>, next: Vec<u8>, now: Timestamp) -> Result<Vec<u8>, StoreError> {
    let rows =
        txn.committed_range(Space::Replies, next..=keys::REPLIES_END.to_vec(), SWEPT_ROWS)?;
    // Of a key that is claimed right now this sees what the claim wrote. A row that cannot be read is
    // for whoever claims it to hear of.
    for (key, _) in &rows {
        if matches!(kept(txn, key), Ok(Some(reply)) if reply.has_expired(now)) {
            txn.remove(Space::Replies, key.clone());
        }
    }
    let last = rows.last().filter(|_| rows.len() == SWEPT_ROWS);
    Ok(last.map(|(key, _)| [key, &[0][..]].concat()).unwrap_or_default())
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
        let fresh = IdempotencyRecord::new(digest, fresh, now);
        let next = self.next.clone();
        let change = move |txn: &mut Txn<'_>| {
            let claim = claim(txn, key, &fresh)?;
            let mut next = next.lock().unwrap_or_else(PoisonError::into_inner);
            *next = sweep(txn, std::mem::take(&mut next), now)?;
            Ok(claim)
        };
        self.shared.change(256, change).await
    }

    async fn settle(&self, key: &ReplyKey) -> Result<(), StoreError> {
        let key = keys::reply(key);
        self.shared
            .change(256, move |txn| {
                if let Some(reply) = kept(txn, &key)?.filter(|reply| !reply.is_settled) {
                    put(txn, key, &IdempotencyRecord { is_settled: true, ..reply });
                }
                Ok(())
            })
            .await
    }

    async fn release(&self, key: &ReplyKey) -> Result<(), StoreError> {
        let key = keys::reply(key);
        self.shared
            .change(64, move |txn| {
                if kept(txn, &key)?.is_some_and(|reply| !reply.is_settled) {
                    txn.remove(Space::Replies, key);
                }
                Ok(())
            })
            .await
    }
}
