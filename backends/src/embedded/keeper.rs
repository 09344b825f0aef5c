//! Looks after the store once a second: syncs the commit mark, sees whether there is space on the
//! disk, and whether fjall has poisoned itself behind the committer's back.

use std::{
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::{Builder, JoinHandle},
    time::Duration,
};

use fjall::PersistMode;

use super::store::Store;

/// How often it looks.
const PERIOD: Duration = Duration::from_secs(1);

/// The thread that looks after a store; ends with this.
#[derive(Debug)]
pub(super) struct Keeper {
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Starts to look after this store.
    pub(super) fn start(store: Arc<Store>) -> std::io::Result<Self> {
        let (stop, stopped) = sync_channel(0);
        let thread =
            Builder::new().name("store-keeper".to_owned()).spawn(move || keep(&store, &stopped))?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn keep(store: &Store, stopped: &Receiver<()>) {
    let mut synced = 0;
    while stopped.recv_timeout(PERIOD) == Err(RecvTimeoutError::Timeout) {
        synced = look(store, synced);
    }
    look(store, synced);
}

/// Looks once; how many commits the durable mark says.
fn look(store: &Store, synced: u64) -> u64 {
    store.disk.check(&store.health);
    // A worker of fjall that fails, fails alone: asking for nothing tells whether one has.
    if let Err(error) = store.db.persist(PersistMode::Buffer) {
        store.health.poison(&error.to_string());
    }
    let commits = store.commits.load(Ordering::Acquire);
    if commits == synced {
        return synced;
    }
    match store.mark.sync() {
        Ok(()) => commits,
        Err(error) => {
            tracing::warn!(%error, "the commit mark could not be synced");
            synced
        }
    }
}
