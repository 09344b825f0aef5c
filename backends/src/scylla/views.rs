//! Writes the projections of entries.
//!
//! The seq of an entry is the timestamp of the rows that it writes, so that the highest seq wins.
//! Of several redactions the first must win, so their timestamps fall as seqs rise. Rows are never
//! deleted: a tombstone expires, and a late write would then restore the row. A member who has left
//! keeps a row with `gone = true`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chat_core::{
    error::StoreError,
    id::{ConversationId, UserId},
    model::{Body, Cursor, Entry, Member, Role, Seq},
    projection::{Projection, erasures},
};

use super::{
    buckets::{bigint, bucket_column},
    store::{CqlStore, join_bounded},
};

/// Higher than the timestamps of all seqs. As microseconds it is a day in 2005, because stores may
/// refuse timestamps in the future.
const TIMESTAMP_TOP: i64 = 1 << 50;

/// Returns a timestamp with which the lowest seq wins.
fn falling_timestamp(seq: Seq) -> i64 {
    TIMESTAMP_TOP - bigint(seq.get())
}

/// The values of `set_sent`: timestamp, seq, ord, conversation, user.
type SentRow = (i64, i64, i64, i64, i64);

/// Returns the cursors that the senders of these entries reach by sending, ordered by conversation.
fn sender_cursors(entries: &[Entry]) -> Vec<SentRow> {
    let mut cursors: BTreeMap<(ConversationId, UserId), Cursor> = BTreeMap::new();
    for entry in entries {
        if let Projection::Cursor { user, to } = Projection::of(entry) {
            let cursor = cursors.entry((entry.conversation, user)).or_default();
            *cursor = cursor.max(to);
        }
    }
    let rows = cursors.into_iter().map(|((conversation, user), to)| {
        let seq = bigint(to.read_seq.get());
        (seq, seq, bigint(to.read_ord), conversation.as_i64(), user.as_i64())
    });
    rows.collect()
}

/// Returns the message that this entry edits or redacts, whose texts may have to be erased.
fn edited_message(entry: &Entry) -> Option<(ConversationId, Seq)> {
    Some((entry.conversation, entry.body.changed_message()?))
}

impl CqlStore {
    /// Writes the projections of these entries, but does not mark them as written.
    pub(super) async fn write_views(self: &Arc<Self>, entries: &[Entry]) -> Result<(), StoreError> {
        let cursors = sender_cursors(entries);
        let sent = cursors
            .chunk_by(|one, next| one.3 == next.3)
            .map(|rows| self.write_all(&self.statements.set_sent, rows));
        let views = entries.iter().map(|entry| self.write_view(entry));
        let sent = join_bounded(sent.collect());
        let views = join_bounded(views.collect());
        futures_util::future::try_join(sent, views).await?;
        self.erase_redacted(entries).await
    }

    async fn write_view(&self, entry: &Entry) -> Result<(), StoreError> {
        match Projection::of(entry) {
            Projection::Member(member) => self.write_member(entry, &member, false).await,
            Projection::Gone(user) => {
                let role = Role::Member;
                let gone = Member {
                    user,
                    role,
                    needs_consent: false,
                    joined_seq: Seq::ZERO,
                    joined_ord: 0,
                };
                self.write_member(entry, &gone, true).await
            }
            Projection::Title(title) => {
                let values = (bigint(entry.seq.get()), &*title, entry.conversation.as_i64());
                self.write(&self.statements.set_title, values).await
            }
            Projection::Overlay { target_seq } => self.write_overlay(entry, target_seq).await,
            Projection::Cursor { .. } => Ok(()),
        }
    }

    async fn write_member(
        &self,
        entry: &Entry,
        member: &Member,
        is_gone: bool,
    ) -> Result<(), StoreError> {
        let values = (
            entry.conversation.as_i64(),
            member.user.as_i64(),
            is_gone,
            member.code().cast_signed(),
            bigint(member.joined_seq.get()),
            bigint(member.joined_ord),
            bigint(entry.seq.get()),
        );
        let member = self.write(&self.statements.set_member, values);
        let membership = self.write(&self.statements.set_membership, values);
        futures_util::future::try_join(member, membership).await.map(drop)
    }

    async fn write_overlay(&self, entry: &Entry, target_seq: Seq) -> Result<(), StoreError> {
        let row = self.overlay_row(entry.conversation, target_seq);
        let seq = bigint(entry.seq.get());
        match &entry.body {
            Body::Edited { text, .. } => {
                let text = text.as_deref().unwrap_or_default();
                let values = (seq, seq, entry.at.as_millis(), text, vec![seq], row.0, row.1, row.2);
                self.write(&self.statements.set_edit, values).await
            }
            Body::Redacted { .. } => {
                let values = (falling_timestamp(entry.seq), seq, row.0, row.1, row.2);
                self.write(&self.statements.set_redacted, values).await
            }
            Body::Reaction { emoji, on, .. } => {
                let user = entry.sender.as_i64();
                let values = (seq, *on, seq, row.0, row.1, row.2, &**emoji, user);
                self.write(&self.statements.set_reaction, values).await
            }
            Body::Text { .. }
            | Body::Joined { .. }
            | Body::Left { .. }
            | Body::Role { .. }
            | Body::Title { .. } => Ok(()),
        }
    }

    fn overlay_row(&self, conversation: ConversationId, target_seq: Seq) -> (i64, i32, i64) {
        let bucket = bucket_column(self.buckets.of_seq(target_seq));
        (conversation.as_i64(), bucket, bigint(target_seq.get()))
    }

    /// Erases the texts of redacted messages. Runs after edits and redactions are written: if two
    /// gateways write an edit and a redaction at the same moment, at least one of them sees both.
    async fn erase_redacted(self: &Arc<Self>, entries: &[Entry]) -> Result<(), StoreError> {
        let targets: BTreeSet<_> = entries.iter().filter_map(edited_message).collect();
        let looks = targets.into_iter().map(async |(conversation, target_seq)| {
            Ok((conversation, self.texts_to_erase(conversation, target_seq).await?))
        });
        let mut erased: BTreeMap<ConversationId, Vec<Seq>> = BTreeMap::new();
        for (conversation, seqs) in join_bounded(looks.collect()).await? {
            erased.entry(conversation).or_default().extend(seqs);
        }
        for (conversation, seqs) in erased {
            self.erase(conversation, &seqs).await?;
        }
        Ok(())
    }

    /// Returns the entries whose texts must be erased because the message is redacted.
    async fn texts_to_erase(
        &self,
        conversation: ConversationId,
        target_seq: Seq,
    ) -> Result<Vec<Seq>, StoreError> {
        let found = self.read_overlays(conversation, target_seq.previous(), target_seq).await?;
        let Some((_, overlay)) = found.into_iter().next() else { return Ok(Vec::new()) };
        let erased = erasures(target_seq, &overlay);
        if !erased.is_empty() {
            let row = self.overlay_row(conversation, target_seq);
            let values = (TIMESTAMP_TOP, row.0, row.1, row.2);
            self.write(&self.statements.erase_edit, values).await?;
        }
        Ok(erased)
    }
}
