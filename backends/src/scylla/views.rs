//! Writing what entries change besides the log.
//!
//! Each row is written with the seq of the entry behind it as its timestamp, so that the highest
//! seq wins. What must stay the first instead, a redaction, has a timestamp that falls as seqs rise.
//! Nothing is ever deleted: a tombstone is forgotten in time, and a late write would come through;
//! who has gone is a row that says so.

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
    buckets::{column, number},
    store::{Store, together},
};

/// Above the timestamps of all seqs, and in the past for every clock: stores may refuse timestamps
/// of the future. In microseconds it is a day of 2005.
const TIMESTAMP_TOP: i64 = 1 << 50;

/// The timestamp with which the lowest seq wins.
fn falling(seq: Seq) -> i64 {
    TIMESTAMP_TOP - number(seq.get())
}

/// The values of `set_sent`: timestamp, seq, ord, conversation, user.
type SentRow = (i64, i64, i64, i64, i64);

/// How far those have got by sending who sent some of these, ascending by conversation.
fn sent(entries: &[Entry]) -> Vec<SentRow> {
    let mut cursors: BTreeMap<(ConversationId, UserId), Cursor> = BTreeMap::new();
    for entry in entries {
        if let Projection::Cursor { user, to } = Projection::of(entry) {
            let cursor = cursors.entry((entry.conversation, user)).or_default();
            *cursor = cursor.max(to);
        }
    }
    let rows = cursors.into_iter().map(|((conversation, user), to)| {
        let seq = number(to.read_seq.get());
        (seq, seq, number(to.read_ord), conversation.as_i64(), user.as_i64())
    });
    rows.collect()
}

/// The message whose texts may have to go with this entry.
fn may_erase(entry: &Entry) -> Option<(ConversationId, Seq)> {
    match &entry.body {
        Body::Edited { target_seq, .. } | Body::Redacted { target_seq } => {
            Some((entry.conversation, *target_seq))
        }
        Body::Text { .. }
        | Body::Reaction { .. }
        | Body::Joined { .. }
        | Body::Left { .. }
        | Body::Role { .. }
        | Body::Title { .. } => None,
    }
}

impl Store {
    /// Writes what these entries change. How far projections are complete is not touched.
    pub(super) async fn write_views(self: &Arc<Self>, entries: &[Entry]) -> Result<(), StoreError> {
        let sent = sent(entries);
        let sent = sent.chunk_by(|one, next| one.3 == next.3);
        let sent = sent.map(|rows| self.write_all(&self.statements.set_sent, rows));
        let views = entries.iter().map(|entry| self.write_view(entry));
        let (sent, views) = (together(sent.collect()), together(views.collect()));
        futures_util::future::try_join(sent, views).await?;
        self.erase_redacted(entries).await
    }

    async fn write_view(&self, entry: &Entry) -> Result<(), StoreError> {
        match Projection::of(entry) {
            Projection::Member(member) => self.write_member(entry, &member, false).await,
            Projection::Gone(user) => {
                let role = Role::Member;
                let gone = Member { user, role, joined_seq: Seq::ZERO, joined_ord: 0 };
                self.write_member(entry, &gone, true).await
            }
            Projection::Title(title) => {
                let values = (number(entry.seq.get()), &*title, entry.conversation.as_i64());
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
            member.role.code().cast_signed(),
            number(member.joined_seq.get()),
            number(member.joined_ord),
            number(entry.seq.get()),
        );
        let member = self.write(&self.statements.set_member, values);
        let membership = self.write(&self.statements.set_membership, values);
        futures_util::future::try_join(member, membership).await.map(drop)
    }

    async fn write_overlay(&self, entry: &Entry, target_seq: Seq) -> Result<(), StoreError> {
        let row = self.overlay_row(entry.conversation, target_seq);
        let seq = number(entry.seq.get());
        match &entry.body {
            Body::Edited { text, .. } => {
                let text = text.as_deref().unwrap_or_default();
                let values = (seq, seq, entry.at.as_millis(), text, vec![seq], row.0, row.1, row.2);
                self.write(&self.statements.set_edit, values).await
            }
            Body::Redacted { .. } => {
                let values = (falling(entry.seq), seq, row.0, row.1, row.2);
                self.write(&self.statements.set_redacted, values).await
            }
            Body::Reaction { emoji, on, .. } => self.write_reaction(entry, row, emoji, *on).await,
            Body::Text { .. }
            | Body::Joined { .. }
            | Body::Left { .. }
            | Body::Role { .. }
            | Body::Title { .. } => Ok(()),
        }
    }

    fn overlay_row(&self, conversation: ConversationId, target_seq: Seq) -> (i64, i32, i64) {
        let bucket = column(self.buckets.of_seq(target_seq));
        (conversation.as_i64(), bucket, number(target_seq.get()))
    }

    /// Takes out the texts of messages that are redacted. To be called when edits and redactions
    /// are written: of two at the same moment, each on another gateway, at least one sees both.
    async fn erase_redacted(self: &Arc<Self>, entries: &[Entry]) -> Result<(), StoreError> {
        let targets: BTreeSet<_> = entries.iter().filter_map(may_erase).collect();
        let looks = targets.into_iter().map(async |(conversation, target_seq)| {
            Ok((conversation, self.redacted(conversation, target_seq).await?))
        });
        let mut erased: BTreeMap<ConversationId, Vec<Seq>> = BTreeMap::new();
        for (conversation, seqs) in together(looks.collect()).await? {
            erased.entry(conversation).or_default().extend(seqs);
        }
        for (conversation, seqs) in erased {
            self.erase(conversation, &seqs).await?;
        }
        Ok(())
    }

    /// The entries whose texts have to go with this message, if it is redacted.
    async fn redacted(
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

    async fn write_reaction(
        &self,
        entry: &Entry,
        (conversation, bucket, target_seq): (i64, i32, i64),
        emoji: &str,
        on: bool,
    ) -> Result<(), StoreError> {
        let (seq, user) = (number(entry.seq.get()), entry.sender.as_i64());
        let newest = (seq, on, seq, conversation, bucket, target_seq, emoji, user);
        self.write(&self.statements.set_reaction, newest).await
    }
}
