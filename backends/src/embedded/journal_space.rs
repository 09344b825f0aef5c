//! Blocks for the journal, allocated before commits need them.
//!
//! fjall sizes a new journal without allocating its blocks. A commit that reaches a new block then
//! syncs more than its bytes: the file system also has to store which block the file got. Writing
//! zeros into the hole ahead of the journal's end allocates many blocks at once. The content of the
//! file stays the same, because a hole reads as zeros.
//!
//! Only holes are written, and only by the thread that also commits, so no commit is overwritten. A
//! journal that was opened again has no hole: fjall appends to it, and it must not grow otherwise.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use rustix::fs::{SeekFrom, seek};

/// Committed bytes after which the first hole is filled. A store that is hardly used fills none.
const COMMITTED_BYTES_MIN: usize = 64 * 1024;
/// Committed bytes between two fillings, at most.
const COMMITTED_BYTES_MAX: usize = 1024 * 1024;
/// How many times the committed bytes are filled. Estimates of a commit are too low.
const FILL_FACTOR: usize = 4;

/// Fills the holes of the newest journal as commits approach them.
#[derive(Debug)]
pub(super) struct JournalSpace {
    /// fjall's folder.
    trees: PathBuf,
    /// Bytes committed since the last filling.
    committed: usize,
    /// How many of them start the next filling.
    fill_after: usize,
    is_disabled: bool,
}

impl JournalSpace {
    /// Prepares for the journals in fjall's folder.
    pub(super) const fn new(trees: PathBuf) -> Self {
        Self { trees, committed: 0, fill_after: COMMITTED_BYTES_MIN, is_disabled: false }
    }

    /// Notes a commit of about this many bytes, and fills a hole when it is time. Only the committer
    /// may call this. A failure only makes commits slower, so it is logged and not repeated.
    pub(super) fn note_commit(&mut self, bytes: usize) {
        self.committed += bytes;
        if self.committed < self.fill_after || self.is_disabled {
            return;
        }
        self.committed = 0;
        if let Err(error) = fill(&self.trees, self.fill_after * FILL_FACTOR) {
            tracing::warn!(%error, "no space is allocated ahead for the journal");
            self.is_disabled = true;
        }
        self.fill_after = (self.fill_after * 2).min(COMMITTED_BYTES_MAX);
    }
}

/// Fills up to `bytes` of the first hole of the newest journal.
fn fill(trees: &Path, bytes: usize) -> io::Result<()> {
    let Some(path) = newest_journal(trees)? else { return Ok(()) };
    let file = File::options().write(true).open(path)?;
    let end = file.metadata()?.len();
    let hole = seek(&file, SeekFrom::Hole(0))?;
    if hole >= end {
        return Ok(());
    }
    // Without data behind the hole, the hole ends with the file.
    let hole_end = seek(&file, SeekFrom::Data(hole)).unwrap_or(end);
    let length = usize::try_from(hole_end.saturating_sub(hole)).unwrap_or(usize::MAX);
    file.write_all_at(&vec![0; length.min(bytes)], hole)
}

/// Returns the journal with the highest number.
fn newest_journal(trees: &Path) -> io::Result<Option<PathBuf>> {
    let mut newest = None;
    for file in fs::read_dir(trees)? {
        let path = file?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let number = name.and_then(|name| name.strip_suffix(".jnl")?.parse::<u64>().ok());
        newest = newest.max(number.map(|number| (number, path)));
    }
    Ok(newest.map(|(_, path)| path))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    const MIB: u64 = 1024 * 1024;

    #[test]
    fn filling_allocates_blocks_and_changes_no_byte() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("9.jnl"), [1; 100]).unwrap();
        let newest = dir.path().join("10.jnl");
        let file = File::create_new(&newest).unwrap();
        file.set_len(8 * MIB).unwrap();
        file.write_all_at(&[7; 5_000], 0).unwrap();
        file.write_all_at(&[8; 10], 4 * MIB).unwrap();
        let before = fs::read(&newest).unwrap();
        let mut space = JournalSpace::new(dir.path().to_owned());
        space.note_commit(COMMITTED_BYTES_MIN - 1);
        let allocated = || fs::metadata(&newest).unwrap().blocks() * 512;
        assert!(allocated() < MIB / 4);
        for _ in 0..50 {
            space.note_commit(COMMITTED_BYTES_MAX);
        }
        assert_eq!(fs::read(&newest).unwrap(), before);
        assert!(allocated() >= 8 * MIB && !space.is_disabled);
        assert_eq!(fs::metadata(dir.path().join("9.jnl")).unwrap().len(), 100);
    }

    #[test]
    fn journal_without_a_hole_keeps_its_length() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("1.jnl");
        fs::write(&path, [1; 100]).unwrap();
        fill(dir.path(), 1_000).unwrap();
        assert_eq!(fs::read(path).unwrap(), [1; 100]);
    }
}
