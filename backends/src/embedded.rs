//! The store without a server: [fjall](https://docs.rs/fjall), an LSM tree with a journal, in a local
//! folder.
//!
//! What holds:
//! - One thread writes, the `committer`. It takes the queued commands and checks each against the
//!   store and the earlier commands of its batch. It writes the batch atomically with one fdatasync
//!   and only then answers. So conditional writes need no lock, and many writers share a sync.
//! - A batch holds entries, idempotency rows, projections, cursors and heads together. So projections
//!   are never behind the log, and [`chat_core::port::Conversations::project`] does nothing.
//! - A failed write is never retried. It poisons the store ([`Health::Poisoned`]), its commands are
//!   answered as unknown, and the process has to end.
//! - Below a reserve of free disk space, writes are refused before fjall could fail. Reads continue,
//!   and writes are accepted again once there is space.
//! - Erased text is gone from every read at once. It is gone from the files after fjall has compacted
//!   them. Earlier copies of the folder keep it.
//! - Only one process at a time can open a folder. A folder of an unknown format, an older copy of a
//!   folder and damaged files are refused ([`OpenError`]).
//!
//! In reading order: `keys` and `values` define the stored form, `spaces` the trees, `changes` the
//! writes of one command, `committer` the thread, `append` its main command, `projected` the changes
//! that follow from an entry, `recent` the heads and cursors without rows of their own, and `store`
//! what all of them share. Then comes one file for each port.
//! `open`, `journals`, `mark`, `disk`, `maintenance` and `health` keep the store safe, and
//! `readers`, `gather` and `journal_space` keep it fast.

mod accounts;
mod append;
mod changes;
mod committer;
mod consents;
mod conversations;
mod cursors;
mod disk;
mod gather;
mod heads;
mod health;
mod ids;
mod invites;
mod journal_space;
mod journals;
mod keys;
mod last_seen;
mod log;
mod logins;
mod maintenance;
mod mark;
mod open;
mod projected;
mod readers;
mod recent;
mod replies;
mod spaces;
mod store;
mod uploads;
mod values;

use std::{fs::File, path::PathBuf, sync::Arc, thread::JoinHandle};

use chat_core::{id::Snowflakes, port::Stores, time::Timestamp};
use presence::LastSeen;
use tokio::sync::watch;

#[cfg(feature = "fuzzing")]
pub(crate) use self::journals::read_commit_record;
#[cfg(feature = "fuzzing")]
pub use self::values::{RECORDS, reencode};
use self::{
    accounts::EmbeddedAccounts,
    consents::{EmbeddedBoundaries, EmbeddedConsents},
    conversations::EmbeddedConversations,
    cursors::EmbeddedCursors,
    invites::EmbeddedInvites,
    journal_space::JournalSpace,
    last_seen::EmbeddedLastSeen,
    log::EmbeddedLog,
    logins::EmbeddedLogins,
    maintenance::Maintenance,
    replies::EmbeddedReplies,
    store::Shared,
    uploads::EmbeddedUploads,
};
pub use self::{health::Health, open::OpenError};

/// The folder of a store, and its limits on memory and disk.
#[derive(Debug, Clone)]
pub struct EmbeddedConfig {
    /// The folder; created if missing.
    pub dir: PathBuf,
    /// Bytes of memory for blocks read from disk.
    pub cache_bytes: u64,
    /// Bytes of journal before its oldest part is flushed. Bounds the time and the memory that opening
    /// takes.
    pub journal_bytes: u64,
    /// Bytes of disk that stay free: writes are refused below, except for logins, which may use a quarter
    /// of them. The rest must be enough for one compaction.
    pub reserve_bytes: u64,
}

impl EmbeddedConfig {
    /// Returns the default sizes for a store in this folder.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            cache_bytes: 64 * 1024 * 1024,
            journal_bytes: 256 * 1024 * 1024,
            reserve_bytes: 512 * 1024 * 1024,
        }
    }
}

/// An opened store.
#[derive(Debug)]
pub struct Embedded {
    shared: Arc<Shared>,
    committer: Option<JoinHandle<()>>,
    maintenance: Option<Maintenance>,
    lock: File,
}

impl Embedded {
    /// Opens the store of a folder, or creates it. Blocks, for seconds if the journal is large. Called
    /// within a runtime, it answers the commands of a batch there, with one wake-up for all of them.
    pub fn open(config: &EmbeddedConfig) -> Result<Self, OpenError> {
        let (store, lock) = open::open(config)?;
        let store = Arc::new(store);
        let no_thread = |error| OpenError::Folder { dir: config.dir.clone(), error };
        let maintenance = Maintenance::start(store.clone()).map_err(no_thread)?;
        let journal_space = JournalSpace::new(open::trees(config));
        let (queue, committer) =
            committer::start(store.clone(), journal_space).map_err(no_thread)?;
        let shared = Arc::new(Shared::new(store, queue).map_err(no_thread)?);
        Ok(Self { shared, committer: Some(committer), maintenance: Some(maintenance), lock })
    }

    /// Returns the ports of the domain.
    pub fn stores(&self) -> Stores {
        let shared = || self.shared.clone();
        Stores {
            log: Arc::new(EmbeddedLog(shared())),
            conversations: Arc::new(EmbeddedConversations(shared())),
            cursors: Arc::new(EmbeddedCursors(shared())),
            consents: Arc::new(EmbeddedConsents(shared())),
            boundaries: Arc::new(EmbeddedBoundaries(shared())),
            accounts: Arc::new(EmbeddedAccounts(shared())),
            logins: Arc::new(EmbeddedLogins(shared())),
            replies: Arc::new(EmbeddedReplies::new(shared())),
            invites: Arc::new(EmbeddedInvites(shared())),
            uploads: Arc::new(EmbeddedUploads(shared())),
        }
    }

    /// Returns the port of presence.
    pub fn last_seen(&self) -> Arc<dyn LastSeen> {
        Arc::new(EmbeddedLastSeen(self.shared.clone()))
    }

    /// Returns the generator of ids. They are above all ids that this store holds or has held.
    pub fn ids(&self) -> Arc<Snowflakes> {
        self.shared.store.ids.clone()
    }

    /// Returns the time of the newest entry, or 1970 for an empty store. Times of later entries must not be
    /// earlier.
    pub fn newest_entry_at(&self) -> Timestamp {
        self.shared.store.recent.newest_entry_at()
    }

    /// Returns the current health.
    pub fn health(&self) -> Health {
        self.shared.store.health.get()
    }

    /// Returns a receiver of every change of [`Self::health`]. The owner of the process must wait for
    /// [`Health::Poisoned`] and then end the process with an error.
    pub fn health_changes(&self) -> watch::Receiver<Health> {
        self.shared.store.health.subscribe()
    }

    /// Refuses further writes, finishes the queued ones, and returns when all are on the disk. Blocks.
    /// The folder can be opened again once its [`Stores`] have been dropped too.
    pub fn close(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.shared.queue.close();
        // The committer of a poisoned store may wait for dead threads of fjall forever.
        if let Some(committer) = self.committer.take()
            && self.health() != Health::Poisoned
            && committer.join().is_err()
        {
            tracing::error!("the committer has panicked");
        }
        self.maintenance.take();
        if let Err(error) = self.lock.unlock() {
            tracing::warn!(%error, "cannot release the store's lock");
        }
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        if self.committer.is_some() {
            self.end();
        }
    }
}
