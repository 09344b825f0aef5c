//! What the committer and all readers share.

use std::{
    fmt,
    ops::RangeInclusive,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use chat_core::{error::StoreError, id::ConversationId, model::Head};
use fjall::{Database, PersistMode, UserValue};
use tokio::sync::Semaphore;

use super::{
    changes::{Changes, Row, Txn},
    committer::Queue,
    disk::Disk,
    heads::Heads,
    health::{Health, HealthSign},
    keys,
    mark::Mark,
    spaces::{Space, Spaces},
    values,
};

/// Readers on the blocking threads at the same time; further ones wait in line.
const READERS_MAX: usize = 32;
/// How many of the newest batches are known by what they appended to.
pub(super) const RECENT_BATCHES: u64 = 256;

/// The trees, and what watches over them. Everything here blocks.
pub(super) struct Store {
    pub(super) db: Database,
    pub(super) spaces: Spaces,
    pub(super) heads: Heads,
    pub(super) health: HealthSign,
    pub(super) disk: Disk,
    pub(super) mark: Mark,
    pub(super) commits: AtomicU64,
}

/// What fjall's failure of a read means.
#[expect(clippy::needless_pass_by_value, reason = "fits map_err")]
pub(super) fn read_failed(error: fjall::Error) -> StoreError {
    if matches!(error, fjall::Error::Io(_) | fjall::Error::Storage(fjall::LsmError::Io(_))) {
        StoreError::Unavailable(format!("reading failed: {error}"))
    } else {
        StoreError::Corrupt(format!("reading failed: {error}"))
    }
}

impl Store {
    /// The value of a row.
    pub(super) fn get(&self, space: Space, key: &[u8]) -> Result<Option<UserValue>, StoreError> {
        self.spaces.of(space).get(key).map_err(read_failed)
    }

    /// The rows whose keys begin so, ascending.
    pub(super) fn scan(&self, space: Space, prefix: &[u8]) -> Result<Vec<Row>, StoreError> {
        self.scan_some(space, prefix, usize::MAX)
    }

    /// Up to `limit` rows whose keys begin so, ascending.
    pub(super) fn scan_some(
        &self,
        space: Space,
        prefix: &[u8],
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let rows = self.spaces.of(space).prefix(prefix).take(limit);
        rows.map(|row| row.into_inner().map_err(read_failed)).collect()
    }

    /// Up to `limit` rows of the range, ascending.
    pub(super) fn range<K: AsRef<[u8]>>(
        &self,
        space: Space,
        keys: RangeInclusive<K>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let rows = self.spaces.of(space).range(keys).take(limit);
        rows.map(|row| row.into_inner().map_err(read_failed)).collect()
    }

    /// The head of a log; the default where there is none.
    pub(super) fn head(&self, conversation: ConversationId) -> Result<Head, StoreError> {
        match self.heads.get(conversation) {
            Some(head) => Ok(head),
            None => self.stored_head(conversation),
        }
    }

    /// The head of a log, remembered from now on. For the committer only.
    pub(super) fn head_for_append(&self, conversation: ConversationId) -> Result<Head, StoreError> {
        if let Some(head) = self.heads.get(conversation) {
            return Ok(head);
        }
        let head = self.stored_head(conversation)?;
        self.heads.set([(conversation, head)]);
        Ok(head)
    }

    fn stored_head(&self, conversation: ConversationId) -> Result<Head, StoreError> {
        let value = self.get(Space::Heads, &keys::head(conversation))?;
        value.map_or(Ok(Head::default()), |value| values::read_head(&value))
    }

    /// Whether writes are taken.
    pub(super) fn writable(&self) -> Result<(), StoreError> {
        self.disk.check(&self.health);
        match self.health.get() {
            Health::Ok => Ok(()),
            Health::DiskFull => Err(StoreError::Unavailable("the disk is full".to_owned())),
            Health::Poisoned => Err(poisoned()),
        }
    }

    /// Makes changes durable and visible, all or nothing. For the committer only.
    pub(super) fn commit(&self, mut changes: Changes) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        let commits = self.commits.load(Ordering::Acquire) + 1;
        let heads = changes.heads().clone();
        changes.put(Space::Heads, keys::COMMITS, values::number(commits));
        let appended = values::conversations(heads.keys().copied());
        changes.put(Space::Heads, keys::recent(commits, RECENT_BATCHES), appended);
        let mut batch = self.db.batch().durability(Some(PersistMode::SyncData));
        changes.fill(&mut batch, &self.spaces);
        batch.commit().map_err(|error| self.commit_failed(&error))?;
        self.heads.set(heads);
        self.commits.store(commits, Ordering::Release);
        if let Err(error) = self.mark.write(commits) {
            tracing::warn!(%error, "the commit mark could not be written");
        }
        Ok(())
    }

    /// The batch may be in the journal or not: which, only a restart will tell.
    fn commit_failed(&self, error: &fjall::Error) -> StoreError {
        self.health.poison(&error.to_string());
        if matches!(error, fjall::Error::Poisoned) {
            poisoned()
        } else {
            StoreError::Unknown("a write has failed".to_owned())
        }
    }
}

/// The answer of a poisoned store.
fn poisoned() -> StoreError {
    StoreError::Unavailable("a write has failed: the process has to be started again".to_owned())
}

/// What every port holds: the store, the way to the committer, and a place among the readers.
pub(super) struct Shared {
    pub(super) store: Arc<Store>,
    pub(super) queue: Queue,
    readers: Arc<Semaphore>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let health = self.store.health.get();
        f.debug_struct("Embedded").field("health", &health).finish_non_exhaustive()
    }
}

impl Shared {
    /// The store behind this queue.
    pub(super) fn new(store: Arc<Store>, queue: Queue) -> Self {
        Self { store, queue, readers: Arc::new(Semaphore::new(READERS_MAX)) }
    }

    /// Reads away from the async threads, when it is its turn.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let closed = |_| StoreError::Unavailable("the store is closed".to_owned());
        let turn = self.readers.clone().acquire_owned().await.map_err(closed)?;
        let store = self.store.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            read(&store)
        });
        reading.await.unwrap_or_else(|error| {
            Err(StoreError::Corrupt(format!("reading ended early: {error}")))
        })
    }

    /// Checks and writes in one atomic step, in turn with all other changes; returns when it is
    /// durable. `bytes` is about how much it writes.
    pub(super) async fn change<T: Send + 'static>(
        &self,
        bytes: usize,
        change: impl FnOnce(&mut Txn<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.queue.submit(bytes, change).await
    }

    /// Waits until no change is under way that its caller has given up waiting for, so that what is
    /// read next is final.
    pub(super) async fn settled(&self) -> Result<(), StoreError> {
        if let Some(given_up) = self.queue.unsettled() {
            self.change(0, |_| Ok(())).await?;
            self.queue.settle(given_up);
        }
        match self.store.health.get() {
            Health::Ok | Health::DiskFull => Ok(()),
            Health::Poisoned => Err(poisoned()),
        }
    }
}
