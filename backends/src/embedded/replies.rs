//! Idempotency keys and the conversations created under them.
//!
//! Claims remove expired rows: each claim checks the next few rows, round and round. So the number of
//! rows stays near the number of keys of the last day.

use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{
    error::StoreError,
    id::ConversationId,
    model::{Claim, IdempotencyRecord},
    port::{Replies, ReplyKey},
    time::Timestamp,
};
use fjall::UserKey;
use parking_lot::Mutex;

use super::{changes::Txn, keys, spaces::Space, store::Shared};

/// Rows that one claim checks for expiry.
const SWEPT_ROWS: usize = 16;

/// The idempotency keys of an embedded store.
#[derive(Debug)]
pub(super) struct EmbeddedReplies {
    shared: Arc<Shared>,
    /// The key at which the next claim starts to check for expired rows.
    sweep_start: Arc<Mutex<Vec<u8>>>,
}

impl EmbeddedReplies {
    /// Returns the port of this store.
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, sweep_start: Arc::default() }
    }
}

fn get(txn: &Txn<'_>, key: &UserKey) -> Result<Option<IdempotencyRecord>, StoreError> {
    txn.get(Space::Replies, key)
}

/// Claims a key. `fresh` becomes its record if it has none.
fn claim(txn: &mut Txn<'_>, key: UserKey, fresh: &IdempotencyRecord) -> Result<Claim, StoreError> {
    let Some(record) = get(txn, &key)? else {
        txn.put(Space::Replies, key, fresh);
        return Ok(Claim::Yours(fresh.conversation));
    };
    let claim = record.claim(&fresh.digest, fresh.claimed_at);
    if let Claim::Yours(_) = claim {
        let claimed_at = fresh.claimed_at;
        txn.put(Space::Replies, key, &IdempotencyRecord { claimed_at, ..record });
    }
    Ok(claim)
}

/// Removes expired rows among the next few from `start` on. Returns the start of the next sweep.
fn sweep(txn: &mut Txn<'_>, start: Vec<u8>, now: Timestamp) -> Result<Vec<u8>, StoreError> {
    let rows =
        txn.committed_range(Space::Replies, start..=keys::REPLIES_END.to_vec(), SWEPT_ROWS)?;
    for (key, _) in &rows {
        // Reads through the transaction, to see a claim of this batch. An unreadable row is left to
        // fail the next claim of its key.
        if matches!(get(txn, key), Ok(Some(record)) if record.has_expired(now)) {
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
        let sweep_start = self.sweep_start.clone();
        self.shared
            .change(256, move |txn| {
                let claim = claim(txn, key, &fresh)?;
                let mut start = sweep_start.lock();
                *start = sweep(txn, std::mem::take(&mut start), now)?;
                Ok(claim)
            })
            .await
    }

    async fn settle(&self, key: &ReplyKey) -> Result<(), StoreError> {
        let key = keys::reply(key);
        self.shared
            .change(256, move |txn| {
                if let Some(record) = get(txn, &key)?.filter(|record| !record.is_settled) {
                    let settled = IdempotencyRecord { is_settled: true, ..record };
                    txn.put(Space::Replies, key, &settled);
                }
                Ok(())
            })
            .await
    }

    async fn release(&self, key: &ReplyKey) -> Result<(), StoreError> {
        let key = keys::reply(key);
        self.shared
            .change(64, move |txn| {
                if get(txn, &key)?.is_some_and(|record| !record.is_settled) {
                    txn.remove(Space::Replies, key);
                }
                Ok(())
            })
            .await
    }
}
