//! Finds a log's head. The search starts at a bucket that is known to have entries: the watermark
//! in memory, the stored tail, or the first bucket. It goes on while buckets are full.

use chat_core::{error::StoreError, id::ConversationId, model::Head, time::Timestamp};
use scylla::{DeserializeRow, value::CqlTimestamp};

use super::{
    buckets::{bigint, bucket_column},
    rows::{ReadMode, corrupt, read_seq, read_u64},
    store::CqlStore,
};

/// The static columns of a bucket.
#[derive(DeserializeRow)]
struct HeadRow {
    head: Option<i64>,
    head_ord: Option<i64>,
    head_at: Option<CqlTimestamp>,
    text_seq: Option<i64>,
    projected_seq: Option<i64>,
    members: Option<i64>,
    owners: Option<i64>,
}

/// Returns the head of a bucket, or `None` if the bucket has no entries.
fn read_head(row: &HeadRow) -> Result<Option<Head>, StoreError> {
    let Some(head) = row.head else { return Ok(None) };
    let number = |value: Option<i64>| read_u64(value.unwrap_or_default());
    let count = |value: Option<i64>| u32::try_from(value.unwrap_or_default()).map_err(corrupt);
    let incomplete = || corrupt("a head without one of its columns");
    Ok(Some(Head {
        seq: read_seq(head)?,
        ord: number(row.head_ord)?,
        at: Timestamp::from_millis(row.head_at.map_or(0, |at| at.0)),
        text_seq: read_seq(row.text_seq.ok_or_else(incomplete)?)?,
        projected_seq: read_seq(row.projected_seq.ok_or_else(incomplete)?)?,
        members: count(row.members)?,
        owners: count(row.owners)?,
    }))
}

impl CqlStore {
    /// Returns the head stored in a bucket, or `None` if the bucket has no entries.
    pub(super) async fn head_of_bucket(
        &self,
        conversation: ConversationId,
        bucket: u64,
        mode: ReadMode,
    ) -> Result<Option<Head>, StoreError> {
        let statement = match mode {
            ReadMode::Quorum => &self.statements.head,
            ReadMode::Serial => &self.statements.head_serial,
        };
        let row: Option<HeadRow> =
            self.row(statement, (conversation.as_i64(), bucket_column(bucket))).await?;
        let Some(head) = row.as_ref().map(read_head).transpose()?.flatten() else {
            return Ok(None);
        };
        if self.buckets.of_seq(head.seq) != bucket {
            return Err(corrupt(format!("head {:?} is not in bucket {bucket}", head.seq)));
        }
        Ok(Some(head))
    }

    /// Returns the log's head, or the default if the log is empty.
    pub(super) async fn head(
        &self,
        conversation: ConversationId,
        mode: ReadMode,
    ) -> Result<Head, StoreError> {
        let lost = |bucket| {
            corrupt(format!("bucket {bucket} of conversation {conversation} lost its entries"))
        };
        let from = self.watermarks.of(conversation).bucket;
        let Some(mut head) = self.head_of_bucket(conversation, from, mode).await? else {
            return if from == 0 { Ok(Head::default()) } else { Err(lost(from)) };
        };
        let mut bucket = from;
        if from == 0 && head.seq == self.buckets.end(0) {
            let tail: Option<(Option<i32>,)> =
                self.row(&self.statements.tail, (conversation.as_i64(),)).await?;
            let tail = tail.and_then(|(bucket,)| bucket).unwrap_or_default();
            bucket = u64::try_from(tail).map_err(corrupt)?;
            let found = self.head_of_bucket(conversation, bucket, mode).await?;
            head = found.ok_or_else(|| lost(bucket))?;
        }
        let start = bucket;
        while head.seq == self.buckets.end(bucket) {
            match self.head_of_bucket(conversation, bucket + 1, mode).await? {
                Some(next) => {
                    bucket += 1;
                    head = next;
                }
                None => break,
            }
        }
        if bucket > start {
            self.write_tail(conversation, bucket).await;
        }
        self.watermarks.update(conversation, |marks| marks.raise(bucket, &head));
        Ok(head)
    }

    /// Stores a bucket that has entries, where the next search starts. A failure is ignored,
    /// because it only makes that search longer.
    pub(super) async fn write_tail(&self, conversation: ConversationId, bucket: u64) {
        let values = (conversation.as_i64(), bucket_column(bucket), bigint(bucket));
        if let Err(error) = self.write(&self.statements.set_tail, values).await {
            tracing::debug!(conversation.id = %conversation, %error, "log tail was not stored");
        }
    }
}
