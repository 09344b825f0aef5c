//! Reads entries, in chunks that concurrent readers share.
//!
//! A long read is split at fixed seqs, so that readers with different cursors read the same chunks.
//! A chunk is complete or the read fails. Each row carries the head of its bucket. If rows below
//! that head are missing, a serial read first completes what only one replica may have seen.

use std::sync::Arc;

use chat_core::{
    error::StoreError,
    id::{ConversationId, EntryId, UserId},
    model::{Body, ClientId, Entry, Seq},
    time::Timestamp,
    versioned,
};
use scylla::{DeserializeRow, value::CqlTimestamp};

use super::{
    buckets::{bigint, bucket_column},
    rows::{ReadMode, corrupt, read_seq, read_u64},
    store::CqlStore,
};

/// How many entries a chunk of a long read has.
const CHUNK_ENTRIES: u64 = 128;
/// Reads of fewer entries than this are not widened to a chunk.
const EXACT_MAX: u64 = 16;

/// A range of seqs in one bucket, both ends inclusive.
pub(super) type ChunkKey = (ConversationId, Seq, Seq);
/// The entries of a chunk, contiguous from its first seq. They end early only where the log ends.
pub(super) type ChunkRead = Result<Arc<[Entry]>, StoreError>;

#[derive(DeserializeRow)]
struct EntryRow {
    /// The head of the bucket, a static column.
    head: i64,
    seq: i64,
    id: i64,
    sender: i64,
    client_id: Option<String>,
    kind: i8,
    at: CqlTimestamp,
    ord: i64,
    body: Vec<u8>,
}

fn read_entry(conversation: ConversationId, row: EntryRow) -> Result<Entry, StoreError> {
    let body: Body = versioned::decode(&row.body).map_err(corrupt)?;
    if row.kind.cast_unsigned() != body.kind() {
        return Err(corrupt("an entry whose kind and body differ"));
    }
    Ok(Entry {
        conversation,
        seq: read_seq(row.seq)?,
        id: EntryId::from_i64(row.id).ok_or_else(|| corrupt("an entry without an id"))?,
        sender: UserId::from_i64(row.sender).ok_or_else(|| corrupt("an entry without a sender"))?,
        client_id: row.client_id.map(|id| ClientId::new(&id)).transpose().map_err(corrupt)?,
        at: Timestamp::from_millis(row.at.0),
        ord: read_u64(row.ord)?,
        body,
    })
}

impl CqlStore {
    /// Returns up to `limit` entries of `(after, to]`.
    pub(super) async fn read(
        self: &Arc<Self>,
        conversation: ConversationId,
        after: Seq,
        to: Seq,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        let to = to.min(Seq::new(after.get().saturating_add(limit)));
        let mut entries: Vec<Entry> = Vec::new();
        let mut last = after;
        while last < to {
            let (chunk, end) = self.chunk(conversation, last.next(), to);
            let store = self.clone();
            let read = async move { store.read_chunk(chunk).await.map(Arc::from) };
            let read: Arc<[Entry]> = self.chunks.join(chunk, read).await?;
            entries.extend(read.iter().filter(|one| one.seq > last && one.seq <= end).cloned());
            let reached = entries.last().map_or(after, |entry| entry.seq);
            if reached < end {
                break;
            }
            last = reached;
        }
        Ok(entries)
    }

    /// Returns one entry, which must be in the log.
    pub(super) async fn entry(
        self: &Arc<Self>,
        conversation: ConversationId,
        seq: Seq,
    ) -> Result<Entry, StoreError> {
        let found = self.read(conversation, seq.previous(), seq, 1).await?;
        found.into_iter().next().ok_or_else(|| corrupt(format!("no entry at {seq:?}")))
    }

    /// Reads the entry at a seq serially. If it is absent, no append in flight will add it.
    pub(super) async fn entry_serial(
        &self,
        conversation: ConversationId,
        seq: Seq,
    ) -> Result<Option<Entry>, StoreError> {
        let bucket = bucket_column(self.buckets.of_seq(seq));
        let seq = bigint(seq.get());
        let values = (conversation.as_i64(), bucket, seq, seq);
        let row: Option<EntryRow> = self.row(&self.statements.entries_serial, values).await?;
        row.map(|row| read_entry(conversation, row)).transpose()
    }

    /// Returns the first chunk of a read of `from..=to`, and the last seq to use of it.
    fn chunk(&self, conversation: ConversationId, from: Seq, to: Seq) -> (ChunkKey, Seq) {
        let edge = self.buckets.end(self.buckets.of_seq(from));
        let end = to.min(edge);
        if to.since(from) < EXACT_MAX {
            return ((conversation, from, end), end);
        }
        let begin = from.previous().get() / CHUNK_ENTRIES * CHUNK_ENTRIES;
        let bucket_begin = edge.get() - self.buckets.room(Seq::ZERO);
        let first = Seq::new(begin.max(bucket_begin)).next();
        let last = Seq::new(begin + CHUNK_ENTRIES).min(edge);
        ((conversation, first, last), end.min(last))
    }

    async fn read_chunk(&self, key: ChunkKey) -> Result<Vec<Entry>, StoreError> {
        if let Some(entries) = self.try_chunk(key, ReadMode::Quorum).await? {
            return Ok(entries);
        }
        self.try_chunk(key, ReadMode::Serial).await?.ok_or_else(|| {
            let (conversation, from, to) = key;
            corrupt(format!("a hole in {from:?}..={to:?} of conversation {conversation}"))
        })
    }

    /// Returns the entries of a chunk, or `None` if some below the head are missing.
    async fn try_chunk(
        &self,
        (conversation, from, to): ChunkKey,
        mode: ReadMode,
    ) -> Result<Option<Vec<Entry>>, StoreError> {
        let bucket = self.buckets.of_seq(from);
        let statement = match mode {
            ReadMode::Quorum => &self.statements.entries,
            ReadMode::Serial => &self.statements.entries_serial,
        };
        let values =
            (conversation.as_i64(), bucket_column(bucket), bigint(from.get()), bigint(to.get()));
        let mut rows: Vec<EntryRow> = self.rows(statement, values).await?;
        rows.reverse();
        let head = if let Some(row) = rows.last() {
            read_seq(row.head)?
        } else {
            let head = self.head_of_bucket(conversation, bucket, mode).await?;
            head.unwrap_or_default().seq
        };
        let entries = rows
            .into_iter()
            .map(|row| read_entry(conversation, row))
            .collect::<Result<Vec<_>, _>>()?;
        let wanted = to.min(head).get().saturating_sub(from.previous().get());
        let is_whole = entries.len() as u64 == wanted
            && entries.iter().zip(from.get()..).all(|(entry, seq)| entry.seq.get() == seq);
        Ok(is_whole.then_some(entries))
    }
}
