//! The maintenance thread. Once a second it syncs the commit mark, checks the free space of the disk,
//! and checks whether a background thread of fjall has failed.

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

const PERIOD: Duration = Duration::from_secs(1);

/// A running maintenance thread. Dropping it stops the thread after a last round.
#[derive(Debug)]
pub(super) struct Maintenance {
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Maintenance {
    /// Starts the thread for this store.
    pub(super) fn start(store: Arc<Store>) -> std::io::Result<Self> {
        let (stop, stopped) = sync_channel(0);
        let thread =
            Builder::new().name("store-maint".to_owned()).spawn(move || run(&store, &stopped))?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Maintenance {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn run(store: &Store, stopped: &Receiver<()>) {
    let mut synced = 0;
    while stopped.recv_timeout(PERIOD) == Err(RecvTimeoutError::Timeout) {
        synced = run_round(store, synced);
    }
    run_round(store, synced);
}

/// Runs one round and returns the number of commits in the durable mark.
fn run_round(store: &Store, synced: u64) -> u64 {
    store.disk.check(&store.health);
    // A failed thread of fjall reports to nobody. This call writes nothing, but returns its error.
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
            tracing::warn!(%error, "cannot sync the commit mark");
            synced
        }
    }
}
