//! The log port: see [`super::append`] and [`super::reading`] for the two large parts.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use chat_core::{
    error::StoreError,
    id::{ConversationId, UserId},
    limits::APPEND_ENTRIES_MAX,
    model::{ClientId, Entry, Head, Seq},
    port::{Append, Appended, Log},
    versioned,
};
use tokio::time::timeout_at;

use super::{
    append::key_column,
    buckets::{bigint, bucket_column},
    rows::{ReadMode, corrupt},
    settle::{Look, Settled, settle, unknown_after_write},
    store::{CqlStore, join_bounded},
};

/// How many texts one conditional batch erases.
const ERASED_MAX: usize = 64;

/// Logs in a CQL store.
#[derive(Debug)]
pub(super) struct ScyllaLog(pub(super) Arc<CqlStore>);

impl CqlStore {
    /// Removes the texts of entries. Idempotent, because what it writes depends on the entries
    /// alone.
    pub(super) async fn erase(
        self: &Arc<Self>,
        conversation: ConversationId,
        seqs: &[Seq],
    ) -> Result<(), StoreError> {
        let texts = seqs.iter().map(async |seq| {
            let found = self.read(conversation, seq.previous(), *seq, 1).await?;
            let entry = found.into_iter().next();
            Ok(entry.and_then(|entry| Some(Entry { body: entry.body.without_text()?, ..entry })))
        });
        let mut buckets: BTreeMap<u64, Vec<Entry>> = BTreeMap::new();
        for erased in join_bounded(texts.collect()).await?.into_iter().flatten() {
            buckets.entry(self.buckets.of_seq(erased.seq)).or_default().push(erased);
        }
        let batches = buckets.values().flat_map(|erased| erased.chunks(ERASED_MAX));
        for (nth, erased) in batches.enumerate() {
            let outcome = self.erase_batch(erased).await;
            if nth > 0 { outcome.map_err(unknown_after_write)? } else { outcome? }
        }
        Ok(())
    }

    /// Stores these entries of one bucket, whose texts are gone. They share a batch because
    /// separate conditional writes to one partition would contend.
    async fn erase_batch(&self, erased: &[Entry]) -> Result<(), StoreError> {
        let Some(first) = erased.first() else { return Ok(()) };
        let values = erased.iter().map(|entry| {
            let bucket = bucket_column(self.buckets.of_seq(entry.seq));
            let conversation = entry.conversation.as_i64();
            (versioned::encode(&entry.body), conversation, bucket, bigint(entry.seq.get()))
        });
        let values: Vec<_> = values.collect();
        let settled = settle(
            self.deadline(),
            Some(()),
            async |()| {
                let statements = vec![self.statements.erase.clone(); values.len()];
                self.write_batch_if(statements, &values[..]).await
            },
            async |_| match self.entry_serial(first.conversation, first.seq).await? {
                Some(stored) if stored.body == first.body => Ok(Look::NotApplied(())),
                Some(_) => Ok(Look::Attempt(())),
                None => Err(corrupt("an entry that was read is gone")),
            },
        );
        match settled.await? {
            Settled::Applied(()) | Settled::NotApplied(()) => Ok(()),
            Settled::Unknown(detail) => Err(StoreError::Unknown(detail)),
        }
    }

    /// Reads the head. Readers share one quorum read, unless an append is unknown: then the read is
    /// serial.
    async fn shared_head(
        self: &Arc<Self>,
        conversation: ConversationId,
    ) -> Result<Head, StoreError> {
        let Some(check) = self.unknown_appends.begin_check(conversation) else {
            let store = self.clone();
            let read = async move { store.head(conversation, ReadMode::Quorum).await };
            return self.heads.join(conversation, read).await;
        };
        let head = self.head(conversation, ReadMode::Serial).await?;
        self.unknown_appends.end_check(conversation, check);
        Ok(head)
    }
}

#[async_trait]
impl Log for ScyllaLog {
    /// Returns the entries that are left in the bucket of the next entry, at most
    /// [`APPEND_ENTRIES_MAX`]. A full bucket has a whole new bucket after it, so there is always
    /// room for one.
    fn room(&self, after: Seq) -> usize {
        usize::try_from(self.0.buckets.room(after)).unwrap_or(usize::MAX).min(APPEND_ENTRIES_MAX)
    }

    async fn append(&self, append: Append<'_>) -> Result<Appended, StoreError> {
        self.0.append(append).await
    }

    async fn read(
        &self,
        conversation: ConversationId,
        after: Seq,
        to: Seq,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        self.0.in_time(self.0.read(conversation, after, to, limit)).await
    }

    async fn heads(&self, conversations: &[ConversationId]) -> Result<Vec<Head>, StoreError> {
        let store = &self.0;
        let heads = conversations.iter().map(|conversation| store.shared_head(*conversation));
        store.in_time(join_bounded(heads.collect())).await
    }

    async fn find(
        &self,
        conversation: ConversationId,
        sender: UserId,
        client_id: &ClientId,
        base: Seq,
    ) -> Result<Option<Entry>, StoreError> {
        let store = &self.0;
        let key = key_column(sender, client_id);
        let work = async {
            // The head comes first. Its serial read settles what is in flight, at the edge of a
            // bucket also in the next one.
            let head = store.head(conversation, ReadMode::Serial).await?;
            if head.seq == Seq::ZERO {
                return Ok(None);
            }
            let newest = store.buckets.of_seq(head.seq);
            let oldest = store.buckets.of_seq(base.next()).min(newest.saturating_sub(1));
            let keys = [key.as_slice()];
            // Buckets before the newest one are sealed.
            let sealed = (oldest..newest).map(|bucket| (bucket, ReadMode::Quorum));
            let lookups = sealed
                .chain([(newest, ReadMode::Serial)])
                .map(|(bucket, mode)| store.find_keys(conversation, bucket, &keys, mode));
            match join_bounded(lookups.collect()).await?.into_iter().flatten().next() {
                Some((_, seq)) => store.entry(conversation, seq).await.map(Some),
                None => Ok(None),
            }
        };
        store.in_time(work).await
    }

    async fn erase(&self, conversation: ConversationId, seqs: &[Seq]) -> Result<(), StoreError> {
        let erased = timeout_at(self.0.deadline(), self.0.erase(conversation, seqs)).await;
        erased.unwrap_or_else(|_| Err(StoreError::Unknown("no answer in time".to_owned())))
    }
}
