//! What goes out, unasked.

use bytes::Bytes;

use crate::{
    command::ConversationView,
    id::{ConversationId, UserId},
    model::{Cursor, Seq},
    view::EntryView,
};

/// What a session is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// An entry of a log.
    Message(EntryView),
    /// A member got further.
    Receipt {
        /// Where.
        conversation: ConversationId,
        /// Who.
        user: UserId,
        /// How far.
        cursor: Cursor,
    },
    /// A member is typing, or no more.
    Typing {
        /// Where.
        conversation: ConversationId,
        /// Who.
        user: UserId,
        /// Whether.
        on: bool,
    },
    /// One was added to a conversation, or something about it changed.
    Conversation(Box<ConversationView>),
    /// One is no longer a member.
    Removed {
        /// Of this conversation.
        conversation: ConversationId,
    },
    /// A run of entries that is not sent: read it from history.
    Gap {
        /// Where.
        conversation: ConversationId,
        /// The last seq before the run.
        after_seq: Seq,
        /// The last seq of the run; live entries go on after it.
        head_seq: Seq,
    },
    /// The gateway is about to end.
    Draining {
        /// When to come back.
        reconnect_after_ms: u64,
    },
}

/// Spells events for the wire; the domain does not know how.
pub trait Encode: Send + Sync + std::fmt::Debug {
    /// One event in the form in which every session of this gateway gets it.
    fn encode(&self, event: &Event) -> Bytes;
}
