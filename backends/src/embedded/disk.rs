//! Free space on the disk, checked before each batch.
//!
//! fjall poisons itself permanently when a write meets a full disk, whether in the journal, in a
//! flush or in a compaction. So writes are refused while there is still a reserve in which flushes
//! and compactions can finish. A part of the reserve is for logins: people can log in and read while
//! an operator makes room.

use std::{fs::File, io, path::Path};

use super::health::{Health, HealthSignal};

/// The part of the reserve that logins may use.
const LOGIN_DIVISOR: u64 = 4;

/// What the free space of the disk is enough for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// All writes.
    All,
    /// Logging in, refreshing and logging out.
    Logins,
    /// No writes.
    Nothing,
}

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

    /// Returns what the free space is enough for, and sets the health to `Ok` or `DiskFull`. A disk
    /// that does not report its free space counts as having some.
    pub(super) fn check(&self, health: &HealthSignal) -> Room {
        let free = rustix::fs::fstatvfs(&self.dir)
            .map_or(u64::MAX, |disk| disk.f_bavail.saturating_mul(disk.f_frsize));
        let room = if free > self.reserve_bytes {
            Room::All
        } else if free > self.reserve_bytes - self.reserve_bytes / LOGIN_DIVISOR {
            Room::Logins
        } else {
            Room::Nothing
        };
        health.set_disk(if room == Room::All { Health::Ok } else { Health::DiskFull });
        room
    }
}
