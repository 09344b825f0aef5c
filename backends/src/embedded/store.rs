//! The store as the committer and all readers share it.

use std::{
    fmt, io,
    ops::RangeInclusive,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use chat_core::{
    error::StoreError,
    id::{ConversationId, Snowflakes},
    model::{Cursor, Head},
};
use fjall::{Database, PersistMode, UserValue};

use super::{
    changes::{Changes, Row, Txn},
    committer::{Queue, WriteKind},
    disk::{Disk, Room},
    heads::Heads,
    health::{Health, HealthSignal},
    journals, keys,
    mark::Mark,
    readers::Readers,
    recent::{Moves, Recent},
    spaces::{Space, Spaces},
    values::{self, Record},
};

/// The trees and what guards them. All methods block.
pub(super) struct Store {
    pub(super) db: Database,
    pub(super) spaces: Spaces,
    pub(super) heads: Heads,
    pub(super) recent: Recent,
    pub(super) health: HealthSignal,
    pub(super) disk: Disk,
    pub(super) mark: Mark,
    pub(super) ids: Arc<Snowflakes>,
    /// The number of durable commits.
    pub(super) commits: AtomicU64,
}

/// Converts fjall's error of a read.
#[expect(clippy::needless_pass_by_value, reason = "fits map_err")]
pub(super) fn read_failed(error: fjall::Error) -> StoreError {
    if matches!(error, fjall::Error::Io(_) | fjall::Error::Storage(fjall::LsmError::Io(_))) {
        StoreError::Unavailable(format!("reading failed: {error}"))
    } else {
        StoreError::Corrupt(format!("reading failed: {error}"))
    }
}

/// The refusal of a poisoned store.
fn poisoned() -> StoreError {
    StoreError::Unavailable("a write has failed: the process has to be restarted".to_owned())
}

impl Store {
    /// Returns the record of a row.
    pub(super) fn get<T: Record>(&self, space: Space, key: &[u8]) -> Result<Option<T>, StoreError> {
        let value = self.get_encoded(space, key)?;
        value.map(|value| values::decode(key, &value)).transpose()
    }

    /// Returns the value of a row as it is stored.
    pub(super) fn get_encoded(
        &self,
        space: Space,
        key: &[u8],
    ) -> Result<Option<UserValue>, StoreError> {
        self.spaces.of(space).get(key).map_err(read_failed)
    }

    /// Returns all rows whose keys start with `prefix`, ascending.
    pub(super) fn scan(&self, space: Space, prefix: &[u8]) -> Result<Vec<Row>, StoreError> {
        self.scan_up_to(space, prefix, usize::MAX)
    }

    /// Returns up to `limit` rows whose keys start with `prefix`, ascending.
    pub(super) fn scan_up_to(
        &self,
        space: Space,
        prefix: &[u8],
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let rows = self.spaces.of(space).prefix(prefix).take(limit);
        rows.map(|row| row.into_inner().map_err(read_failed)).collect()
    }

    /// Returns up to `limit` rows of the range, ascending.
    pub(super) fn range<K: AsRef<[u8]>>(
        &self,
        space: Space,
        keys: RangeInclusive<K>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let rows = self.spaces.of(space).range(keys).take(limit);
        rows.map(|row| row.into_inner().map_err(read_failed)).collect()
    }

    /// Returns the head of a log if it is in memory.
    pub(super) fn cached_head(&self, conversation: ConversationId) -> Option<Head> {
        // A recent head is newer than a cached one.
        self.recent.head(conversation).or_else(|| self.heads.get(conversation))
    }

    /// Returns the head of a log, or the default head if the log is empty.
    pub(super) fn head(&self, conversation: ConversationId) -> Result<Head, StoreError> {
        if let Some(head) = self.cached_head(conversation) {
            return Ok(head);
        }
        let stored = self.get(Space::Heads, &keys::head(conversation))?;
        Ok(stored.unwrap_or_default())
    }

    /// Returns the head of a log and caches it. Only the committer may call this.
    pub(super) fn head_for_append(&self, conversation: ConversationId) -> Result<Head, StoreError> {
        if let Some(head) = self.recent.head(conversation) {
            return Ok(head);
        }
        let head = self.head(conversation)?;
        self.heads.set([(conversation, head)]);
        Ok(head)
    }

    /// Fails if the store takes no writes of this kind now.
    pub(super) fn check_writable(&self, room: Room, kind: WriteKind) -> Result<(), StoreError> {
        match self.health.get() {
            Health::Ok => Ok(()),
            Health::DiskFull if kind == WriteKind::Login && room != Room::Nothing => Ok(()),
            Health::DiskFull => Err(StoreError::Unavailable("the disk is full".to_owned())),
            Health::Poisoned => Err(poisoned()),
        }
    }

    /// Makes all changes durable and visible, or none of them. Only the committer may call this.
    ///
    /// After a failure the batch may or may not be in the journal; only a restart can tell. So the
    /// store is poisoned and the outcome is unknown.
    pub(super) fn commit(&self, mut changes: Changes) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        let commits = self.commits.load(Ordering::Acquire) + 1;
        let moves = changes.take_moves(commits);
        let expired = self.recent.expiring(commits);
        self.write_rows_of(&expired, &mut changes)?;
        if !moves.is_empty() {
            changes.put_encoded(Space::Heads, keys::recent(commits), values::encode(&moves));
        }
        let id_mark = self.ids.due_mark();
        if let Some(mark) = id_mark {
            changes.put_encoded(Space::Heads, keys::ID_MARK, values::encode(&mark));
        }
        let mut batch = self.db.batch().durability(Some(PersistMode::SyncData));
        // Must be the first row: see `journals`.
        batch.insert(self.spaces.of(Space::Heads), keys::COMMITS, journals::commit_record(commits));
        changes.write_to(&mut batch, &self.spaces);
        if let Err(error) = batch.commit() {
            self.health.poison(&error.to_string());
            return Err(if matches!(error, fjall::Error::Poisoned) {
                poisoned()
            } else {
                StoreError::Unknown("a write has failed".to_owned())
            });
        }
        // Cached before they are dropped there, so that a reader finds the newest one.
        self.heads.set(expired.heads.iter().copied());
        self.recent.commit(moves, &expired);
        if let Some(mark) = id_mark {
            self.ids.set_durable(mark);
        }
        self.commits.store(commits, Ordering::Release);
        if let Err(error) = self.mark.write(commits) {
            tracing::warn!(%error, "cannot write the commit mark");
        }
        Ok(())
    }

    /// Writes a row for each of these values.
    fn write_rows_of(&self, moves: &Moves, changes: &mut Changes) -> Result<(), StoreError> {
        if moves.is_empty() {
            return Ok(());
        }
        let mut txn = Txn::new(self, changes);
        for (conversation, head) in &moves.heads {
            txn.put(Space::Heads, keys::head(*conversation), head);
        }
        for ((user, conversation), cursor) in &moves.cursors {
            let key = keys::cursor(*user, *conversation);
            let row: Option<Cursor> = txn.get(Space::Cursors, &key)?;
            txn.put(Space::Cursors, key, &cursor.max(row.unwrap_or_default()));
        }
        txn.apply();
        Ok(())
    }
}

/// The part of the store that all ports share: the trees, the queue to the committer, and the threads
/// that read.
pub(super) struct Shared {
    pub(super) store: Arc<Store>,
    pub(super) queue: Queue,
    readers: Readers,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let health = self.store.health.get();
        f.debug_struct("Embedded").field("health", &health).finish_non_exhaustive()
    }
}

impl Shared {
    /// Combines a store with the queue of its committer, and starts the threads that read.
    pub(super) fn new(store: Arc<Store>, queue: Queue) -> io::Result<Self> {
        let readers = Readers::start(&store)?;
        Ok(Self { store, queue, readers })
    }

    /// Runs `read` on a thread that may block, after the reads that were queued before.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.readers.read(read).await
    }

    /// Runs `change` in turn with all other changes and returns when its writes are durable. `bytes`
    /// estimates how much it writes.
    pub(super) async fn change<T: Send + 'static>(
        &self,
        bytes: usize,
        change: impl FnOnce(&mut Txn<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.queue.submit(WriteKind::Other, bytes, change).await
    }

    /// Like [`Self::change`], for a login: it may use a part of the disk's reserve.
    pub(super) async fn change_login<T: Send + 'static>(
        &self,
        bytes: usize,
        change: impl FnOnce(&mut Txn<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.queue.submit(WriteKind::Login, bytes, change).await
    }

    /// Waits until every change whose caller has given up is either applied or discarded. A read after
    /// this is final.
    pub(super) async fn settle_abandoned(&self) -> Result<(), StoreError> {
        if let Some(abandoned) = self.queue.unsettled() {
            self.change(0, |_| Ok(())).await?;
            self.queue.mark_settled(abandoned);
        }
        match self.store.health.get() {
            Health::Ok | Health::DiskFull => Ok(()),
            Health::Poisoned => Err(poisoned()),
        }
    }
}
