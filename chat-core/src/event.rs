//! Events: what the server sends without being asked.

use bytes::Bytes;

use crate::{
    command::ConversationView,
    id::{ConversationId, UserId},
    model::{Cursor, Seq},
    view::EntryView,
};

/// One event for a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// An entry was appended to a log.
    Message(EntryView),
    /// A member's cursor moved forward.
    Receipt {
        /// The conversation.
        conversation: ConversationId,
        /// The member.
        user: UserId,
        /// The new cursor.
        cursor: Cursor,
    },
    /// A member started or stopped typing.
    Typing {
        /// The conversation.
        conversation: ConversationId,
        /// The member.
        user: UserId,
        /// True if the member is typing.
        on: bool,
    },
    /// The session's user was added to this conversation, or the conversation changed.
    Conversation(Box<ConversationView>),
    /// The session's user is no longer a member.
    Removed {
        /// The conversation.
        conversation: ConversationId,
    },
    /// The entries in `(after_seq, head_seq]` are not sent; the client reads them from history.
    Gap {
        /// The conversation.
        conversation: ConversationId,
        /// The last seq before the missing entries.
        after_seq: Seq,
        /// The last missing seq. Live entries continue after it.
        head_seq: Seq,
    },
    /// The gateway is about to shut down.
    Draining {
        /// How long the client should wait before it reconnects.
        reconnect_after_ms: u64,
    },
}

/// Encodes events for the wire, whose format the domain does not know.
pub trait Encode: Send + Sync + std::fmt::Debug {
    /// Encodes one event, with the frame that the transport puts around it. Every session of this
    /// gateway gets the same bytes.
    fn encode(&self, event: &Event) -> Bytes;
}
