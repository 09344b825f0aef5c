//! The logs of all conversations.

use std::fmt;

use async_trait::async_trait;

use crate::{
    error::StoreError,
    id::{ConversationId, UserId},
    model::{ClientId, Entry, Head, Seq},
};

/// Entries to append, all or none of them.
#[derive(Debug, Clone, Copy)]
pub struct Append<'a> {
    /// The conversation whose log is appended to.
    pub conversation: ConversationId,
    /// The seq that the log's head must have; zero for an empty log.
    pub after: Seq,
    /// 1 to [`crate::limits::APPEND_ENTRIES_MAX`] entries with the seqs `after + 1 …`. No two have
    /// the same sender and client id.
    pub entries: &'a [Entry],
    /// For each entry, the head that its sender knew when it first sent the command. An earlier
    /// attempt of the same command can only stand after it.
    pub bases: &'a [Seq],
    /// The head after the last entry.
    pub head: Head,
}

/// The result of an append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appended {
    /// The entries are durable. Every read that starts from now on returns them, on any gateway.
    Done,
    /// The log has another head. Nothing was written.
    Moved {
        /// The log's head.
        head: Head,
    },
    /// The log already contains the `(sender, client_id)` of these entries. Nothing was written.
    Duplicate {
        /// Pairs of an index into the appended entries and the entry that the log contains.
        entries: Vec<(usize, Entry)>,
    },
}

/// Stores the logs of all conversations.
#[async_trait]
pub trait Log: Send + Sync + fmt::Debug {
    /// Returns how many entries an append after this head may have: at least one, and
    /// [`crate::limits::APPEND_ENTRIES_MAX`] in a store without partitions. A store that splits
    /// logs into partitions refuses an append across an edge as unavailable. The entries that
    /// create a conversation always fit.
    fn room(&self, after: Seq) -> usize;

    /// Appends the entries if the log's head is `after` and the log contains none of their client
    /// ids. Both are checked and the entries are written in one atomic step.
    ///
    /// After [`StoreError::Unavailable`] nothing was written and nothing will be. After
    /// [`StoreError::Unknown`] the entries may have been written. The conversation's next
    /// [`Log::find`] or [`Log::heads`] then settles the outcome: entries that it does not return
    /// never appear later.
    async fn append(&self, append: Append<'_>) -> Result<Appended, StoreError>;

    /// Returns up to `limit` entries of `(after, to]`, ascending and contiguous from `after + 1`.
    /// Returns fewer only if `to` or the head is reached. A missing entry is
    /// [`StoreError::Corrupt`].
    async fn read(
        &self,
        conversation: ConversationId,
        after: Seq,
        to: Seq,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError>;

    /// Returns the heads of these logs in the same order. An empty log has the default head.
    async fn heads(&self, conversations: &[ConversationId]) -> Result<Vec<Head>, StoreError>;

    /// Returns the entry that this sender made with this client id. The search covers all entries
    /// after `base`, and at least the newest [`crate::limits::REPEAT_ENTRIES_MIN`].
    async fn find(
        &self,
        conversation: ConversationId,
        sender: UserId,
        client_id: &ClientId,
        base: Seq,
    ) -> Result<Option<Entry>, StoreError>;

    /// Erases the text of these messages and edits for good
    /// ([`Body::without_text`](crate::model::Body::without_text)). The entries keep their places.
    /// Idempotent.
    async fn erase(&self, conversation: ConversationId, seqs: &[Seq]) -> Result<(), StoreError>;
}
