//! Reads overlays: one row for the edits and the redaction of a message, and one row for each of
//! its reactions by emoji and user.

use std::{collections::BTreeMap, sync::Arc};

use chat_core::{
    error::StoreError,
    id::{ConversationId, UserId},
    model::{Edit, Overlay, Reaction, Seq},
    time::Timestamp,
};
use scylla::DeserializeRow;

use super::{
    buckets::{bigint, bucket_column},
    rows::{corrupt, read_seq},
    store::{CqlStore, join_bounded},
};

#[derive(DeserializeRow)]
struct OverlayRow {
    target_seq: i64,
    /// The newest edit.
    edit_seq: Option<i64>,
    edit_at: Option<i64>,
    edit_text: Option<String>,
    /// All edits.
    edit_seqs: Option<Vec<i64>>,
    redacted_seq: Option<i64>,
}

#[derive(DeserializeRow)]
struct ReactionRow {
    target_seq: i64,
    emoji: String,
    user: i64,
    on_: bool,
    seq: i64,
}

fn read_overlay(row: OverlayRow) -> Result<(Seq, Overlay), StoreError> {
    let redacted = row.redacted_seq.map(read_seq).transpose()?;
    let text: Option<Arc<str>> = row.edit_text.filter(|_| redacted.is_none()).map(Arc::from);
    let at = Timestamp::from_millis(row.edit_at.unwrap_or_default());
    let edited = row.edit_seq.map(|seq| Ok(Edit { seq: read_seq(seq)?, at, text })).transpose()?;
    let edit_seqs = row.edit_seqs.unwrap_or_default().into_iter();
    let mut edit_seqs = edit_seqs.map(read_seq).collect::<Result<Vec<_>, _>>()?;
    edit_seqs.sort_unstable();
    let overlay = Overlay { edited, edit_seqs, redacted, reactions: Vec::new() };
    Ok((read_seq(row.target_seq)?, overlay))
}

fn read_reaction(row: ReactionRow) -> Result<(Seq, Reaction), StoreError> {
    let user = UserId::from_i64(row.user).ok_or_else(|| corrupt("a reaction without a user"))?;
    let seq = read_seq(row.seq)?;
    let reaction = Reaction { emoji: row.emoji.into(), user, on: row.on_, seq };
    Ok((read_seq(row.target_seq)?, reaction))
}

impl CqlStore {
    /// Returns the overlays of the messages in `(after, to]`.
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
        let parts = buckets.map(async |bucket| {
            let last = to.min(self.buckets.end(bucket));
            let values = (
                conversation.as_i64(),
                bucket_column(bucket),
                bigint(after.get() + 1),
                bigint(last.get()),
            );
            let overlays = self.rows::<OverlayRow>(&self.statements.overlays, values);
            let reactions = self.rows::<ReactionRow>(&self.statements.reactions, values);
            let (overlays, reactions) = futures_util::future::try_join(overlays, reactions).await?;
            let mut found: BTreeMap<Seq, Overlay> =
                overlays.into_iter().map(read_overlay).collect::<Result<_, _>>()?;
            // Rows are ordered by emoji and user, as the reactions of an overlay must be.
            for row in reactions {
                let (target_seq, reaction) = read_reaction(row)?;
                found.entry(target_seq).or_default().reactions.push(reaction);
            }
            Ok(found)
        });
        Ok(join_bounded(parts.collect()).await?.into_iter().flatten().collect())
    }
}
