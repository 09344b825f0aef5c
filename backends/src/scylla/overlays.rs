//! What later entries did to messages, as it is stored: one row for edits and redaction of a
//! message, one for each emoji and user.

use std::{collections::BTreeMap, sync::Arc};

use chat_core::{
    error::StoreError,
    id::{ConversationId, UserId},
    model::{Edit, Overlay, Reaction, Seq},
    time::Timestamp,
};

use super::{
    buckets::{column, number},
    heads::{seq, unsigned},
    store::{Store, corrupt, together},
};

/// The message; of the newest edit its entry, time and text; all edits; the redaction.
type OverlayRow = (i64, Option<i64>, Option<i64>, Option<String>, Option<Vec<i64>>, Option<i64>);
/// The message, the emoji and the user, ascending by these; whether it is on, since which entry.
type ReactionRow = (i64, String, i64, Option<bool>, Option<i64>);

/// The part of one bucket that a range takes: bucket, from, to, both inclusive.
type Part = (i32, i64, i64);

fn read_overlay(row: OverlayRow) -> Result<(Seq, Overlay), StoreError> {
    let (target_seq, edit_seq, edit_at, text, edit_seqs, redacted) = row;
    let redacted = redacted.map(|at| seq(Some(at))).transpose()?;
    let text: Option<Arc<str>> = text.filter(|_| redacted.is_none()).map(Arc::from);
    let edited = edit_seq
        .map(|edit| {
            let at = Timestamp::from_millis(edit_at.unwrap_or_default());
            Ok(Edit { seq: seq(Some(edit))?, at, text })
        })
        .transpose()?;
    let mut edit_seqs = edit_seqs
        .unwrap_or_default()
        .into_iter()
        .map(|edit| seq(Some(edit)))
        .collect::<Result<Vec<_>, _>>()?;
    edit_seqs.sort_unstable();
    let overlay = Overlay { edited, edit_seqs, redacted, reactions: Vec::new() };
    Ok((Seq::new(unsigned(target_seq)?), overlay))
}

fn read_reaction(row: ReactionRow) -> Result<(Seq, Reaction), StoreError> {
    let (target_seq, emoji, user, on, at) = row;
    let user = UserId::from_i64(user).ok_or_else(|| corrupt("a reaction of nobody"))?;
    let on = on.unwrap_or_default();
    let reaction = Reaction { emoji: emoji.into(), user, on, seq: seq(at)? };
    Ok((Seq::new(unsigned(target_seq)?), reaction))
}

impl Store {
    /// What is known of the messages in `(after, to]`.
    pub(super) async fn read_overlays(
        &self,
        conversation: ConversationId,
        after: Seq,
        to: Seq,
    ) -> Result<Vec<(Seq, Overlay)>, StoreError> {
        if to <= after {
            return Ok(Vec::new());
        }
        let buckets = self.buckets.of_seq(after.next())..=self.buckets.of_seq(to);
        let parts = buckets.map(|bucket| {
            let last = to.min(self.buckets.end(bucket));
            self.overlays_of(
                (column(bucket), number(after.get() + 1), number(last.get())),
                conversation,
            )
        });
        let found = together(parts.collect()).await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn overlays_of(
        &self,
        (bucket, from, to): Part,
        conversation: ConversationId,
    ) -> Result<Vec<(Seq, Overlay)>, StoreError> {
        let values = (conversation.as_i64(), bucket, from, to);
        let overlays = self.rows::<OverlayRow>(&self.statements.overlays, values);
        let reactions = self.rows::<ReactionRow>(&self.statements.reactions, values);
        let (overlays, reactions) = futures_util::future::try_join(overlays, reactions).await?;
        let mut found: BTreeMap<Seq, Overlay> =
            overlays.into_iter().map(read_overlay).collect::<Result<_, _>>()?;
        // Rows come in the order of their key, which is the order that an overlay has.
        for row in reactions {
            let (target_seq, reaction) = read_reaction(row)?;
            found.entry(target_seq).or_default().reactions.push(reaction);
        }
        Ok(found.into_iter().collect())
    }
}
