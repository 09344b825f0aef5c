//! Finding a log's head: from a bucket that surely has entries (remembered, the first, or the hint)
//! to the right, for as long as buckets are full.

use chat_core::{
    error::StoreError,
    id::ConversationId,
    model::{Head, Seq},
    time::Timestamp,
};
use scylla::value::CqlTimestamp;

use super::{
    buckets::{column, number},
    store::{Store, corrupt},
};

/// The statics of a bucket as they are stored.
type HeadRow = (
    Option<i64>,
    Option<i64>,
    Option<CqlTimestamp>,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<i64>,
);

/// How a read sees conditional writes in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    /// All that was acknowledged.
    Acknowledged,
    /// All there is, and what is not there will not come; finishes or buries what is in flight.
    Final,
}

/// A stored number that is never negative.
pub(super) fn unsigned(value: i64) -> Result<u64, StoreError> {
    u64::try_from(value).map_err(corrupt)
}

/// A stored number that a row must have.
pub(super) fn seq(value: Option<i64>) -> Result<Seq, StoreError> {
    unsigned(value.ok_or_else(|| corrupt("a row without its seq"))?).map(Seq::new)
}

fn read_head(row: HeadRow) -> Result<Option<Head>, StoreError> {
    let (head, ord, at, text_seq, projected_seq, members, owners) = row;
    if head.is_none() {
        return Ok(None);
    }
    let count = |value: Option<i64>| u32::try_from(value.unwrap_or_default()).map_err(corrupt);
    Ok(Some(Head {
        seq: seq(head)?,
        ord: unsigned(ord.unwrap_or_default())?,
        at: Timestamp::from_millis(at.map_or(0, |at| at.0)),
        text_seq: seq(text_seq)?,
        projected_seq: seq(projected_seq)?,
        members: count(members)?,
        owners: count(owners)?,
    }))
}

impl Store {
    /// The head that a bucket has; `None` where it has no entries.
    pub(super) async fn head_of_bucket(
        &self,
        conversation: ConversationId,
        bucket: u64,
        sight: Sight,
    ) -> Result<Option<Head>, StoreError> {
        let statement = match sight {
            Sight::Acknowledged => &self.statements.head,
            Sight::Final => &self.statements.head_serial,
        };
        let row: Option<HeadRow> =
            self.row(statement, (conversation.as_i64(), column(bucket))).await?;
        let Some(head) = row.map(read_head).transpose()?.flatten() else { return Ok(None) };
        if self.buckets.of_seq(head.seq) != bucket {
            return Err(corrupt(format!("head {:?} is not in bucket {bucket}", head.seq)));
        }
        Ok(Some(head))
    }

    /// The log's head; the default where there is none.
    pub(super) async fn head(
        &self,
        conversation: ConversationId,
        sight: Sight,
    ) -> Result<Head, StoreError> {
        let from = self.known.of(conversation).bucket;
        let Some(mut head) = self.head_of_bucket(conversation, from, sight).await? else {
            return if from == 0 { Ok(Head::default()) } else { Err(lost(conversation, from)) };
        };
        let mut bucket = from;
        if from == 0 && head.seq == self.buckets.end(0) {
            bucket = self.hinted(conversation).await?;
            head = self
                .head_of_bucket(conversation, bucket, sight)
                .await?
                .ok_or_else(|| lost(conversation, bucket))?;
        }
        let hinted = bucket;
        while head.seq == self.buckets.end(bucket) {
            match self.head_of_bucket(conversation, bucket + 1, sight).await? {
                Some(next) => (bucket, head) = (bucket + 1, next),
                None => break,
            }
        }
        if bucket > hinted {
            self.hint(conversation, bucket).await;
        }
        self.known.learn(conversation, |facts| facts.see(bucket, &head));
        Ok(head)
    }

    /// A bucket that surely has entries.
    async fn hinted(&self, conversation: ConversationId) -> Result<u64, StoreError> {
        let row: Option<(Option<i32>,)> =
            self.row(&self.statements.tail, (conversation.as_i64(),)).await?;
        let bucket = row.and_then(|(bucket,)| bucket).unwrap_or_default();
        u64::try_from(bucket).map_err(corrupt)
    }

    /// Keeps a bucket that surely has entries for who looks next; without it the way is longer.
    pub(super) async fn hint(&self, conversation: ConversationId, bucket: u64) {
        let values = (conversation.as_i64(), column(bucket), number(bucket));
        if let Err(error) = self.write(&self.statements.set_tail, values).await {
            tracing::debug!(conversation.id = %conversation, %error, "tail hint not kept");
        }
    }
}

fn lost(conversation: ConversationId, bucket: u64) -> StoreError {
    corrupt(format!("bucket {bucket} of conversation {conversation} had entries and has none"))
}
