//! Events are encoded as in the examples.

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
    "message-left",
    "message-reaction",
    "message-redacted",
    "message-role",
    "message-text",
    "message-title",
    "presence",
    "receipt",
    "removed",
    "typing",
];

fn assert_encoded(event: &Event, name: &str) {
    let encoded = JsonEncode.encode(event);
    assert_eq!(std::str::from_utf8(text_of(&encoded)).unwrap(), compact(name), "{name}");
}

#[test]
fn every_kind_of_entry_matches_its_example() {
    let entries: [(EntryView, &str); 8] = [
        (noon(), "text"),
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
