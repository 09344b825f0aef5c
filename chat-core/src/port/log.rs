//! The logs of all conversations.

use std::fmt;

use async_trait::async_trait;

use crate::{
    error::StoreError,
    id::{ConversationId, UserId},
    model::{ClientId, Entry, Head, Seq},
};

/// What is to be appended: all of it or nothing.
#[derive(Debug, Clone, Copy)]
pub struct Append<'a> {
    /// The log.
    pub conversation: ConversationId,
    /// The head that the log must have; zero for an empty log.
    pub after: Seq,
    /// 1 to [`crate::limits::APPEND_ENTRIES_MAX`] entries with the seqs `after + 1 …`, no two with
    /// the same sender and client id.
    pub entries: &'a [Entry],
    /// For each entry, the head that its sender knew when it first made the command: a repeat can
    /// only stand after it.
    pub bases: &'a [Seq],
    /// The running values after the last entry.
    pub head: Head,
}

/// What became of an append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appended {
    /// Durable, and in every read that starts from now on, on any gateway.
    Done,
    /// The log has another head; nothing was written.
    Moved {
        /// The head that it has.
        head: Head,
    },
    /// These entries' keys `(sender, client_id)` are in the log already; nothing was written.
    Duplicate {
        /// Index into the entries, and the entry that stands for it.
        entries: Vec<(usize, Entry)>,
    },
}

/// The logs of all conversations.
#[async_trait]
pub trait Log: Send + Sync + fmt::Debug {
    /// Returns how many entries an append after this head may have: at least one, and
    /// [`crate::limits::APPEND_ENTRIES_MAX`] where the store has no partitions. A store that splits logs into
    /// partitions refuses an append across an edge as unavailable. The founding of a conversation
    /// always fits.
    fn room(&self, after: Seq) -> usize;

    /// Appends, if the log's head is `after` and none of the keys is in it: checked and done in one
    /// atomic step. [`StoreError::Unavailable`] means surely not done; after
    /// [`StoreError::Unknown`], the next [`Log::find`] or [`Log::heads`] of the conversation is
    /// final: what it does not show will never appear.
    async fn append(&self, append: Append<'_>) -> Result<Appended, StoreError>;

    /// Up to `limit` entries of `(after, to]`, ascending and contiguous from `after + 1`. Fewer
    /// only where `to` or the head is reached; a hole is [`StoreError::Corrupt`].
    async fn read(
        &self,
        conversation: ConversationId,
        after: Seq,
        to: Seq,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError>;

    /// The heads of these logs, in this order; the default where there is none.
    async fn heads(&self, conversations: &[ConversationId]) -> Result<Vec<Head>, StoreError>;

    /// The entry that this sender's client id made, looked for after `base` (and in the newest
    /// [`crate::limits::REPEAT_ENTRIES_MIN`] entries in any case).
    async fn find(
        &self,
        conversation: ConversationId,
        sender: UserId,
        client_id: &ClientId,
        base: Seq,
    ) -> Result<Option<Entry>, StoreError>;

    /// Takes the text out of these entries of kind text and edited, for good. The entries keep
    /// their places. Idempotent.
    async fn erase(&self, conversation: ConversationId, seqs: &[Seq]) -> Result<(), StoreError>;
}
