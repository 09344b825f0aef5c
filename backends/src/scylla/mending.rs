//! Projections that are complete, and those that somebody left behind.
//!
//! The head says which entry with projections is the newest (`projected_seq` there), and the
//! conversation's row up to which entry they are all written (`projected_seq` there). Nobody moves
//! the latter past entries that were not projected: an append's own entries move it on only from
//! the entry with projections before them. So a gateway that was killed between the append and its
//! projections leaves it behind for all to see, and the next reader of a view writes what is
//! missing. It costs nothing where nothing is missing: what is complete once stays so.

use std::sync::Arc;

use chat_core::{
    error::StoreError,
    id::ConversationId,
    model::{Entry, Seq},
};

use super::{buckets::number, heads::unsigned, store::Store};

/// Entries that are read at once to be projected again.
const PART: usize = 512;

impl Store {
    /// [`chat_core::port::Conversations::project`].
    pub(super) async fn project(self: &Arc<Self>, entries: &[Entry]) -> Result<(), StoreError> {
        self.write_views(entries).await?;
        let newest = entries.iter().filter(|entry| entry.body.is_projected()).map(|one| one.seq);
        let (Some(newest), Some(first)) = (newest.max(), entries.first()) else { return Ok(()) };
        if !is_run(entries) {
            return Ok(());
        }
        let conversation = first.conversation;
        let facts = self.known.of(conversation);
        let Some(before) = facts.projected_at(first.seq.previous()) else { return Ok(()) };
        if facts.projected < before && self.projected(conversation).await? < before {
            return Ok(());
        }
        self.move_projected(conversation, newest).await
    }

    /// Up to where projections are complete, as the store knows.
    async fn projected(&self, conversation: ConversationId) -> Result<Seq, StoreError> {
        let row: Option<(Option<String>, Option<i64>)> =
            self.row(&self.statements.view, (conversation.as_i64(),)).await?;
        let found = row.and_then(|(_, seq)| seq).unwrap_or_default();
        let found = Seq::new(unsigned(found)?);
        self.complete(conversation, found);
        Ok(found)
    }

    /// Remembers that projections are complete up to there.
    fn complete(&self, conversation: ConversationId, to: Seq) {
        self.known.learn(conversation, |facts| facts.projected = facts.projected.max(to));
    }

    pub(super) async fn move_projected(
        &self,
        conversation: ConversationId,
        to: Seq,
    ) -> Result<(), StoreError> {
        let seq = number(to.get());
        self.write(&self.statements.set_projected, (seq, seq, conversation.as_i64())).await?;
        self.complete(conversation, to);
        Ok(())
    }

    /// Writes projections again that are missing below the newest head seen here.
    pub(super) async fn mend(
        self: &Arc<Self>,
        conversation: ConversationId,
    ) -> Result<(), StoreError> {
        let facts = self.known.of(conversation);
        let wanted = facts.to_project;
        if facts.projected >= wanted {
            return Ok(());
        }
        let mut done = self.projected(conversation).await?;
        if done >= wanted {
            return Ok(());
        }
        tracing::info!(conversation.id = %conversation, %done, %wanted, "mending views");
        while done < wanted {
            let entries = self.read(conversation, done, wanted, PART).await?;
            let Some(last) = entries.last() else { return Ok(()) };
            self.write_views(&entries).await?;
            done = last.seq;
        }
        self.move_projected(conversation, wanted).await
    }
}

/// Whether entries follow one another in one log.
fn is_run(entries: &[Entry]) -> bool {
    entries.windows(2).all(|pair| {
        pair[0].seq.next() == pair[1].seq && pair[0].conversation == pair[1].conversation
    })
}
