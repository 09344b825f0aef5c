//! The store that the gateways of a run share: in memory, or the embedded store in a folder.

use std::{fs, io, path::Path, sync::Arc};

use anyhow::{Context, Result};
use backends::embedded::{Embedded, EmbeddedConfig};
use chat_core::{faults::Faults, memory::MemoryStores, port::Stores};
use parking_lot::Mutex;
use tempfile::TempDir;

use crate::{
    buckets::BucketedLog,
    plan::{Plan, StoreKind},
};

/// A folder in memory, where syncs cost nothing.
const MEMORY_FOLDER: &str = "/dev/shm";
/// Bytes of the block cache. A run stores less.
const CACHE_BYTES: u64 = 1024 * 1024;

/// The store of a run.
#[derive(Debug)]
pub(crate) struct SharedStore {
    stores: Mutex<Stores>,
    files: Option<Mutex<Files>>,
    bucket_entries: u64,
}

/// The embedded store, and the folder that has one folder for each start of it.
#[derive(Debug)]
struct Files {
    open: Embedded,
    starts: u32,
    folder: TempDir,
}

impl SharedStore {
    /// Opens the store of a plan.
    pub(crate) fn open(plan: &Plan) -> Result<Self> {
        let (stores, files) = match plan.store_kind {
            StoreKind::Memory => (MemoryStores::new(), None),
            StoreKind::Embedded => {
                let memory = Path::new(MEMORY_FOLDER);
                let parent = if memory.is_dir() { memory } else { &std::env::temp_dir() };
                let folder = TempDir::with_prefix_in("confab-simulation-", parent)?;
                let open = open(&folder.path().join("0"))?;
                (in_place(&open), Some(Mutex::new(Files { open, starts: 0, folder })))
            }
        };
        let bucket_entries = plan.bucket_entries;
        let stores = Mutex::new(bucketed(stores, bucket_entries));
        Ok(Self { stores, files, bucket_entries })
    }

    /// Returns the ports of the store.
    pub(crate) fn stores(&self) -> Stores {
        self.stores.lock().clone()
    }

    /// Opens what the files have at this moment, as the next process does after the last one was killed.
    /// Does nothing in memory.
    pub(crate) fn reopen(&self) -> Result<()> {
        let Some(files) = &self.files else { return Ok(()) };
        let mut files = files.lock();
        let path = |start: u32| files.folder.path().join(start.to_string());
        let (before, after) = (path(files.starts), path(files.starts + 1));
        copy(&before, &after).context("copying the store")?;
        let next = open(&after)?;
        *self.stores.lock() = bucketed(in_place(&next), self.bucket_entries);
        drop(std::mem::replace(&mut files.open, next));
        files.starts += 1;
        fs::remove_dir_all(before).context("removing the old store")
    }
}

fn open(dir: &Path) -> Result<Embedded> {
    let config = EmbeddedConfig {
        cache_bytes: CACHE_BYTES,
        journal_bytes: 64 * 1024 * 1024,
        reserve_bytes: 0,
        ..EmbeddedConfig::new(dir)
    };
    Ok(Embedded::open(&config)?)
}

/// Returns the ports of the embedded store. Its threads do not choose the order of what happens.
fn in_place(open: &Embedded) -> Stores {
    let faults = Faults::new();
    faults.answer_in_place();
    faults.stores(&open.stores())
}

fn bucketed(stores: Stores, entries: u64) -> Stores {
    let log = Arc::new(BucketedLog::new(stores.log.clone(), entries));
    Stores { log, ..stores }
}

/// Copies a folder with everything in it.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for file in fs::read_dir(from)? {
        let file = file?;
        let (from, to) = (file.path(), to.join(file.file_name()));
        if file.file_type()?.is_dir() {
            copy(&from, &to)?;
        } else {
            fs::copy(&from, &to)?;
        }
    }
    Ok(())
}
