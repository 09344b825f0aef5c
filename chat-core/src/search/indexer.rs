//! Keeps the index up to date with the logs.
//!
//! The appender notes the conversations that it has written to. One task takes their new entries into
//! the index every two seconds. Another one compares the heads of all logs with the marks of the index: when
//! the gateway starts, because an earlier one may have been killed, and again after notes were lost.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{
    StreamExt, TryStreamExt,
    future::{BoxFuture, try_join},
    stream,
};
use metrics::{counter, histogram};
use parking_lot::Mutex;
use tokio::{
    sync::Notify,
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::documents::documents;
use crate::{
    error::StoreError,
    id::{ConversationId, UserId},
    id_map::IdSet,
    limits::{HEADS_MAX, STORE_PAUSE},
    model::{Overlay, Seq},
    port::{Claim, IndexedPart, Replies, ReplyKey, Search, SearchError, Stores},
    ports::Ports,
    time::Clock,
};

/// How often new entries are taken into the index. A commit writes about ten files, however little is new.
const INDEX_EVERY: Duration = Duration::from_secs(2);
/// How often a gateway of a fleet asks whether it is its turn to compare all heads.
const CLAIM_EVERY: Duration = Duration::from_secs(5);
/// The maximum number of conversations that are noted. More are found by comparing all heads.
const NOTED_MAX: usize = 64 * 1024;
/// The number of entries of one conversation that are read at once.
const PART_ENTRIES: usize = 128;
/// The number of conversations that are read at the same time.
const PARTS_AT_ONCE: usize = 4;
/// The number of documents, and of bytes of text, that go into the index at once.
const BATCH_DOCUMENTS: usize = 32 * 1024;
const BATCH_BYTES: usize = 8 * 1024 * 1024;

/// The conversations whose logs may be ahead of the index.
#[derive(Debug, Default)]
pub(crate) struct Unindexed {
    noted: Mutex<Noted>,
    /// Notified when all heads have to be compared.
    lost: Notify,
    /// True if the index has to be cleared first.
    is_damaged: AtomicBool,
}

#[derive(Debug, Default)]
struct Noted {
    conversations: IdSet<ConversationId>,
    /// When the first of them was noted.
    since: Option<Instant>,
    is_followed: bool,
}

impl Unindexed {
    /// Notes that a conversation has new entries.
    pub(crate) fn note(&self, conversation: ConversationId) {
        let mut noted = self.noted.lock();
        if !noted.is_followed {
            return;
        }
        if noted.conversations.len() < NOTED_MAX {
            noted.conversations.insert(conversation);
            noted.since.get_or_insert_with(Instant::now);
        } else if !noted.conversations.contains(&conversation) {
            self.lost.notify_one();
        }
    }

    /// Has a damaged index cleared and made again.
    pub(crate) fn make_again(&self) {
        self.is_damaged.store(true, Ordering::Release);
        self.lost.notify_one();
    }

    /// Takes what was noted, and when the first of it was.
    fn take(&self) -> (Vec<ConversationId>, Option<Instant>) {
        let mut noted = self.noted.lock();
        let conversations = std::mem::take(&mut noted.conversations);
        (conversations.into_iter().collect(), noted.since.take())
    }
}

/// The reason why nothing was indexed.
#[derive(Debug, thiserror::Error)]
pub enum IndexingError {
    /// The logs could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The index did not answer.
    #[error(transparent)]
    Search(#[from] SearchError),
}

/// How much a rebuild has indexed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Indexed {
    /// Count of conversations.
    pub conversations: u64,
    /// Count of messages.
    pub messages: u64,
}

/// Makes the index again from the logs alone.
pub fn rebuild<'a>(
    stores: &'a Stores,
    search: &'a dyn Search,
) -> BoxFuture<'a, Result<Indexed, IndexingError>> {
    Box::pin(async move {
        search.clear().await?;
        Indexer { stores, search }.compare_all().await
    })
}

/// Starts the tasks that keep the index up to date, until the shutdown.
pub(crate) fn start(
    ports: &Ports,
    search: Arc<dyn Search>,
    unindexed: Arc<Unindexed>,
    tasks: &TaskTracker,
    shutdown: &CancellationToken,
) {
    unindexed.noted.lock().is_followed = true;
    let stores = &ports.stores;
    let follow = follow(stores.clone(), search.clone(), unindexed.clone());
    tasks.spawn(shutdown.clone().run_until_cancelled_owned(follow));
    let turns = ports.bus.has_others().then(|| FleetTurns::new(ports));
    let compare = compare(stores.clone(), search, unindexed, turns);
    tasks.spawn(shutdown.clone().run_until_cancelled_owned(compare));
}

/// Takes what is new into the index, again and again.
async fn follow(stores: Stores, search: Arc<dyn Search>, unindexed: Arc<Unindexed>) {
    let indexer = Indexer { stores: &stores, search: &*search };
    let mut ticks = interval(INDEX_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let (conversations, since) = unindexed.take();
        if let Err(error) = indexer.index(&conversations).await {
            tracing::warn!(%error, "messages are not searchable for now");
            if matches!(error, IndexingError::Search(SearchError::Damaged(_))) {
                unindexed.make_again();
            }
            for conversation in conversations {
                unindexed.note(conversation);
            }
        } else if let Some(since) = since {
            histogram!("confab_search_lag_seconds").record(since.elapsed());
        }
    }
}

/// Compares all heads with the index: now, and each time notes were lost. In a fleet also when it is this
/// gateway's turn, because another one may have been killed.
async fn compare(
    stores: Stores,
    search: Arc<dyn Search>,
    unindexed: Arc<Unindexed>,
    turns: Option<FleetTurns>,
) {
    let indexer = Indexer { stores: &stores, search: &*search };
    loop {
        if let Some(turns) = &turns {
            turns.next(&unindexed.lost).await;
        }
        let compared = if unindexed.is_damaged.swap(false, Ordering::AcqRel) {
            rebuild(&stores, &*search).await
        } else {
            indexer.compare_all().await
        };
        match compared {
            Ok(Indexed { conversations, messages }) => {
                tracing::debug!(conversations, messages, "the index is complete");
                if turns.is_none() {
                    unindexed.lost.notified().await;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the index may be incomplete");
                if matches!(error, IndexingError::Search(SearchError::Damaged(_))) {
                    unindexed.is_damaged.store(true, Ordering::Release);
                }
                sleep(STORE_PAUSE).await;
            }
        }
    }
}

/// The turns in which the gateways of a fleet compare all heads. One of them starts at a time: it claims
/// a key in the store, and the claim ends after [`crate::limits::REPLY_CLAIM_TTL`] by itself.
struct FleetTurns {
    replies: Arc<dyn Replies>,
    clock: Arc<dyn Clock>,
}

impl FleetTurns {
    fn new(ports: &Ports) -> Self {
        Self { replies: ports.stores.replies.clone(), clock: ports.wall_clock.clone() }
    }

    /// Waits for this gateway's turn, or until notes are lost here.
    async fn next(&self, lost: &Notify) {
        while !self.claim().await {
            // Jitter: gateways that started together must not ask together.
            let pause = CLAIM_EVERY + self.clock.fresh_id().jitter(CLAIM_EVERY);
            if timeout(pause, lost.notified()).await.is_ok() {
                return;
            }
        }
    }

    async fn claim(&self) -> bool {
        let fresh = self.clock.fresh_id();
        let Some(user) = UserId::new(u64::MAX >> 1) else { return false };
        let key = ReplyKey { user, key: "compare the index with the logs".into() };
        let claimed = self.replies.claim(&key, [0; 32], fresh.into(), self.clock.now()).await;
        matches!(claimed, Ok(Claim::Yours(_)))
    }
}

struct Indexer<'a> {
    stores: &'a Stores,
    search: &'a dyn Search,
}

/// A part of a log that the index lacks: `(mark, head]`.
#[derive(Debug, Clone, Copy)]
struct Missing {
    conversation: ConversationId,
    mark: Seq,
    head: Seq,
}

/// What goes into the index at once.
#[derive(Debug, Default)]
struct Batch {
    parts: Vec<IndexedPart>,
    documents: usize,
    bytes: usize,
}

impl Batch {
    fn add(&mut self, part: IndexedPart) {
        let texts = part.documents.iter().filter_map(|document| document.text.as_ref());
        self.bytes += texts.map(|text| text.len()).sum::<usize>();
        self.documents += part.documents.len();
        self.parts.push(part);
    }

    const fn is_full(&self) -> bool {
        self.documents >= BATCH_DOCUMENTS || self.bytes >= BATCH_BYTES
    }
}

impl Indexer<'_> {
    /// Takes what all logs have after their marks into the index.
    async fn compare_all(&self) -> Result<Indexed, IndexingError> {
        let mut sum = Indexed::default();
        let mut after = None;
        loop {
            let page = self.stores.conversations.all(after, HEADS_MAX).await?;
            let Some(last) = page.last() else { return Ok(sum) };
            after = Some(*last);
            sum.conversations += page.len() as u64;
            sum.messages += self.index(&page).await?;
        }
    }

    /// Takes what these logs have after their marks into the index, and returns the number of messages.
    async fn index(&self, conversations: &[ConversationId]) -> Result<u64, IndexingError> {
        let mut messages = 0;
        for part in conversations.chunks(HEADS_MAX) {
            let mut missing = self.missing(part).await?;
            while !missing.is_empty() {
                messages += self.index_once(&mut missing).await?;
            }
        }
        Ok(messages)
    }

    async fn missing(&self, part: &[ConversationId]) -> Result<Vec<Missing>, IndexingError> {
        let marks = self.search.marks(part).await?;
        let heads = self.stores.log.heads(part).await?;
        let missing = part
            .iter()
            .zip(marks.into_iter().zip(heads))
            .map(|(&conversation, (mark, head))| Missing { conversation, mark, head: head.seq });
        Ok(missing.filter(|one| one.mark < one.head).collect())
    }

    /// Indexes one batch, and keeps in `missing` what is left. Returns the number of messages.
    async fn index_once(&self, missing: &mut Vec<Missing>) -> Result<u64, IndexingError> {
        let mut batch = Batch::default();
        while !missing.is_empty() && !batch.is_full() {
            self.read_once(missing, &mut batch).await?;
            missing.retain(|one| one.mark < one.head);
        }
        self.search.index(&batch.parts).await?;
        counter!("confab_search_indexed_total").increment(batch.documents as u64);
        Ok(batch.documents as u64)
    }

    /// Adds the next part of each log to a batch, until it is full.
    async fn read_once(
        &self,
        missing: &mut [Missing],
        batch: &mut Batch,
    ) -> Result<(), IndexingError> {
        let unread = missing.to_vec();
        let reads = unread.into_iter().map(|one| self.read(one));
        let mut reads = std::pin::pin!(stream::iter(reads).buffered(PARTS_AT_ONCE));
        let mut left = missing.iter_mut();
        while !batch.is_full()
            && let Some((part, one)) = reads.try_next().await?.zip(left.next())
        {
            one.mark = part.to;
            batch.add(part);
        }
        Ok(())
    }

    /// Reads the next part of a log.
    async fn read(&self, missing: Missing) -> Result<IndexedPart, IndexingError> {
        let Missing { conversation, mark, head } = missing;
        let entries = self.stores.log.read(conversation, mark, head, PART_ENTRIES).await?;
        let to = entries.last().map_or(head, |last| last.seq);
        let mut earlier: Vec<Seq> =
            entries.iter().filter_map(|entry| entry.body.changed_message()).collect();
        earlier.retain(|target| *target <= mark);
        earlier.sort_unstable();
        earlier.dedup();
        let mut overlays = self.overlays(conversation, mark, to).await?;
        let mut targets = Vec::new();
        for seq in earlier {
            let (target, overlay) = try_join(
                self.stores.log.read(conversation, seq.previous(), seq, 1),
                self.overlays(conversation, seq.previous(), seq),
            )
            .await?;
            targets.extend(target);
            overlays.extend(overlay);
        }
        let documents = documents(&entries, &targets, overlays);
        Ok(IndexedPart { conversation, to, documents })
    }

    async fn overlays(
        &self,
        conversation: ConversationId,
        after: Seq,
        to: Seq,
    ) -> Result<HashMap<Seq, Overlay>, StoreError> {
        let found = self.stores.conversations.overlays(conversation, after, to).await?;
        Ok(found.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn all_heads_are_compared_when_too_many_conversations_are_noted() {
        let unindexed = Unindexed::default();
        let conversation = |number| ConversationId::new(number).unwrap();
        unindexed.note(conversation(1));
        assert_eq!(unindexed.take().0, [], "nobody follows");
        unindexed.noted.lock().is_followed = true;
        for number in 1..=NOTED_MAX as u64 {
            unindexed.note(conversation(number));
        }
        assert!(unindexed.lost.notified().now_or_never().is_none());
        unindexed.note(conversation(u64::MAX >> 1));
        assert!(unindexed.lost.notified().now_or_never().is_some());
        assert_eq!(unindexed.take().0.len(), NOTED_MAX);
    }
}
