//! Events are encoded as in the examples.

use capacity::measured::{FRAME_BYTES, SMALL_FRAME_BYTES};
use chat_core::{
    event::{Encode, Event},
    model::Role,
    view::EntryView,
};

use super::{compact, samples::*};
use crate::{
    frame::text_of,
    protocol::{
        JsonEncode, presence_event,
        users::{PresenceJson, StatusName},
        value::{Id, Time},
    },
};

pub(super) const NAMES: &[&str] = &[
    "conversation",
    "draining",
    "gap",
    "message-edited",
    "message-joined",
    "message-joined-by-invite",
    "message-left",
    "message-reaction",
    "message-redacted",
    "message-role",
    "message-text",
    "message-text-with-attachments",
    "message-title",
    "presence",
    "receipt",
    "removed",
    "typing",
];

pub(super) fn assert_encoded(event: &Event, name: &str) {
    let encoded = JsonEncode.encode(event);
    assert_eq!(std::str::from_utf8(text_of(&encoded)).unwrap(), compact(name), "{name}");
}

#[test]
fn every_kind_of_entry_matches_its_example() {
    let entries: [(EntryView, &str); 9] = [
        (noon(), "text"),
        (pictured(), "text-with-attachments"),
        (edited(), "edited"),
        (reaction(), "reaction"),
        (joined(), "joined"),
        (redacted(), "redacted"),
        (title(), "title"),
        (role(), "role"),
        (left(), "left"),
    ];
    for (view, kind) in entries {
        assert_encoded(&Event::Message(view), &format!("event-message-{kind}"));
    }
}

/// The capacity model computes the network from these bytes. Long numbers add a few.
#[test]
fn measured_frames_have_these_bytes() {
    let cursor = cursor(13, 12);
    let receipt = Event::Receipt { conversation: conversation(LUNCH), user: user(GRACE), cursor };
    let view = noon();
    let variable = view.entry.body.text_bytes()
        + view.entry.client_id.as_ref().map_or(0, |id| id.as_str().len());
    for (event, variable, measured) in
        [(Event::Message(view), variable, FRAME_BYTES), (receipt, 0, SMALL_FRAME_BYTES)]
    {
        let bytes = JsonEncode.encode(&event).len() - variable;
        let bytes = f64::from(u32::try_from(bytes).unwrap());
        assert!((bytes - measured.value).abs() <= 8.0, "{}: {bytes}", measured.name);
    }
}

#[test]
fn every_other_event_matches_its_example() {
    let at = conversation(LUNCH);
    let view = lunch(7, cursor(6, 6), Role::Member, 3);
    for (event, name) in [
        (Event::Conversation(Box::new(view)), "event-conversation"),
        (Event::Draining { reconnect_after_ms: 1_200 }, "event-draining"),
        (Event::Gap { conversation: at, after_seq: seq(13), head_seq: seq(731) }, "event-gap"),
        (
            Event::Receipt { conversation: at, user: user(GRACE), cursor: cursor(13, 12) },
            "event-receipt",
        ),
        (Event::Removed { conversation: at }, "event-removed"),
        (Event::Typing { conversation: at, user: user(GRACE), on: true }, "event-typing"),
    ] {
        assert_encoded(&event, name);
    }
}

#[test]
fn presence_event_matches_its_example() {
    let presence = PresenceJson {
        user: Id(user(GRACE)),
        status: StatusName::Offline,
        last_seen_at: Some(Time(at("2026-03-14T11:15:42.031Z"))),
    };
    let encoded = presence_event(presence);
    assert_eq!(std::str::from_utf8(text_of(&encoded)).unwrap(), compact("event-presence"));
}
