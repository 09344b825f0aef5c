//! The append: one conditional batch on one partition, and the reads that make its outcome known.
//!
//! ```text
//! UPDATE log SET head = :new, … IF head = :old             the only condition on a column
//! INSERT INTO log (part 0, seq, …)                         for each entry
//! INSERT INTO log (part 1, sender ++ client id) IF NOT EXISTS
//! ```
//! - A batch stays in one bucket. Keys in older buckets are looked up before it: sealed buckets
//!   never change, so that this look-up is final. A bucket counts as sealed here once a serial read
//!   has seen it full, which also settles its last batch; from then on plain reads of it do. Those
//!   before it have a successor, whose first batch waited for just that.
//! - The first batch of a bucket has nothing to be conditional on but that the bucket is empty: it
//!   is sent only when the one before is sealed.
//! - Unknown, one serial read tells whose entry stands at the place, and finishes or buries what is
//!   in flight in its partition; a refusal comes of a read that does so as well. Then plain reads see
//!   which keys are there, and the head. Entry ids are unique, so that the same batch may be sent
//!   again while its outcome is open.

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
    buckets::{column, number},
    heads::{Sight, unsigned},
    settle::{Attempted, Look, Settled, settle},
    store::{Store, corrupt, together},
};

/// The key of an idempotency row.
pub(super) fn key(sender: UserId, client_id: &ClientId) -> Vec<u8> {
    [&sender.get().to_be_bytes(), client_id.as_str().as_bytes()].concat()
}

/// Keys of an append, with the place of their entry and the base of their command.
type Keys = BTreeMap<Vec<u8>, (usize, Seq)>;

fn keys(append: &Append<'_>) -> Keys {
    let places = append.entries.iter().zip(append.bases).enumerate();
    places
        .filter_map(|(at, (entry, base))| {
            let client_id = entry.client_id.as_ref()?;
            Some((key(entry.sender, client_id), (at, *base)))
        })
        .collect()
}

/// The new head and its running values, the bucket, and the head that it must have.
type HeadRow = (i64, i64, CqlTimestamp, i64, i64, i64, i64, i64, i32, Option<i64>);
/// The bucket and the entry.
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

impl Store {
    /// [`chat_core::port::Log::append`].
    pub(super) async fn append(
        self: &Arc<Self>,
        append: Append<'_>,
    ) -> Result<Appended, StoreError> {
        self.tenure.check()?;
        let count = append.entries.len() as u64;
        if count == 0 || count > self.buckets.room(append.after) {
            return Err(StoreError::Unavailable("crosses a bucket".to_owned()));
        }
        let deadline = self.deadline();
        let keys = keys(&append);
        if let Some(answer) = self.until(deadline, self.before(&append, &keys)).await? {
            return Ok(answer);
        }
        let (statements, values) = self.batch(&append);
        let settled = settle(
            deadline,
            Some(()),
            async |()| {
                let attempted = self.write_batch_if(statements.clone(), &values[..]).await;
                if matches!(attempted, Ok(Attempted::Unknown { .. })) {
                    self.doubts.meet();
                }
                attempted
            },
            async |attempts| {
                let found = self.look(&append, &keys, attempts.unknown.is_some()).await?;
                if attempts.is_latest_unknown {
                    self.doubts.settle(matches!(found, Look::Applied(())));
                }
                Ok(found)
            },
        );
        match settled.await? {
            Settled::Applied(()) => {
                self.learn(&append);
                Ok(Appended::Done)
            }
            Settled::NotApplied(answer) => Ok(answer),
            Settled::Unknown(detail) => {
                self.doubts.leave(append.conversation);
                Err(StoreError::Unknown(detail))
            }
        }
    }

    /// What has to be true of older buckets: the answer, where there is one without a batch.
    async fn before(
        self: &Arc<Self>,
        append: &Append<'_>,
        keys: &Keys,
    ) -> Result<Option<Appended>, StoreError> {
        let bucket = self.buckets.of_seq(append.after.next());
        let Some(previous) = bucket.checked_sub(1) else { return Ok(None) };
        if !self.is_sealed(append.conversation, previous).await? {
            let head = self.head(append.conversation, Sight::Final).await?;
            return Ok(Some(Appended::Moved { head }));
        }
        let mut places: BTreeMap<u64, BTreeSet<&Vec<u8>>> = BTreeMap::new();
        for (key, (_, base)) in keys {
            for older in self.buckets.of_seq(base.next()).min(previous)..bucket {
                places.entry(older).or_default().insert(key);
            }
        }
        let looked = places.into_iter().map(async |(older, wanted)| {
            let wanted: Vec<&[u8]> = wanted.into_iter().map(Vec::as_slice).collect();
            self.keyed(append.conversation, older, &wanted, Sight::Acknowledged).await
        });
        let looked = together(looked.collect()).await?;
        let mut found: BTreeMap<_, _> = looked.into_iter().flatten().collect();
        if found.is_empty() {
            return Ok(None);
        }
        let all: Vec<&[u8]> = keys.keys().map(Vec::as_slice).collect();
        found.extend(self.keyed(append.conversation, bucket, &all, Sight::Final).await?);
        self.duplicate(append.conversation, keys, found).await.map(Some)
    }

    /// Whether a bucket is full and its last batch settled.
    async fn is_sealed(
        &self,
        conversation: ConversationId,
        bucket: u64,
    ) -> Result<bool, StoreError> {
        if self.known.of(conversation).sealed > bucket {
            return Ok(true);
        }
        let head = self.head_of_bucket(conversation, bucket, Sight::Final).await?;
        let is_full = head.is_some_and(|head| head.seq == self.buckets.end(bucket));
        if is_full {
            self.known.learn(conversation, |facts| facts.sealed = facts.sealed.max(bucket + 1));
        }
        Ok(is_full)
    }

    /// Which of these keys are in a bucket, and their entries' seqs.
    pub(super) async fn keyed(
        &self,
        conversation: ConversationId,
        bucket: u64,
        keys: &[&[u8]],
        sight: Sight,
    ) -> Result<Vec<(Vec<u8>, Seq)>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let statement = match sight {
            Sight::Acknowledged => &self.statements.keys,
            Sight::Final => &self.statements.keys_serial,
        };
        let rows: Vec<(Vec<u8>, i64)> =
            self.rows(statement, (conversation.as_i64(), column(bucket), keys)).await?;
        rows.into_iter().map(|(key, seq)| Ok((key, Seq::new(unsigned(seq)?)))).collect()
    }

    async fn duplicate(
        self: &Arc<Self>,
        conversation: ConversationId,
        keys: &Keys,
        found: BTreeMap<Vec<u8>, Seq>,
    ) -> Result<Appended, StoreError> {
        let mut entries = Vec::with_capacity(found.len());
        for (key, seq) in found {
            let (at, _) = keys.get(&key).ok_or_else(|| corrupt("a key that was not asked for"))?;
            entries.push((*at, self.entry(conversation, seq).await?));
        }
        entries.sort_unstable_by_key(|(at, _)| *at);
        Ok(Appended::Duplicate { entries })
    }

    fn batch(&self, append: &Append<'_>) -> (Vec<PreparedStatement>, Vec<Values>) {
        let bucket = column(self.buckets.of_seq(append.after.next()));
        let conversation = append.conversation.as_i64();
        let is_first = self.buckets.room(append.after) == self.buckets.room(Seq::ZERO);
        let old = (!is_first).then(|| number(append.after.get()));
        let mut statements = vec![self.statements.append_head.clone()];
        let mut values = vec![head_values(append.head, conversation, bucket, old)];
        for entry in append.entries {
            statements.push(self.statements.append_entry.clone());
            values.push(entry_values(entry, conversation, bucket));
            if let Some(client_id) = &entry.client_id {
                let key = key(entry.sender, client_id);
                statements.push(self.statements.append_key.clone());
                values.push(Values::Key((conversation, bucket, key, number(entry.seq.get()))));
            }
        }
        (statements, values)
    }

    /// Reads serially whether an attempt is stored at its place, if one `may_be_applied`. By then it
    /// is known to be applied or not. The reads after it find out why it is not.
    async fn look(
        self: &Arc<Self>,
        append: &Append<'_>,
        keys: &Keys,
        may_be_applied: bool,
    ) -> Result<Look<(), Appended>, StoreError> {
        let (conversation, first) = (append.conversation, append.after.next());
        if may_be_applied {
            let at_place = self.final_entry(conversation, first).await?;
            if at_place.is_some_and(|entry| entry.id == append.entries[0].id) {
                return Ok(Look::Applied(()));
            }
        }
        let all: Vec<&[u8]> = keys.keys().map(Vec::as_slice).collect();
        let bucket = self.buckets.of_seq(first);
        let (found, head) = futures_util::future::try_join(
            self.keyed(conversation, bucket, &all, Sight::Acknowledged),
            self.head(conversation, Sight::Acknowledged),
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

    /// Remembers an append of this gateway that is stored.
    fn learn(self: &Arc<Self>, append: &Append<'_>) {
        let (conversation, bucket) =
            (append.conversation, self.buckets.of_seq(append.after.next()));
        self.known.learn(conversation, |facts| facts.see(bucket, &append.head));
        if bucket > 0 && self.buckets.of_seq(append.after) != bucket {
            let store = self.clone();
            self.tasks.spawn(async move { store.hint(conversation, bucket).await });
        }
    }
}

fn head_values(head: Head, conversation: i64, bucket: i32, old: Option<i64>) -> Values {
    Values::Head((
        number(head.seq.get()),
        number(head.ord),
        CqlTimestamp(head.at.as_millis()),
        number(head.text_seq.get()),
        number(head.projected_seq.get()),
        i64::from(head.members),
        i64::from(head.owners),
        conversation,
        bucket,
        old,
    ))
}

fn entry_values(entry: &Entry, conversation: i64, bucket: i32) -> Values {
    Values::Entry((
        conversation,
        bucket,
        number(entry.seq.get()),
        entry.id.as_i64(),
        entry.sender.as_i64(),
        entry.client_id.as_ref().map(|id| id.as_str().to_owned()),
        entry.body.kind().cast_signed(),
        CqlTimestamp(entry.at.as_millis()),
        number(entry.ord),
        versioned::encode(&entry.body),
    ))
}
