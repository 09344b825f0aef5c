//! Free space on the disk, looked at before each batch.
//!
//! fjall poisons itself for good when a write meets a full disk, in the journal as in a flush or a
//! compaction. So writes are refused while there is still a reserve for those to finish in.

use std::{fs::File, io, path::Path};

use super::health::{Health, HealthSign};

/// The disk that the store is on.
#[derive(Debug)]
pub(super) struct Disk {
    dir: File,
    reserve_bytes: u64,
}

impl Disk {
    /// The disk of this folder.
    pub(super) fn of(dir: &Path, reserve_bytes: u64) -> io::Result<Self> {
        Ok(Self { dir: File::open(dir)?, reserve_bytes })
    }

    /// Bytes that may still be written.
    pub(super) fn free_bytes(&self) -> io::Result<u64> {
        let disk = rustix::fs::fstatvfs(&self.dir)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    /// Tells whether there is space. A disk that does not say is taken to have some.
    pub(super) fn check(&self, health: &HealthSign) {
        let enough = self.free_bytes().map_or(true, |free| free > self.reserve_bytes);
        health.set_disk(if enough { Health::Ok } else { Health::DiskFull });
    }
}
