//! The commit mark: a small file beside the store that says how many commits the store has had.
//!
//! A store with fewer commits than the mark has lost some: it is an older copy, or its journal was
//! cut. The mark is written after each commit, so it is never ahead of the store, and synced once a
//! second, so that after a power loss it is at most that far behind. Two slots take turns, so that
//! a torn write leaves the one before.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::Path,
};

/// Bytes from one slot to the next: never in one sector.
const SLOT_BYTES: u64 = 4096;

/// The open file of the mark.
#[derive(Debug)]
pub(super) struct Mark(File);

impl Mark {
    /// Opens the mark, and tells how many commits it says; nothing when it is new or unreadable.
    pub(super) fn open(path: &Path) -> io::Result<(Self, Option<u64>)> {
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let mark = Self(file);
        let commits = (0..2).filter_map(|slot| mark.read(slot)).max();
        Ok((mark, commits))
    }

    fn read(&self, slot: u64) -> Option<u64> {
        let mut bytes = [0; 16];
        self.0.read_exact_at(&mut bytes, slot * SLOT_BYTES).ok()?;
        let (commits, check) = bytes.split_at(8);
        let commits = u64::from_be_bytes(commits.try_into().ok()?);
        (check == (!commits).to_be_bytes()).then_some(commits)
    }

    /// Says that the store has had this many commits.
    pub(super) fn write(&self, commits: u64) -> io::Result<()> {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&commits.to_be_bytes());
        bytes[8..].copy_from_slice(&(!commits).to_be_bytes());
        self.0.write_all_at(&bytes, commits % 2 * SLOT_BYTES)
    }

    /// Makes what has been written durable.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mark_says_what_was_written_last_and_survives_a_torn_slot() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mark");
        let (mark, commits) = Mark::open(&path).unwrap();
        assert_eq!(commits, None);
        for commits in 1..=5 {
            mark.write(commits).unwrap();
        }
        mark.sync().unwrap();
        assert_eq!(Mark::open(&path).unwrap().1, Some(5));
        mark.0.write_all_at(&[0xff; 10], SLOT_BYTES).unwrap();
        assert_eq!(Mark::open(&path).unwrap().1, Some(4));
    }
}
