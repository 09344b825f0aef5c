//! The store without a server: fjall, an LSM tree with a journal, in a folder of this process.
//!
//! What holds:
//! - One thread writes (`committer`): it takes what is queued, checks each command against the
//!   store and against the commands before it, writes all of it as one atomic batch with one
//!   fdatasync, and only then answers. So check-and-set needs no lock, and many writers share a sync.
//! - A batch holds entries, idempotency rows, projections, cursors and heads together: projections
//!   are never behind the log, and [`chat_core::port::Conversations::project`] has nothing to do.
//! - Nothing is retried after a failed write: the store is poisoned, says so ([`Health`]), and the
//!   process has to end. What was in that batch is answered as unknown.
//! - Below a reserve of free disk space writes are refused before fjall could fail, reads go on, and
//!   writes work again as soon as there is space.
//! - What is erased is out of every read at once, and out of the files when fjall next compacts
//!   them; copies of the folder made before keep it.
//! - One process at a time; a folder of a newer version, an older copy of the folder and damaged
//!   files are refused when it is opened ([`OpenError`]).
//!
//! In reading order: `keys` and `values` are the stored form, `spaces` the trees it is kept
//! in, `changes` what one command writes, `committer` the thread, `append` its main command,
//! `projected` what follows from an entry, `store` what all share; then one file for each port;
//! `open`, `journal`, `mark`, `disk`, `keeper` and `health` keep watch.

mod accounts;
mod append;
mod changes;
mod committer;
mod conversations;
mod cursors;
mod disk;
mod heads;
mod health;
mod journal;
mod keeper;
mod keys;
mod last_seen;
mod log;
mod logins;
mod mark;
mod open;
mod projected;
mod replies;
mod spaces;
mod store;
mod values;

use std::{fs::File, path::PathBuf, sync::Arc, thread::JoinHandle};

use chat_core::port::Stores;
use presence::LastSeen;
use tokio::sync::watch;

use self::{
    accounts::EmbeddedAccounts, conversations::EmbeddedConversations, cursors::EmbeddedCursors,
    keeper::Keeper, last_seen::EmbeddedLastSeen, log::EmbeddedLog, logins::EmbeddedLogins,
    replies::EmbeddedReplies, store::Shared,
};
pub use self::{health::Health, open::OpenError};

/// Where the store is and how much memory and disk it takes.
#[derive(Debug, Clone)]
pub struct EmbeddedConfig {
    /// The folder; made when it is not there.
    pub dir: PathBuf,
    /// Bytes of memory for blocks read from disk.
    pub cache_bytes: u64,
    /// Bytes of journal before the oldest of it is flushed: bounds the time that opening takes.
    pub journal_bytes: u64,
    /// Bytes of disk that stay free: below that, writes are refused. Must be enough for one
    /// compaction to finish in.
    pub reserve_bytes: u64,
}

impl EmbeddedConfig {
    /// The usual sizes, in this folder.
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
    keeper: Option<Keeper>,
    lock: File,
}

impl Embedded {
    /// Opens the store of a folder, making it if there is none. Blocks, for seconds where much of
    /// the journal has to be read.
    pub fn open(config: &EmbeddedConfig) -> Result<Self, OpenError> {
        let (store, lock) = open::open(config)?;
        let store = Arc::new(store);
        let threads = |error| OpenError::Folder { dir: config.dir.clone(), error };
        let keeper = Keeper::start(store.clone()).map_err(threads)?;
        let (queue, committer) = committer::start(store.clone()).map_err(threads)?;
        let shared = Arc::new(Shared::new(store, queue));
        Ok(Self { shared, committer: Some(committer), keeper: Some(keeper), lock })
    }

    /// Its ports.
    pub fn stores(&self) -> Stores {
        let shared = || self.shared.clone();
        Stores {
            log: Arc::new(EmbeddedLog(shared())),
            conversations: Arc::new(EmbeddedConversations(shared())),
            cursors: Arc::new(EmbeddedCursors(shared())),
            accounts: Arc::new(EmbeddedAccounts(shared())),
            logins: Arc::new(EmbeddedLogins(shared())),
            replies: Arc::new(EmbeddedReplies::new(shared())),
        }
    }

    /// Its port of presence.
    pub fn last_seen(&self) -> Arc<dyn LastSeen> {
        Arc::new(EmbeddedLastSeen(self.shared.clone()))
    }

    /// How the store is.
    pub fn health(&self) -> Health {
        self.shared.store.health.get()
    }

    /// Hears of every change of [`Self::health`]. Who owns the process waits for
    /// [`Health::Poisoned`] and ends it with an error.
    pub fn health_changes(&self) -> watch::Receiver<Health> {
        self.shared.store.health.subscribe()
    }

    /// Takes no more writes, finishes those that wait, and returns when all is on the disk. Blocks.
    /// The folder is free for another opening when the stores have been dropped as well.
    pub fn close(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.shared.queue.close();
        let committer = self.committer.take();
        // A poisoned store may keep its committer waiting for fjall's dead workers for ever.
        if let Some(committer) = committer
            && self.health() != Health::Poisoned
            && committer.join().is_err()
        {
            tracing::error!("the committer has panicked");
        }
        self.keeper.take();
        if let Err(error) = self.lock.unlock() {
            tracing::warn!(%error, "the store's lock could not be given back");
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
