//! Events. The gateway encodes each once, and all its sessions share the bytes.

use bytes::Bytes;
use chat_core::event::{Encode, Event};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    conversations::ConversationJson,
    entry::EntryJson,
    users::PresenceJson,
    value::{Id, WireConversationId, WireUserId},
};
use crate::{frame, metrics};

/// The size in bytes that most events do not exceed.
const EVENT_BYTES_TYPICAL: usize = 512;

/// Encodes events as WebSocket frames of JSON, and counts them by name. A poll takes the JSON out of
/// its frame with [`frame::text_of`].
#[derive(Debug, Clone, Copy, Default)]
pub struct JsonEncode;

impl Encode for JsonEncode {
    fn encode(&self, event: &Event) -> Bytes {
        let event = EventJson::from(event);
        metrics::event(event.name());
        event.to_frame()
    }
}

/// An event that the server sends.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "ev", rename_all = "snake_case")]
#[schema(as = Event)]
pub enum EventJson<'a> {
    /// A new entry of a log.
    Message(EntryJson<'a>),
    /// A member's receipt moved.
    Receipt {
        /// The conversation.
        conversation: WireConversationId,
        /// The member.
        user: WireUserId,
        /// Up to this `seq`, entries have reached a device of theirs.
        delivered_seq: u64,
        /// Up to this `seq`, they have seen entries.
        read_seq: u64,
    },
    /// A member started or stopped typing.
    Typing {
        /// The conversation.
        conversation: WireConversationId,
        /// The member.
        user: WireUserId,
        /// True if they started.
        on: bool,
    },
    /// The caller was added to a conversation, or its state changed.
    Conversation {
        /// The conversation.
        conversation: WireConversationId,
        /// Its present state.
        details: Box<ConversationJson<'a>>,
    },
    /// The caller is no longer a member of a conversation.
    Removed {
        /// The conversation.
        conversation: WireConversationId,
    },
    /// Entries that are not sent. The client reads them from history.
    Gap {
        /// The conversation.
        conversation: WireConversationId,
        /// The `seq` before the first missing entry.
        after_seq: u64,
        /// The `seq` of the last missing entry.
        head_seq: u64,
    },
    /// The server is about to stop.
    Draining {
        /// When to reconnect, to any gateway.
        reconnect_after_ms: u64,
    },
    /// The presence of a watched user.
    Presence(PresenceJson),
}

impl<'a> From<&'a Event> for EventJson<'a> {
    fn from(event: &'a Event) -> Self {
        match event {
            Event::Message(view) => Self::Message(view.into()),
            Event::Receipt { conversation, user, cursor } => Self::Receipt {
                conversation: Id(*conversation),
                user: Id(*user),
                delivered_seq: cursor.delivered_seq.get(),
                read_seq: cursor.read_seq.get(),
            },
            Event::Typing { conversation, user, on } => {
                Self::Typing { conversation: Id(*conversation), user: Id(*user), on: *on }
            }
            Event::Conversation(view) => Self::Conversation {
                conversation: Id(view.id),
                details: Box::new(ConversationJson::from(&**view)),
            },
            Event::Removed { conversation } => Self::Removed { conversation: Id(*conversation) },
            Event::Gap { conversation, after_seq, head_seq } => Self::Gap {
                conversation: Id(*conversation),
                after_seq: after_seq.get(),
                head_seq: head_seq.get(),
            },
            Event::Draining { reconnect_after_ms } => {
                Self::Draining { reconnect_after_ms: *reconnect_after_ms }
            }
        }
    }
}

impl EventJson<'_> {
    /// Returns the event's `ev`.
    const fn name(&self) -> &'static str {
        match self {
            Self::Message(_) => "message",
            Self::Receipt { .. } => "receipt",
            Self::Typing { .. } => "typing",
            Self::Conversation { .. } => "conversation",
            Self::Removed { .. } => "removed",
            Self::Gap { .. } => "gap",
            Self::Draining { .. } => "draining",
            Self::Presence(_) => "presence",
        }
    }

    fn to_frame(&self) -> Bytes {
        frame::text_frame(EVENT_BYTES_TYPICAL, |json| super::write_json(json, self))
    }
}

/// Encodes the presence of a watched user as the frame of an event.
pub fn presence_event(presence: PresenceJson) -> Bytes {
    EventJson::Presence(presence).to_frame()
}
