//! Repairs projections that were not written.
//!
//! The head names the newest entry with projections. The conversation's row names the entry up to
//! which all projections are written, its `projected_seq`. An append moves that mark only if the
//! mark has reached the entry with projections before it. A gateway that is killed between an
//! append and its projections therefore leaves the mark behind, where everybody sees it. The next
//! reader of a view writes what is missing. Readers pay nothing if nothing is missing, because
//! complete projections stay complete.
//!
//! A repair may take longer than one call has. It is a detached task, one for each conversation.
//! All callers wait for it until their deadlines. The mark moves after each part, so that a later
//! repair continues from there.

use std::{collections::HashMap, fmt, sync::Arc};

use chat_core::{
    error::StoreError,
    id::ConversationId,
    model::{Entry, Seq},
};
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use parking_lot::Mutex;

use super::{
    buckets::bigint,
    rows::{corrupt, read_u64},
    store::CqlStore,
};

/// How many entries are read and projected at once.
const PART: usize = 512;

/// The outcome of a repair, for all who wait for it.
type SharedRepair = Shared<BoxFuture<'static, Result<(), StoreError>>>;

/// The repairs that run.
#[derive(Default)]
pub(super) struct Repairs(Mutex<HashMap<ConversationId, SharedRepair>>);

impl fmt::Debug for Repairs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repairs").finish_non_exhaustive()
    }
}

/// Removes the running repair when dropped.
struct RepairGuard {
    store: Arc<CqlStore>,
    conversation: ConversationId,
}

impl Drop for RepairGuard {
    fn drop(&mut self) {
        self.store.repairs.0.lock().remove(&self.conversation);
    }
}

impl CqlStore {
    /// [`chat_core::port::Conversations::project`].
    pub(super) async fn project(self: &Arc<Self>, entries: &[Entry]) -> Result<(), StoreError> {
        self.write_views(entries).await?;
        let newest = entries.iter().filter(|entry| entry.body.is_projected()).map(|one| one.seq);
        let (Some(newest), Some(first)) = (newest.max(), entries.first()) else { return Ok(()) };
        let is_contiguous = entries.windows(2).all(|pair| {
            pair[0].seq.next() == pair[1].seq && pair[0].conversation == pair[1].conversation
        });
        if !is_contiguous {
            return Ok(());
        }
        let conversation = first.conversation;
        let marks = self.watermarks.of(conversation);
        let Some(before) = marks.projected_at(first.seq.previous()) else { return Ok(()) };
        if marks.projected < before && self.read_projected(conversation).await? < before {
            return Ok(());
        }
        self.write_projected(conversation, newest).await
    }

    /// Reads the seq up to which all projections are written.
    async fn read_projected(&self, conversation: ConversationId) -> Result<Seq, StoreError> {
        let row: Option<(Option<String>, Option<i64>)> =
            self.row(&self.statements.view, (conversation.as_i64(),)).await?;
        let stored = row.and_then(|(_, seq)| seq).unwrap_or_default();
        let projected = Seq::new(read_u64(stored)?);
        self.remember_projected(conversation, projected);
        Ok(projected)
    }

    /// Stores that all projections up to there are written.
    pub(super) async fn write_projected(
        &self,
        conversation: ConversationId,
        to: Seq,
    ) -> Result<(), StoreError> {
        let seq = bigint(to.get());
        self.write(&self.statements.set_projected, (seq, seq, conversation.as_i64())).await?;
        self.remember_projected(conversation, to);
        Ok(())
    }

    fn remember_projected(&self, conversation: ConversationId, to: Seq) {
        self.watermarks.update(conversation, |marks| marks.projected = marks.projected.max(to));
    }

    /// Waits until all projections up to the newest head seen here are written.
    pub(super) async fn repair(
        self: &Arc<Self>,
        conversation: ConversationId,
    ) -> Result<(), StoreError> {
        loop {
            let marks = self.watermarks.of(conversation);
            if marks.projected >= marks.to_project {
                return Ok(());
            }
            self.running_repair(conversation).await?;
        }
    }

    /// Returns the running repair of a conversation, or starts one.
    fn running_repair(self: &Arc<Self>, conversation: ConversationId) -> SharedRepair {
        let mut repairs = self.repairs.0.lock();
        if let Some(running) = repairs.get(&conversation) {
            return running.clone();
        }
        let store = self.clone();
        // The task starts at the first poll, and continues when its callers are dropped.
        let repair = async move {
            let tasks = store.tasks.clone();
            let guard = RepairGuard { store, conversation };
            let task = tasks.spawn(async move {
                let repair = guard.store.write_missing_views(conversation);
                let repaired = guard.store.shutdown.run_until_cancelled(repair).await;
                repaired.unwrap_or_else(|| Err(StoreError::Unavailable("shutting down".to_owned())))
            });
            let failed = |error| Err(StoreError::Unavailable(format!("repair: {error}")));
            task.await.unwrap_or_else(failed)
        };
        let repair = repair.boxed().shared();
        repairs.insert(conversation, repair.clone());
        repair
    }

    async fn write_missing_views(
        self: &Arc<Self>,
        conversation: ConversationId,
    ) -> Result<(), StoreError> {
        let wanted = self.watermarks.of(conversation).to_project;
        let mut done = self.read_projected(conversation).await?;
        if done < wanted {
            tracing::info!(conversation.id = %conversation, %done, %wanted, "repairing views");
        }
        while done < wanted {
            let entries = self.read(conversation, done, wanted, PART).await?;
            let ended = || corrupt(format!("conversation {conversation} ends before {wanted:?}"));
            done = entries.last().ok_or_else(ended)?.seq;
            self.write_views(&entries).await?;
            self.write_projected(conversation, done).await?;
        }
        Ok(())
    }
}
