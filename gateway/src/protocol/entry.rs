//! An entry as JSON, written straight from the domain's view of it.

use chat_core::{
    model::Body,
    view::{EntryView, ReactionView},
};
use serde::{
    Serialize, Serializer,
    ser::{SerializeMap, SerializeSeq},
};

use super::value::{Shown, role_name};

/// An entry, in history, replies and answers.
#[derive(Debug, Clone, Copy)]
pub struct EntryJson<'a>(pub &'a EntryView);

impl Serialize for EntryJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        write_entry(&mut map, self.0)?;
        map.end()
    }
}

/// Entries, ascending.
pub(super) fn entries<S: Serializer>(
    items: &&[EntryView],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(items.iter().map(EntryJson))
}

/// Writes an entry's members, for an object that may have others before them.
pub(super) fn write_entry<M: SerializeMap>(map: &mut M, view: &EntryView) -> Result<(), M::Error> {
    let entry = &view.entry;
    map.serialize_entry("conversation", &Shown(entry.conversation))?;
    map.serialize_entry("seq", &entry.seq.get())?;
    map.serialize_entry("id", &Shown(entry.id))?;
    map.serialize_entry("sender", &Shown(entry.sender))?;
    if let Some(client_id) = &entry.client_id {
        map.serialize_entry("client_id", client_id.as_str())?;
    }
    map.serialize_entry("sent_at", &Shown(entry.at))?;
    map.serialize_entry("kind", kind_name(&entry.body))?;
    write_body(map, view)
}

const fn kind_name(body: &Body) -> &'static str {
    match body {
        Body::Text { .. } => "text",
        Body::Edited { .. } => "edited",
        Body::Redacted { .. } => "redacted",
        Body::Reaction { .. } => "reaction",
        Body::Joined { .. } => "joined",
        Body::Left { .. } => "left",
        Body::Role { .. } => "role",
        Body::Title { .. } => "title",
    }
}

fn write_body<M: SerializeMap>(map: &mut M, view: &EntryView) -> Result<(), M::Error> {
    match &view.entry.body {
        Body::Text { text, reply_to } => {
            write_text(map, view, text.as_deref())?;
            reply_to.map_or(Ok(()), |seq| map.serialize_entry("reply_to", &seq.get()))?;
            write_state(map, view)
        }
        Body::Edited { target_seq, text } => {
            map.serialize_entry("target_seq", &target_seq.get())?;
            write_text(map, view, text.as_deref())
        }
        Body::Redacted { target_seq } => map.serialize_entry("target_seq", &target_seq.get()),
        Body::Reaction { target_seq, emoji, on } => {
            map.serialize_entry("target_seq", &target_seq.get())?;
            map.serialize_entry("emoji", &**emoji)?;
            map.serialize_entry("on", on)
        }
        Body::Joined { user, role, .. } => {
            map.serialize_entry("user", &Shown(user))?;
            map.serialize_entry("role", role_name(*role))
        }
        Body::Left { user, by } => {
            map.serialize_entry("user", &Shown(user))?;
            map.serialize_entry("by", &Shown(by))
        }
        Body::Role { member } => {
            map.serialize_entry("user", &Shown(member.user))?;
            map.serialize_entry("role", role_name(member.role))
        }
        Body::Title { title } => map.serialize_entry("title", &**title),
    }
}

/// The text, or that it was taken away.
fn write_text<M: SerializeMap>(
    map: &mut M,
    view: &EntryView,
    text: Option<&str>,
) -> Result<(), M::Error> {
    match text {
        Some(text) if !view.redacted => map.serialize_entry("text", text),
        Some(_) | None => map.serialize_entry("redacted", &true),
    }
}

/// What later entries did to a text; nothing of it stays after a redaction.
fn write_state<M: SerializeMap>(map: &mut M, view: &EntryView) -> Result<(), M::Error> {
    if view.redacted {
        return Ok(());
    }
    if let Some(at) = view.edited_at {
        map.serialize_entry("edited_at", &Shown(at))?;
    }
    if !view.reactions.is_empty() {
        map.serialize_entry("reactions", &Reactions(&view.reactions))?;
    }
    Ok(())
}

struct Reactions<'a>(&'a [ReactionView]);

impl Serialize for Reactions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for reaction in self.0 {
            list.serialize_element(&OneReaction(reaction))?;
        }
        list.end()
    }
}

struct OneReaction<'a>(&'a ReactionView);

impl Serialize for OneReaction<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("emoji", &*self.0.emoji)?;
        map.serialize_entry("users", &Users(&self.0.users))?;
        map.end()
    }
}

struct Users<'a>(&'a [chat_core::id::UserId]);

impl Serialize for Users<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Shown))
    }
}
