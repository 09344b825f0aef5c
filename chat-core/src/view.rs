//! Entries as readers get them: with later edits, redactions and reactions applied.

use std::{collections::HashMap, sync::Arc};

use crate::{
    error::StoreError,
    id::{ConversationId, UserId},
    model::{AttachmentList, Body, Entry, Overlay, Reaction, Seq},
    planted::{Bug, is_planted},
    port::Conversations,
    time::Timestamp,
};

/// An entry with later edits, redactions and reactions applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryView {
    /// The entry. Its text is the newest one, or `None` after a redaction.
    pub entry: Entry,
    /// When the message was last edited.
    pub edited_at: Option<Timestamp>,
    /// True if the text was removed.
    pub redacted: bool,
    /// The current reactions by emoji, in the order in which each emoji first appeared.
    pub reactions: Vec<ReactionView>,
}

/// About how many bytes an entry takes on the wire besides its text.
const ENTRY_BYTES: usize = 300;
/// About how many bytes an attachment takes there.
const ATTACHMENT_BYTES: usize = 400;
/// How many bytes the id of a user takes there.
const USER_BYTES: usize = 24;

/// The users who reacted to a message with one emoji.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReactionView {
    /// The emoji.
    pub emoji: Arc<str>,
    /// The users, in the order in which they reacted.
    pub users: Vec<UserId>,
}

impl From<Entry> for EntryView {
    /// Returns the entry as it was appended. An entry whose text has been erased is redacted.
    fn from(entry: Entry) -> Self {
        let redacted =
            matches!(entry.body, Body::Text { text: None, .. } | Body::Edited { text: None, .. });
        Self { entry, edited_at: None, redacted, reactions: Vec::new() }
    }
}

impl EntryView {
    /// Returns about how many bytes the entry takes on the wire. A control character takes six there,
    /// and so the text alone may be six times as long as it is in the log.
    pub(crate) fn wire_bytes(&self) -> usize {
        let mut files = 0;
        let text = match &self.entry.body {
            Body::Text { text, attachments, .. } => {
                files = attachments.len();
                text.as_deref()
            }
            Body::Edited { text, .. } => text.as_deref(),
            Body::Title { title } => Some(&**title),
            Body::Redacted { .. }
            | Body::Reaction { .. }
            | Body::Joined { .. }
            | Body::Left { .. }
            | Body::Role { .. } => None,
        };
        let escaped = |byte: u8| match byte {
            b'"' | b'\\' => 2,
            0..0x20 => 6,
            _ => 1,
        };
        let text: usize = text.unwrap_or_default().bytes().map(escaped).sum();
        let users: usize = self.reactions.iter().map(|reaction| reaction.users.len() + 2).sum();
        ENTRY_BYTES + text + users * USER_BYTES + files * ATTACHMENT_BYTES
    }

    /// Applies the overlay to a message.
    fn with_overlay(entry: Entry, overlay: &Overlay) -> Self {
        let mut view = Self::from(entry);
        let Body::Text { text, attachments, .. } = &mut view.entry.body else { return view };
        if overlay.redacted.is_some() && !is_planted(Bug::LeavesRedactedText) {
            view.redacted = true;
            *text = None;
            *attachments = AttachmentList::default();
            return view;
        }
        if let Some(edit) = &overlay.edited {
            view.edited_at = Some(edit.at);
            text.clone_from(&edit.text);
        }
        let mut current: Vec<_> = overlay.reactions.iter().filter(|one| one.on).collect();
        current.sort_unstable_by_key(|reaction| reaction.seq);
        for Reaction { emoji, user, .. } in current {
            if let Some(group) = view.reactions.iter_mut().find(|group| group.emoji == *emoji) {
                group.users.push(*user);
            } else {
                view.reactions.push(ReactionView { emoji: emoji.clone(), users: vec![*user] });
            }
        }
        view
    }
}

/// Applies the overlays in the store to contiguous entries of one conversation. An edit whose
/// message has been redacted loses its text too.
pub async fn present(
    conversations: &dyn Conversations,
    entries: Vec<Entry>,
) -> Result<Vec<EntryView>, StoreError> {
    let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
        return Ok(Vec::new());
    };
    let conversation = first.conversation;
    let overlays: HashMap<Seq, Overlay> = if entries.iter().any(|entry| entry.body.is_text()) {
        conversations
            .overlays(conversation, first.seq.previous(), last.seq)
            .await?
            .into_iter()
            .collect()
    } else {
        HashMap::new()
    };
    let mut views = Vec::with_capacity(entries.len());
    for entry in entries {
        let edited_message = if let Body::Edited { target_seq, text: Some(_) } = &entry.body {
            Some(*target_seq)
        } else {
            None
        };
        let mut view = match overlays.get(&entry.seq) {
            Some(overlay) => EntryView::with_overlay(entry, overlay),
            None => EntryView::from(entry),
        };
        if let Some(target) = edited_message
            && is_redacted(conversations, conversation, target, &overlays).await?
            && let Some(erased) = view.entry.body.without_text()
        {
            view.entry.body = erased;
            view.redacted = true;
        }
        views.push(view);
    }
    Ok(views)
}

async fn is_redacted(
    conversations: &dyn Conversations,
    conversation: ConversationId,
    target: Seq,
    known: &HashMap<Seq, Overlay>,
) -> Result<bool, StoreError> {
    if let Some(overlay) = known.get(&target) {
        return Ok(overlay.redacted.is_some());
    }
    let found = conversations.overlays(conversation, target.previous(), target).await?;
    Ok(found.iter().any(|(_, overlay)| overlay.redacted.is_some()))
}
