//! The commit mark: a small file beside the trees that holds the number of durable commits.
//!
//! A store with fewer commits than its mark is an older copy, or has lost part of its journal. The
//! mark is written after each commit, so it never runs ahead of the store. It is synced once a
//! second, so a power loss sets it back by a second at most. Two slots are written in turn, so that a
//! torn write leaves the previous mark intact.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::Path,
};

/// Distance between the slots in bytes; keeps them in different sectors.
const SLOT_BYTES: u64 = 4096;

/// The open file of the mark.
#[derive(Debug)]
pub(super) struct Mark(File);

impl Mark {
    /// Opens or creates the mark. Returns the number of commits in it, or `None` if the file is new
    /// or unreadable.
    pub(super) fn open(path: &Path) -> io::Result<(Self, Option<u64>)> {
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let mark = Self(file);
        let commits = (0..2).filter_map(|slot| mark.read_slot(slot)).max();
        Ok((mark, commits))
    }

    fn read_slot(&self, slot: u64) -> Option<u64> {
        let mut bytes = [0; 16];
        self.0.read_exact_at(&mut bytes, slot * SLOT_BYTES).ok()?;
        let (commits, check) = bytes.split_at(8);
        let commits = u64::from_be_bytes(commits.try_into().ok()?);
        (check == (!commits).to_be_bytes()).then_some(commits)
    }

    /// Writes the number of durable commits, without syncing it.
    pub(super) fn write(&self, commits: u64) -> io::Result<()> {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&commits.to_be_bytes());
        bytes[8..].copy_from_slice(&(!commits).to_be_bytes());
        self.0.write_all_at(&bytes, commits % 2 * SLOT_BYTES)
    }

    /// Makes the mark durable.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mark_falls_back_to_the_other_slot_when_one_is_torn() {
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
