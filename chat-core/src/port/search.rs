//! The index in which messages are searched.

use std::{fmt, sync::Arc};

use async_trait::async_trait;

use crate::{
    id::{ConversationId, UserId},
    model::Seq,
    search::{Has, Query, has_link},
    time::Timestamp,
};

/// A message as an index keeps it. Its key is the conversation and the seq.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The message's place.
    pub place: Place,
    /// The newest entry that has changed the message. The highest version wins.
    pub version: Seq,
    /// Who sent it.
    pub sender: UserId,
    /// The newest text, or `None` after a redaction: then the index must forget the text.
    pub text: Option<Arc<str>>,
    /// True if it shows files.
    pub has_attachment: bool,
}

impl Document {
    /// Returns true if the text has a link.
    pub fn has_link(&self) -> bool {
        self.text.as_deref().is_some_and(has_link)
    }

    /// Returns true if the message has this.
    pub fn has(&self, wanted: Has) -> bool {
        match wanted {
            Has::Link => self.has_link(),
            Has::Attachment => self.has_attachment,
        }
    }
}

/// The place of a message among all messages: by time, then by conversation and seq. Hits are
/// returned newest first, which is descending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// When the message was sent.
    pub at: Timestamp,
    /// Its conversation.
    pub conversation: ConversationId,
    /// Its seq.
    pub seq: Seq,
}

/// What a part of a log, `(mark, to]`, changes in the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexedPart {
    /// The conversation.
    pub conversation: ConversationId,
    /// The end of the part, which becomes the conversation's mark.
    pub to: Seq,
    /// The messages in it, and the earlier messages that it changes.
    pub documents: Vec<Document>,
}

/// What to find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchRequest {
    /// The conversations to search, each with the first seq that the caller may see.
    pub scope: Vec<(ConversationId, Seq)>,
    /// What the text must have.
    pub query: Query,
    /// Who must have sent it.
    pub sender: Option<UserId>,
    /// What it must have.
    pub has: Option<Has>,
    /// Only messages sent before this time.
    pub before: Option<Timestamp>,
    /// Only messages sent after this time.
    pub after: Option<Timestamp>,
    /// Only messages below this place: where the previous page ended.
    pub below: Option<Place>,
    /// The number of hits, at least one.
    pub limit: usize,
}

/// The reason why the index did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    /// It may answer later.
    #[error("index unavailable: {0}")]
    Unavailable(String),
    /// Its data is damaged. It must be cleared and made again.
    #[error("index damaged: {0}")]
    Damaged(String),
}

/// Keeps an index of messages. It can be made again from the logs at any time, and it may be behind
/// them.
#[async_trait]
pub trait Search: Send + Sync + fmt::Debug {
    /// Returns the marks of these conversations in the same order: up to where their logs are in the
    /// index. Zero if nothing is.
    async fn marks(&self, conversations: &[ConversationId]) -> Result<Vec<Seq>, SearchError>;

    /// Takes parts of logs into the index. When this returns, documents and marks are durable, and a
    /// query finds them within two seconds. A mark is never durable before the documents below it.
    ///
    /// May be called again with the same or with older parts, also by others: a document does not
    /// replace one with a higher version, and a mark does not move back. A part starts at a mark that
    /// [`Self::marks`] has returned, or below.
    async fn index(&self, parts: &[IndexedPart]) -> Result<(), SearchError>;

    /// Returns the places of messages that match, newest first, up to the limit. Fewer than the limit
    /// mean that there are no more. May return messages that do not match any more, or that the scope
    /// excludes by their seq: the caller reads each from its log.
    async fn query(&self, request: &SearchRequest) -> Result<Vec<Place>, SearchError>;

    /// Removes everything from the index.
    async fn clear(&self) -> Result<(), SearchError>;
}
