//! Events as JSON, encoded once per gateway and shared by all sessions.

use bytes::Bytes;
use chat_core::event::{Encode, Event};
use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{
    answer::{ConversationJson, PresenceJson},
    entry::write_entry,
    value::Shown,
};
use crate::metrics;

/// Bytes that most events fit in.
const EVENT_BYTES_TYPICAL: usize = 512;

/// Spells events as the objects of `confab.v1.json`.
#[derive(Debug, Clone, Copy, Default)]
pub struct JsonEncode;

impl Encode for JsonEncode {
    fn encode(&self, event: &Event) -> Bytes {
        metrics::event(name(event));
        to_bytes(&EventJson(event))
    }
}

/// One event.
#[derive(Debug, Clone, Copy)]
pub struct EventJson<'a>(pub &'a Event);

impl Serialize for EventJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        write_event(&mut map, self.0)?;
        map.end()
    }
}

/// Its `ev`.
const fn name(event: &Event) -> &'static str {
    match event {
        Event::Message(_) => "message",
        Event::Receipt { .. } => "receipt",
        Event::Typing { .. } => "typing",
        Event::Conversation(_) => "conversation",
        Event::Removed { .. } => "removed",
        Event::Gap { .. } => "gap",
        Event::Draining { .. } => "draining",
    }
}

fn write_event<M: SerializeMap>(map: &mut M, event: &Event) -> Result<(), M::Error> {
    map.serialize_entry("ev", name(event))?;
    match event {
        Event::Message(view) => write_entry(map, view),
        Event::Receipt { conversation, user, cursor } => {
            map.serialize_entry("conversation", &Shown(conversation))?;
            map.serialize_entry("user", &Shown(user))?;
            map.serialize_entry("delivered_seq", &cursor.delivered_seq.get())?;
            map.serialize_entry("read_seq", &cursor.read_seq.get())
        }
        Event::Typing { conversation, user, on } => {
            map.serialize_entry("conversation", &Shown(conversation))?;
            map.serialize_entry("user", &Shown(user))?;
            map.serialize_entry("on", on)
        }
        Event::Conversation(view) => {
            map.serialize_entry("conversation", &Shown(view.id))?;
            map.serialize_entry("details", &ConversationJson::from(&**view))
        }
        Event::Removed { conversation } => {
            map.serialize_entry("conversation", &Shown(conversation))
        }
        Event::Gap { conversation, after_seq, head_seq } => {
            map.serialize_entry("conversation", &Shown(conversation))?;
            map.serialize_entry("after_seq", &after_seq.get())?;
            map.serialize_entry("head_seq", &head_seq.get())
        }
        Event::Draining { reconnect_after_ms } => {
            map.serialize_entry("reconnect_after_ms", reconnect_after_ms)
        }
    }
}

/// The presence of a watched user, as an event.
pub fn presence_event(presence: PresenceJson) -> Bytes {
    #[derive(Serialize)]
    struct PresenceEvent {
        ev: &'static str,
        #[serde(flatten)]
        presence: PresenceJson,
    }
    to_bytes(&PresenceEvent { ev: "presence", presence })
}

fn to_bytes(value: &impl Serialize) -> Bytes {
    let mut out = Vec::with_capacity(EVENT_BYTES_TYPICAL);
    super::write_json(&mut out, value);
    Bytes::from(out)
}
