//! Free space on the disk, checked before each batch.
//!
//! fjall poisons itself permanently when a write meets a full disk, whether in the journal, in a
//! flush or in a compaction. So writes are refused while there is still a reserve in which flushes
//! and compactions can finish.

use std::{fs::File, io, path::Path};

use super::health::{Health, HealthSignal};

/// The disk that holds the store.
#[derive(Debug)]
pub(super) struct Disk {
    dir: File,
    reserve_bytes: u64,
}

impl Disk {
    /// Opens the disk that holds this folder.
    pub(super) fn of(dir: &Path, reserve_bytes: u64) -> io::Result<Self> {
        Ok(Self { dir: File::open(dir)?, reserve_bytes })
    }

    /// Sets the health to `Ok` or `DiskFull`. A disk that does not report its free space counts as
    /// having some.
    pub(super) fn check(&self, health: &HealthSignal) {
        let has_space = rustix::fs::fstatvfs(&self.dir)
            .map_or(true, |disk| disk.f_bavail.saturating_mul(disk.f_frsize) > self.reserve_bytes);
        health.set_disk(if has_space { Health::Ok } else { Health::DiskFull });
    }
}
