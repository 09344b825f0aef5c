//! Projections that are complete, and those that somebody left behind.
//!
//! The head says which entry with projections is the newest (`projected_seq` there), and the
//! conversation's row up to which entry they are all written (`projected_seq` there). Nobody moves
//! the latter past entries that were not projected: an append's own entries move it on only from
//! the entry with projections before them. So a gateway that was killed between the append and its
//! projections leaves it behind for all to see, and the next reader of a view writes what is
//! missing. It costs nothing where nothing is missing: what is complete once stays so.
//!
//! Mending may take longer than one call has. It is a task of its own, one for each conversation,
//! for which all callers wait as long as they can; each part that is written is kept as complete, so
//! that whoever comes next goes on from there.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chat_core::{
    error::StoreError,
    id::ConversationId,
    model::{Entry, Seq},
};
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};

use super::{
    buckets::number,
    heads::unsigned,
    store::{Store, corrupt},
};

/// Entries that are read at once to be projected again.
const PART: usize = 512;

/// What somebody who waits for a mending waits for.
type Mend = Shared<BoxFuture<'static, Result<(), StoreError>>>;

/// The mendings that run.
#[derive(Default)]
pub(super) struct Mends(Mutex<HashMap<ConversationId, Mend>>);

impl std::fmt::Debug for Mends {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("mends")
    }
}

impl Mends {
    fn lock(&self) -> MutexGuard<'_, HashMap<ConversationId, Mend>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A mending that runs; it is none any more however it ends.
struct Running(Arc<Store>, ConversationId);

impl Running {
    async fn run(&self) -> Result<(), StoreError> {
        let Self(store, conversation) = self;
        let mended = store.shutdown.run_until_cancelled(store.mend_now(*conversation)).await;
        mended.unwrap_or_else(|| Err(StoreError::Unavailable("closing".to_owned())))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.mends.lock().remove(&self.1);
    }
}

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

    /// Waits until no projection is missing below the newest head seen here.
    pub(super) async fn mend(
        self: &Arc<Self>,
        conversation: ConversationId,
    ) -> Result<(), StoreError> {
        loop {
            let facts = self.known.of(conversation);
            if facts.projected >= facts.to_project {
                return Ok(());
            }
            self.mending(conversation).await?;
        }
    }

    /// The mending of a conversation, begun if none runs.
    fn mending(self: &Arc<Self>, conversation: ConversationId) -> Mend {
        let mut mends = self.mends.lock();
        if let Some(mend) = mends.get(&conversation) {
            return mend.clone();
        }
        let store = self.clone();
        // It begins when it is first waited for, and then ends by itself.
        let mend = async move {
            let running = Running(store.clone(), conversation);
            let task = store.tasks.spawn(async move { running.run().await });
            task.await
                .unwrap_or_else(|error| Err(StoreError::Unavailable(format!("mending: {error}"))))
        };
        let mend = mend.boxed().shared();
        mends.insert(conversation, mend.clone());
        mend
    }

    /// Writes projections again that are missing below the newest head seen here.
    async fn mend_now(self: &Arc<Self>, conversation: ConversationId) -> Result<(), StoreError> {
        let wanted = self.known.of(conversation).to_project;
        let mut done = self.projected(conversation).await?;
        if done < wanted {
            tracing::info!(conversation.id = %conversation, %done, %wanted, "mending views");
        }
        while done < wanted {
            let entries = self.read(conversation, done, wanted, PART).await?;
            let ended = || corrupt(format!("conversation {conversation} ends before {wanted:?}"));
            done = entries.last().ok_or_else(ended)?.seq;
            self.write_views(&entries).await?;
            self.move_projected(conversation, done).await?;
        }
        Ok(())
    }
}

/// Whether entries follow one another in one log.
fn is_run(entries: &[Entry]) -> bool {
    entries.windows(2).all(|pair| {
        pair[0].seq.next() == pair[1].seq && pair[0].conversation == pair[1].conversation
    })
}
