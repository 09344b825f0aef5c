//! Entries as they are stored, and reading them in chunks that many readers share.
//!
//! A long read is cut at fixed seqs, so that readers with different cursors read the same chunks. A
//! chunk is complete or an error: the head of its bucket comes with each row, and where rows are
//! missing below it, a serial read first finishes what one replica may have seen alone.

use std::sync::Arc;

use chat_core::{
    error::StoreError,
    id::{ConversationId, EntryId, UserId},
    model::{Body, ClientId, Entry, Seq},
    time::Timestamp,
    versioned,
};
use scylla::value::CqlTimestamp;

use super::{
    buckets::{column, number},
    heads::{Sight, seq, unsigned},
    store::{Store, corrupt},
};

/// Entries in a chunk of a long read.
const CHUNK_ENTRIES: u64 = 128;
/// Reads of up to so many entries are not widened to chunks.
const EXACT_MAX: u64 = 16;

/// A part of one bucket: from, to, both inclusive.
pub(super) type ChunkKey = (ConversationId, Seq, Seq);
/// The entries of a part, contiguous from its first seq; fewer only where the log ends.
pub(super) type ChunkRead = Result<Arc<[Entry]>, StoreError>;

type EntryRow = (
    Option<i64>,
    i64,
    Option<i64>,
    Option<i64>,
    Option<String>,
    Option<i8>,
    Option<CqlTimestamp>,
    Option<i64>,
    Option<Vec<u8>>,
);

fn incomplete() -> StoreError {
    corrupt("an entry without one of its columns")
}

fn read_entry(conversation: ConversationId, row: EntryRow) -> Result<Entry, StoreError> {
    let (_, position, id, sender, client_id, kind, at, ord, body) = row;
    let body: Body = versioned::decode(&body.ok_or_else(incomplete)?).map_err(corrupt)?;
    if kind.ok_or_else(incomplete)?.cast_unsigned() != body.kind() {
        return Err(corrupt("an entry whose kind and body differ"));
    }
    Ok(Entry {
        conversation,
        seq: seq(Some(position))?,
        id: id.and_then(EntryId::from_i64).ok_or_else(incomplete)?,
        sender: sender.and_then(UserId::from_i64).ok_or_else(incomplete)?,
        client_id: client_id.map(|id| ClientId::new(&id)).transpose().map_err(corrupt)?,
        at: Timestamp::from_millis(at.ok_or_else(incomplete)?.0),
        ord: unsigned(ord.ok_or_else(incomplete)?)?,
        body,
    })
}

impl Store {
    /// Up to `limit` entries of `(after, to]`.
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
            let read = self.chunk_read(chunk).await?;
            entries.extend(read.iter().filter(|one| one.seq > last && one.seq <= end).cloned());
            let reached = entries.last().map_or(after, |entry| entry.seq);
            if reached < end {
                break;
            }
            last = reached;
        }
        Ok(entries)
    }

    /// One entry.
    pub(super) async fn entry(
        self: &Arc<Self>,
        conversation: ConversationId,
        seq: Seq,
    ) -> Result<Entry, StoreError> {
        let found = self.read(conversation, seq.previous(), seq, 1).await?;
        found.into_iter().next().ok_or_else(|| corrupt(format!("no entry at {seq:?}")))
    }

    /// The entry at a seq, by a serial read: where there is none now, none in flight will come.
    pub(super) async fn final_entry(
        &self,
        conversation: ConversationId,
        seq: Seq,
    ) -> Result<Option<Entry>, StoreError> {
        let (bucket, seq) = (column(self.buckets.of_seq(seq)), number(seq.get()));
        let values = (conversation.as_i64(), bucket, seq, seq);
        let row: Option<EntryRow> = self.row(&self.statements.entries_serial, values).await?;
        row.map(|row| read_entry(conversation, row)).transpose()
    }

    /// The chunk with which a read of `from..=to` begins, and the last seq wanted of it.
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

    async fn chunk_read(self: &Arc<Self>, key: ChunkKey) -> ChunkRead {
        let store = self.clone();
        self.chunks.join(key, async move { store.whole_chunk(key).await.map(Arc::from) }).await
    }

    async fn whole_chunk(&self, key: ChunkKey) -> Result<Vec<Entry>, StoreError> {
        if let Some(entries) = self.try_chunk(key, Sight::Acknowledged).await? {
            return Ok(entries);
        }
        self.try_chunk(key, Sight::Final).await?.ok_or_else(|| {
            let (conversation, from, to) = key;
            corrupt(format!("a hole in {from:?}..={to:?} of conversation {conversation}"))
        })
    }

    /// The entries of a chunk; `None` where some are missing below the head.
    async fn try_chunk(
        &self,
        (conversation, from, to): ChunkKey,
        sight: Sight,
    ) -> Result<Option<Vec<Entry>>, StoreError> {
        let bucket = self.buckets.of_seq(from);
        let statement = match sight {
            Sight::Acknowledged => &self.statements.entries,
            Sight::Final => &self.statements.entries_serial,
        };
        let values = (conversation.as_i64(), column(bucket), number(from.get()), number(to.get()));
        let mut rows: Vec<EntryRow> = self.rows(statement, values).await?;
        rows.reverse();
        let head = if let Some(row) = rows.last() {
            seq(row.0)?
        } else {
            let head = self.head_of_bucket(conversation, bucket, sight).await?;
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
