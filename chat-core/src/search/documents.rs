//! What entries change in the index.

use std::collections::HashMap;

use crate::{
    model::{Body, Entry, Overlay, Seq},
    port::{Document, Place},
};

/// Returns the messages that these entries of one conversation make or change, in their newest state.
/// `targets` are earlier messages that they change; `overlays` are those of all of them, which may be
/// behind the entries.
pub(super) fn documents(
    entries: &[Entry],
    targets: &[Entry],
    mut overlays: HashMap<Seq, Overlay>,
) -> Vec<Document> {
    for entry in entries {
        if let Some(target) = entry.body.changed_message() {
            overlays.entry(target).or_default().fold(entry);
        }
    }
    let messages = targets.iter().chain(entries).filter(|entry| entry.body.is_text());
    messages.map(|entry| document(entry, overlays.get(&entry.seq))).collect()
}

fn document(entry: &Entry, overlay: Option<&Overlay>) -> Document {
    let redacted = overlay.and_then(|overlay| overlay.redacted);
    let edited = overlay.and_then(|overlay| overlay.edited.as_ref());
    let (original, has_attachment) = if let Body::Text { text, attachments, .. } = &entry.body {
        (text.clone(), !attachments.is_empty())
    } else {
        (None, false)
    };
    let text = edited.map_or(original, |edit| edit.text.clone()).filter(|_| redacted.is_none());
    let version = edited.map_or(entry.seq, |edit| edit.seq).max(redacted.unwrap_or(entry.seq));
    let place = Place { at: entry.at, conversation: entry.conversation, seq: entry.seq };
    Document { place, version, sender: entry.sender, text, has_attachment }
}

/// What a message can have besides words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Has {
    /// A link that starts with `http://` or `https://`.
    Link,
    /// A file.
    Attachment,
}

/// Returns true if a text has a link.
pub fn has_link(text: &str) -> bool {
    // Most texts have no link.
    if !text.contains(':') {
        return false;
    }
    let follows = |scheme: &str| {
        let mut parts = text.split(scheme).skip(1);
        parts.any(|rest| rest.starts_with(char::is_alphanumeric))
    };
    follows("https://") || follows("http://")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        id::{ConversationId, EntryId, UserId},
        time::Timestamp,
    };

    fn entry(seq: u64, body: Body) -> Entry {
        Entry {
            conversation: ConversationId::new(1).unwrap(),
            seq: Seq::new(seq),
            id: EntryId::new(seq).unwrap(),
            sender: UserId::new(7).unwrap(),
            client_id: None,
            at: Timestamp::from_millis(1_000),
            ord: 0,
            body,
        }
    }

    fn text(seq: u64, text: &str) -> Entry {
        entry(seq, Body::plain(text, None))
    }

    fn edited(seq: u64, target: u64, text: &str) -> Entry {
        entry(seq, Body::Edited { target_seq: Seq::new(target), text: Some(text.into()) })
    }

    fn redacted(seq: u64, target: u64) -> Entry {
        entry(seq, Body::Redacted { target_seq: Seq::new(target) })
    }

    /// Returns seq, version and text of each document.
    fn made(entries: &[Entry], targets: &[Entry]) -> Vec<String> {
        let documents = documents(entries, targets, HashMap::new());
        let shown = |document: Document| {
            let text = document.text.as_deref().unwrap_or("nothing");
            format!("{} v{} {text}", document.place.seq, document.version)
        };
        documents.into_iter().map(shown).collect()
    }

    #[test]
    fn only_texts_are_documents() {
        let title = entry(2, Body::Title { title: "title".into() });
        assert_eq!(made(&[text(1, "a"), title], &[]), ["1 v1 a"]);
    }

    #[test]
    fn edit_replaces_the_text_of_its_message() {
        let entries = [text(1, "a"), edited(2, 1, "b"), edited(3, 1, "c")];
        assert_eq!(made(&entries, &[]), ["1 v3 c"]);
        assert_eq!(made(&entries[1..2], &entries[..1]), ["1 v2 b"]);
    }

    #[test]
    fn redaction_takes_the_text_away() {
        let entries = [text(1, "a"), edited(2, 1, "b"), redacted(3, 1)];
        assert_eq!(made(&entries, &[]), ["1 v3 nothing"]);
        assert_eq!(made(&entries[2..], &entries[..1]), ["1 v3 nothing"]);
    }

    #[test]
    fn overlay_may_be_ahead_of_the_entries() {
        let mut overlay = Overlay::default();
        overlay.fold(&edited(9, 1, "newest"));
        let overlays = HashMap::from([(Seq::new(1), overlay)]);
        let documents = documents(&[edited(2, 1, "b")], &[text(1, "a")], overlays);
        assert_eq!(documents[0].version, Seq::new(9));
        assert_eq!(documents[0].text, Some(Arc::from("newest")));
    }

    #[test]
    fn links_start_with_a_scheme_and_a_name() {
        assert!(has_link("see https://example.com/a"));
        assert!(has_link("http:// and http://b"));
        assert!(!has_link("https:// is a scheme, example.com is not"));
    }
}
