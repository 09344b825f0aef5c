//! Appends: one conditional batch on one partition, and the reads that settle its outcome.
//!
//! ```text
//! UPDATE log SET head = :new, … IF head = :old             the only condition on a column
//! INSERT INTO log (part 0, seq, …)                         for each entry
//! INSERT INTO log (part 1, sender ++ client id) IF NOT EXISTS
//! ```
//! - A batch stays in one bucket. Idempotency keys in older buckets are looked up before it. That
//!   lookup is final, because sealed buckets never change. A bucket is sealed once a serial read
//!   has seen it full. That read also settles the bucket's last append, so quorum reads of the
//!   bucket suffice from then on. All buckets before a sealed one are sealed, too.
//! - The first batch of a bucket has no head to be conditional on, only that the bucket is empty.
//!   It is sent only when the bucket before is sealed.
//! - After an unknown outcome, a serial read shows which entry stands at the batch's place, and
//!   completes or discards what is in flight in the partition. A refused batch has done the same.
//!   Quorum reads then find existing keys and the head. Entry ids are unique, so the same batch may
//!   be sent again while its outcome is unknown.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chat_core::{
    error::StoreError,
    id::{ConversationId, UserId},
    model::{ClientId, Entry, Head, Seq},
    port::{Append, Appended},
    versioned,
};
use scylla::{
    serialize::{
        SerializationError,
        row::{RowSerializationContext, SerializeRow},
        writers::RowWriter,
    },
    statement::prepared::PreparedStatement,
    value::CqlTimestamp,
};

use super::{
    buckets::{bigint, bucket_column},
    rows::{ReadMode, corrupt, read_u64},
    settle::{Attempted, Look, Settled, settle},
    store::{CqlStore, join_bounded},
    unknown_appends::{count_settled, count_unknown},
};

/// The stored form of an idempotency key.
pub(super) fn key_column(sender: UserId, client_id: &ClientId) -> Vec<u8> {
    [&sender.get().to_be_bytes(), client_id.as_str().as_bytes()].concat()
}

/// The idempotency keys of an append, each with the index of its entry and the base of its command.
type Keys = BTreeMap<Vec<u8>, (usize, Seq)>;

/// Head, ord, time, `text_seq`, `projected_seq`, members, owners, bucket, required old head.
type HeadRow = (i64, i64, CqlTimestamp, i64, i64, i64, i64, i64, i32, Option<i64>);
/// Bucket, seq, id, sender, client id, kind, time, ord, body.
type EntryRow = (i64, i32, i64, i64, i64, Option<String>, i8, CqlTimestamp, i64, Vec<u8>);

/// The values of one statement of the batch.
enum Values {
    Head(HeadRow),
    Entry(EntryRow),
    Key((i64, i32, Vec<u8>, i64)),
}

impl SerializeRow for Values {
    fn serialize(
        &self,
        ctx: &RowSerializationContext<'_>,
        writer: &mut RowWriter<'_>,
    ) -> Result<(), SerializationError> {
        match self {
            Self::Head(values) => values.serialize(ctx, writer),
            Self::Entry(values) => values.serialize(ctx, writer),
            Self::Key(values) => values.serialize(ctx, writer),
        }
    }

    fn is_empty(&self) -> bool {
        false
    }
}

impl CqlStore {
    /// [`chat_core::port::Log::append`].
    pub(super) async fn append(
        self: &Arc<Self>,
        append: Append<'_>,
    ) -> Result<Appended, StoreError> {
        self.check_ids().await?;
        let count = append.entries.len() as u64;
        if count == 0 || count > self.buckets.room(append.after) {
            return Err(StoreError::Unavailable("append crosses the edge of a bucket".to_owned()));
        }
        let deadline = self.deadline();
        let mut keys = Keys::new();
        for (index, (entry, base)) in append.entries.iter().zip(append.bases).enumerate() {
            if let Some(client_id) = &entry.client_id {
                keys.insert(key_column(entry.sender, client_id), (index, *base));
            }
        }
        let older = self.check_older_buckets(&append, &keys);
        if let Some(answer) = self.until(deadline, older).await? {
            return Ok(answer);
        }
        let (statements, values) = self.batch(&append);
        let settled = settle(
            deadline,
            Some(()),
            async |()| {
                let attempted = self.write_batch_if(statements.clone(), &values[..]).await;
                if matches!(attempted, Ok(Attempted::Unknown { .. })) {
                    count_unknown();
                }
                attempted
            },
            async |attempts| {
                let found = self.look(&append, &keys, attempts.unknown.is_some()).await?;
                if attempts.is_latest_unknown {
                    count_settled(matches!(found, Look::Applied(())));
                }
                Ok(found)
            },
        );
        match settled.await? {
            Settled::Applied(()) => {
                self.remember(&append);
                Ok(Appended::Done)
            }
            Settled::NotApplied(answer) => Ok(answer),
            Settled::Unknown(detail) => {
                self.unknown_appends.add(append.conversation);
                Err(StoreError::Unknown(detail))
            }
        }
    }

    /// Checks the buckets before the append's own. Returns the answer if they decide the append:
    /// the bucket before is not full, or one of the keys is in an older bucket.
    async fn check_older_buckets(
        self: &Arc<Self>,
        append: &Append<'_>,
        keys: &Keys,
    ) -> Result<Option<Appended>, StoreError> {
        let conversation = append.conversation;
        let bucket = self.buckets.of_seq(append.after.next());
        let Some(previous) = bucket.checked_sub(1) else { return Ok(None) };
        if self.watermarks.of(conversation).sealed <= previous {
            let head = self.head_of_bucket(conversation, previous, ReadMode::Serial).await?;
            if head.is_none_or(|head| head.seq != self.buckets.end(previous)) {
                let head = self.head(conversation, ReadMode::Serial).await?;
                return Ok(Some(Appended::Moved { head }));
            }
            self.watermarks.update(conversation, |marks| marks.sealed = marks.sealed.max(bucket));
        }
        let mut keys_by_bucket: BTreeMap<u64, BTreeSet<&[u8]>> = BTreeMap::new();
        for (key, (_, base)) in keys {
            for older in self.buckets.of_seq(base.next()).min(previous)..bucket {
                keys_by_bucket.entry(older).or_default().insert(key);
            }
        }
        let lookups = keys_by_bucket.into_iter().map(async |(older, keys)| {
            let keys: Vec<_> = keys.into_iter().collect();
            self.find_keys(conversation, older, &keys, ReadMode::Quorum).await
        });
        let found = join_bounded(lookups.collect()).await?;
        let mut found: BTreeMap<_, _> = found.into_iter().flatten().collect();
        if found.is_empty() {
            return Ok(None);
        }
        let all: Vec<&[u8]> = keys.keys().map(Vec::as_slice).collect();
        found.extend(self.find_keys(conversation, bucket, &all, ReadMode::Serial).await?);
        self.duplicate(conversation, keys, found).await.map(Some)
    }

    /// Returns which of these keys are in a bucket, each with the seq of its entry.
    pub(super) async fn find_keys(
        &self,
        conversation: ConversationId,
        bucket: u64,
        keys: &[&[u8]],
        mode: ReadMode,
    ) -> Result<Vec<(Vec<u8>, Seq)>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let statement = match mode {
            ReadMode::Quorum => &self.statements.keys,
            ReadMode::Serial => &self.statements.keys_serial,
        };
        let rows: Vec<(Vec<u8>, i64)> =
            self.rows(statement, (conversation.as_i64(), bucket_column(bucket), keys)).await?;
        rows.into_iter().map(|(key, seq)| Ok((key, Seq::new(read_u64(seq)?)))).collect()
    }

    async fn duplicate(
        self: &Arc<Self>,
        conversation: ConversationId,
        keys: &Keys,
        found: BTreeMap<Vec<u8>, Seq>,
    ) -> Result<Appended, StoreError> {
        let mut entries = Vec::with_capacity(found.len());
        for (key, seq) in found {
            let (index, _) =
                keys.get(&key).ok_or_else(|| corrupt("a key that was not looked up"))?;
            entries.push((*index, self.entry(conversation, seq).await?));
        }
        entries.sort_unstable_by_key(|(index, _)| *index);
        Ok(Appended::Duplicate { entries })
    }

    fn batch(&self, append: &Append<'_>) -> (Vec<PreparedStatement>, Vec<Values>) {
        let bucket = bucket_column(self.buckets.of_seq(append.after.next()));
        let conversation = append.conversation.as_i64();
        let is_first = self.buckets.room(append.after) == self.buckets.room(Seq::ZERO);
        let old_head = (!is_first).then(|| bigint(append.after.get()));
        let mut statements = vec![self.statements.append_head.clone()];
        let mut values = vec![head_values(append.head, conversation, bucket, old_head)];
        for entry in append.entries {
            statements.push(self.statements.append_entry.clone());
            values.push(entry_values(entry, conversation, bucket));
            if let Some(client_id) = &entry.client_id {
                let key = key_column(entry.sender, client_id);
                statements.push(self.statements.append_key.clone());
                values.push(Values::Key((conversation, bucket, key, bigint(entry.seq.get()))));
            }
        }
        (statements, values)
    }

    /// Finds out what became of a batch. If an attempt `may_be_applied`, a serial read of the
    /// batch's place shows it. By then we know whether it was applied; the reads after that find
    /// out why not.
    async fn look(
        self: &Arc<Self>,
        append: &Append<'_>,
        keys: &Keys,
        may_be_applied: bool,
    ) -> Result<Look<(), Appended>, StoreError> {
        let conversation = append.conversation;
        let first = append.after.next();
        if may_be_applied {
            let stored = self.entry_serial(conversation, first).await?;
            if stored.is_some_and(|entry| entry.id == append.entries[0].id) {
                return Ok(Look::Applied(()));
            }
        }
        let all: Vec<&[u8]> = keys.keys().map(Vec::as_slice).collect();
        let bucket = self.buckets.of_seq(first);
        let (found, head) = futures_util::future::try_join(
            self.find_keys(conversation, bucket, &all, ReadMode::Quorum),
            self.head(conversation, ReadMode::Quorum),
        )
        .await?;
        if !found.is_empty() {
            let found = found.into_iter().collect();
            return self.duplicate(conversation, keys, found).await.map(Look::NotApplied);
        }
        if head.seq == append.after {
            return Ok(Look::Attempt(()));
        }
        Ok(Look::NotApplied(Appended::Moved { head }))
    }

    /// Raises the watermarks to an append that is stored. The first append of a bucket also stores
    /// the log's tail.
    fn remember(self: &Arc<Self>, append: &Append<'_>) {
        let conversation = append.conversation;
        let bucket = self.buckets.of_seq(append.after.next());
        self.watermarks.update(conversation, |marks| marks.raise(bucket, &append.head));
        if bucket > 0 && self.buckets.of_seq(append.after) != bucket {
            let store = self.clone();
            self.tasks.spawn(async move { store.write_tail(conversation, bucket).await });
        }
    }
}

fn head_values(head: Head, conversation: i64, bucket: i32, old_head: Option<i64>) -> Values {
    Values::Head((
        bigint(head.seq.get()),
        bigint(head.ord),
        CqlTimestamp(head.at.as_millis()),
        bigint(head.text_seq.get()),
        bigint(head.projected_seq.get()),
        i64::from(head.members),
        i64::from(head.owners),
        conversation,
        bucket,
        old_head,
    ))
}

fn entry_values(entry: &Entry, conversation: i64, bucket: i32) -> Values {
    Values::Entry((
        conversation,
        bucket,
        bigint(entry.seq.get()),
        entry.id.as_i64(),
        entry.sender.as_i64(),
        entry.client_id.as_ref().map(|id| id.as_str().to_owned()),
        entry.body.kind().cast_signed(),
        CqlTimestamp(entry.at.as_millis()),
        bigint(entry.ord),
        versioned::encode(&entry.body),
    ))
}
