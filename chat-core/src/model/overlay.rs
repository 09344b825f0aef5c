//! The changes that later entries made to a message.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Body, Entry, Seq, bounded};
use crate::{
    id::UserId,
    limits::{EMOJI_BYTES_MAX, TEXT_BYTES_MAX},
    planted::{Bug, is_planted},
    time::Timestamp,
};

/// The newest edit of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// The entry that made the edit.
    pub seq: Seq,
    /// When the edit was made.
    pub at: Timestamp,
    /// The new text; `None` after it has been erased.
    #[serde(deserialize_with = "bounded::optional_text::<TEXT_BYTES_MAX, _>")]
    pub text: Option<Arc<str>>,
}

/// The newest state of one member's reaction with one emoji.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaction {
    /// The emoji.
    #[serde(deserialize_with = "bounded::text::<EMOJI_BYTES_MAX, _>")]
    pub emoji: Arc<str>,
    /// The member.
    pub user: UserId,
    /// False after the member took the emoji off again.
    pub on: bool,
    /// The entry that set this state.
    pub seq: Seq,
}

/// The changes that later entries made to a message.
///
/// Folding the same entries gives the same overlay, in any order and any number of times.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Overlay {
    /// The newest edit.
    pub edited: Option<Edit>,
    /// The seqs of all edits, ascending. A redaction erases the text of every edit too.
    pub edit_seqs: Vec<Seq>,
    /// The seq of the first redaction.
    pub redacted: Option<Seq>,
    /// The reactions, ascending by emoji and user.
    pub reactions: Vec<Reaction>,
}

impl Overlay {
    /// Folds one entry about this message into the overlay. Entries of other kinds change nothing.
    pub fn fold(&mut self, entry: &Entry) {
        match &entry.body {
            Body::Edited { text, .. } => {
                if let Err(place) = self.edit_seqs.binary_search(&entry.seq) {
                    self.edit_seqs.insert(place, entry.seq);
                }
                if self.edited.as_ref().is_none_or(|newest| newest.seq <= entry.seq) {
                    self.edited = Some(Edit { seq: entry.seq, at: entry.at, text: text.clone() });
                }
            }
            Body::Redacted { .. } => {
                let first = self.redacted.map_or(entry.seq, |seq| seq.min(entry.seq));
                self.redacted = Some(first);
            }
            Body::Reaction { emoji, on, .. } => {
                let reaction =
                    Reaction { emoji: emoji.clone(), user: entry.sender, on: *on, seq: entry.seq };
                match self.reaction_place(emoji, entry.sender) {
                    Ok(place) if self.reactions[place].seq > entry.seq => {}
                    Ok(place) if is_planted(Bug::ReactsTwice) => {
                        self.reactions.insert(place, reaction);
                    }
                    Ok(place) => self.reactions[place] = reaction,
                    Err(place) => self.reactions.insert(place, reaction),
                }
            }
            Body::Text { .. }
            | Body::Joined { .. }
            | Body::Left { .. }
            | Body::Role { .. }
            | Body::Title { .. } => {}
        }
        if self.redacted.is_some()
            && let Some(edit) = &mut self.edited
        {
            edit.text = None;
        }
    }

    /// Returns the number of different emoji ever put on the message, including those that were
    /// taken off again.
    pub fn emoji_count(&self) -> usize {
        self.reactions.chunk_by(|one, next| one.emoji == next.emoji).count()
    }

    /// Returns this user's reaction with this emoji, whether it is on or off.
    pub fn reaction(&self, emoji: &str, user: UserId) -> Option<&Reaction> {
        self.reaction_place(emoji, user).ok().map(|place| &self.reactions[place])
    }

    fn reaction_place(&self, emoji: &str, user: UserId) -> Result<usize, usize> {
        self.reactions.binary_search_by(|one| (&*one.emoji, one.user).cmp(&(emoji, user)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ConversationId, EntryId};

    const MESSAGE: Seq = Seq::new(1);

    fn user(id: u64) -> UserId {
        UserId::new(id).unwrap()
    }

    fn entry(seq: u64, sender: u64, body: Body) -> Entry {
        Entry {
            conversation: ConversationId::new(1).unwrap(),
            seq: Seq::new(seq),
            id: EntryId::new(seq).unwrap(),
            sender: user(sender),
            client_id: None,
            at: Timestamp::from_millis(i64::try_from(seq).unwrap()),
            ord: seq,
            body,
        }
    }

    fn edited(seq: u64, text: &str) -> Entry {
        entry(seq, 1, Body::Edited { target_seq: MESSAGE, text: Some(text.into()) })
    }

    fn reacted(seq: u64, sender: u64, emoji: &str, on: bool) -> Entry {
        entry(seq, sender, Body::Reaction { target_seq: MESSAGE, emoji: emoji.into(), on })
    }

    fn overlay(entries: &[Entry]) -> Overlay {
        let mut overlay = Overlay::default();
        for entry in entries {
            overlay.fold(entry);
        }
        overlay
    }

    #[test]
    fn newest_edit_is_shown_in_any_order() {
        for order in [[2, 3, 4], [4, 3, 2], [3, 4, 2], [3, 2, 4]] {
            let overlay = overlay(&order.map(|seq| edited(seq, &format!("edit {seq}"))));
            let edit = overlay.edited.unwrap();
            assert_eq!(
                (edit.seq, edit.text.as_deref()),
                (Seq::new(4), Some("edit 4")),
                "{order:?}"
            );
            assert_eq!(overlay.edit_seqs, [2, 3, 4].map(Seq::new));
        }
    }

    #[test]
    fn redaction_erases_edits_before_and_after_it() {
        let redacted = |seq| entry(seq, 1, Body::Redacted { target_seq: MESSAGE });
        for entries in [
            [edited(2, "secret"), redacted(3), redacted(4)],
            [redacted(4), redacted(3), edited(2, "secret")],
        ] {
            let overlay = overlay(&entries);
            assert_eq!(overlay.redacted, Some(Seq::new(3)));
            assert_eq!(overlay.edited.unwrap().text, None);
        }
    }

    #[test]
    fn newest_reaction_of_each_user_counts_in_any_order() {
        let mut entries = vec![
            reacted(2, 1, "a", true),
            reacted(3, 2, "a", true),
            reacted(4, 1, "b", true),
            reacted(5, 1, "a", false),
        ];
        for _ in 0..2 {
            let overlay = overlay(&entries);
            let is_on = |emoji, id| overlay.reaction(emoji, user(id)).map(|reaction| reaction.on);
            assert_eq!(
                [is_on("a", 1), is_on("a", 2), is_on("b", 1)],
                [Some(false), Some(true), Some(true)]
            );
            assert_eq!((is_on("b", 2), overlay.emoji_count()), (None, 2));
            entries.reverse();
        }
    }

    #[test]
    fn entry_that_is_folded_twice_changes_nothing() {
        let entries = [edited(2, "once"), reacted(3, 1, "a", true)];
        let once = overlay(&entries);
        assert_eq!(overlay(&[entries.clone(), entries].concat()), once);
    }
}
