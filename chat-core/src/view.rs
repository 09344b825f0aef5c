//! Entries in their present state: what readers get.

use std::{collections::HashMap, sync::Arc};

use crate::{
    error::StoreError,
    id::{ConversationId, UserId},
    model::{Body, Entry, Overlay, Seq},
    port::Conversations,
    time::Timestamp,
};

/// An entry as it is now: later edits, redactions and reactions are in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryView {
    /// The entry; its text is the newest, or `None` once redacted.
    pub entry: Entry,
    /// When the message was last edited.
    pub edited_at: Option<Timestamp>,
    /// Whether the text was taken away.
    pub redacted: bool,
    /// Standing reactions by emoji, in the order in which each first came.
    pub reactions: Vec<ReactionView>,
}

/// Who put an emoji on a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReactionView {
    /// The emoji.
    pub emoji: Arc<str>,
    /// Who, in the order in which they put it there.
    pub users: Vec<UserId>,
}

impl From<Entry> for EntryView {
    /// The entry as it was appended; what has been erased is redacted.
    fn from(entry: Entry) -> Self {
        let redacted =
            matches!(entry.body, Body::Text { text: None, .. } | Body::Edited { text: None, .. });
        Self { entry, edited_at: None, redacted, reactions: Vec::new() }
    }
}

impl EntryView {
    /// A message with what later entries did to it.
    fn with(entry: Entry, overlay: &Overlay) -> Self {
        let mut view = Self::from(entry);
        let Body::Text { text, .. } = &mut view.entry.body else { return view };
        if overlay.redacted.is_some() {
            view.redacted = true;
            *text = None;
            return view;
        }
        if let Some(edit) = &overlay.edited {
            view.edited_at = Some(edit.at);
            text.clone_from(&edit.text);
        }
        view.reactions = grouped(overlay);
        view
    }

    /// An edit whose message has been redacted has no text any more.
    fn hide(&mut self) {
        if let Body::Edited { text, .. } = &mut self.entry.body {
            *text = None;
            self.redacted = true;
        }
    }
}

fn grouped(overlay: &Overlay) -> Vec<ReactionView> {
    let mut standing: Vec<_> = overlay.reactions.iter().filter(|reaction| reaction.on).collect();
    standing.sort_unstable_by_key(|reaction| reaction.seq);
    let mut groups: Vec<ReactionView> = Vec::new();
    for reaction in standing {
        match groups.iter_mut().find(|group| group.emoji == reaction.emoji) {
            Some(group) => group.users.push(reaction.user),
            None => groups
                .push(ReactionView { emoji: reaction.emoji.clone(), users: vec![reaction.user] }),
        }
    }
    groups
}

/// Contiguous entries of one conversation in their present state.
pub async fn present(
    conversations: &dyn Conversations,
    entries: Vec<Entry>,
) -> Result<Vec<EntryView>, StoreError> {
    let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
        return Ok(Vec::new());
    };
    let (conversation, before, to) = (first.conversation, first.seq.previous(), last.seq);
    let overlays: HashMap<Seq, Overlay> = if entries.iter().any(|entry| entry.body.is_text()) {
        conversations.overlays(conversation, before, to).await?.into_iter().collect()
    } else {
        HashMap::new()
    };
    let mut views = Vec::with_capacity(entries.len());
    for entry in entries {
        let edited = if let Body::Edited { target_seq, text: Some(_) } = &entry.body {
            Some(*target_seq)
        } else {
            None
        };
        let mut view = match overlays.get(&entry.seq) {
            Some(overlay) => EntryView::with(entry, overlay),
            None => EntryView::from(entry),
        };
        if let Some(target) = edited
            && is_redacted(conversations, conversation, target, &overlays).await?
        {
            view.hide();
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
