//! fjall's journals, looked through before fjall opens them.
//!
//! fjall cuts a journal, without a word, at the first thing in it that it does not understand, and
//! refuses one whose last batch has a wrong checksum. Neither is right for a store of acknowledged
//! messages: what a power loss tore off at the end was never acknowledged and may go, but a break
//! with whole batches behind it is damage, and going on would lose them. So the torn end is cut
//! here, and damage is refused while all of it is still there.
//!
//! The form of a journal (fjall 3): batches, then zeros up to where the file was made long enough.
//! A batch is `1, count u32, seqno u64`, then items, then `3, xxh3 of the items u64, "FJL" 3`; an
//! item is `2, type u8, compression u8, tree u64, key length u16, value length u32, stored length
//! u32, key, value`, or `4, tree u64`; numbers are little-endian.

use std::{
    fs::{self, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use xxhash_rust::xxh3::xxh3_64;

use super::{keys, values};

const MAGIC: &[u8] = b"FJL\x03";

/// What is wrong with a journal.
#[derive(Debug)]
pub(super) enum Broken {
    /// It cannot be read.
    Unreadable(io::Error),
    /// Whole batches follow a broken one, or one that was closed is not whole.
    Damaged(String),
    /// What is broken at the end was acknowledged: only so many commits before it are whole.
    Regressed {
        /// Commits that are whole.
        found: u64,
    },
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error)
    }
}

/// Looks through the journals of fjall's folder: cuts a torn end, refuses damage, and an end that is
/// not there any more though the mark says that it was.
pub(super) fn check(dir: &Path, marked: u64) -> Result<(), Broken> {
    let journals = journals(dir)?;
    let mut commits = None;
    for (number, path) in journals.iter().enumerate() {
        let bytes = fs::read(path)?;
        let written = without_zeros(&bytes);
        let (whole, last) = whole_batches(&bytes);
        commits = last.or(commits);
        let Some(rest) = written.get(whole..).filter(|rest| !rest.is_empty()) else { continue };
        let is_newest = number + 1 == journals.len();
        if !is_newest || has_batch(rest) {
            let path = path.display();
            return Err(Broken::Damaged(format!("the journal {path} is broken at byte {whole}")));
        }
        if let Some(found) = commits.filter(|commits| *commits < marked) {
            return Err(Broken::Regressed { found });
        }
        tracing::warn!(
            at = whole,
            "the journal's last write was torn and is cut: nobody was told of it"
        );
        let file = OpenOptions::new().write(true).open(path)?;
        file.set_len(whole as u64)?;
        file.sync_all()?;
    }
    Ok(())
}

/// The journals, oldest first.
fn journals(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut journals = Vec::new();
    if !dir.try_exists()? {
        return Ok(Vec::new());
    }
    for file in fs::read_dir(dir)? {
        let path = file?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let number = name.and_then(|name| name.strip_suffix(".jnl")?.parse::<u64>().ok());
        journals.extend(number.map(|number| (number, path)));
    }
    journals.sort();
    Ok(journals.into_iter().map(|(_, path)| path).collect())
}

/// The bytes without the zeros at their end.
fn without_zeros(bytes: &[u8]) -> &[u8] {
    const ZEROS: [u8; 4096] = [0; 4096];
    let mut written = bytes;
    while let Some((before, page)) = written.split_last_chunk::<4096>()
        && *page == ZEROS
    {
        written = before;
    }
    let end = written.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    &written[..end]
}

/// How many bytes at the beginning are whole batches, and which commit the last of them made.
fn whole_batches(bytes: &[u8]) -> (usize, Option<u64>) {
    let (mut rest, mut commits) = (bytes, None);
    while let Some(batch) = batch(rest) {
        rest = batch.behind;
        commits = batch.commits.or(commits);
    }
    (bytes.len() - rest.len(), commits)
}

/// Whether a whole batch begins behind the end of another one, whole or not.
fn has_batch(bytes: &[u8]) -> bool {
    let ends = bytes.windows(MAGIC.len()).enumerate().filter(|(_, window)| *window == MAGIC);
    ends.map(|(at, _)| at + MAGIC.len()).any(|behind| batch(&bytes[behind..]).is_some())
}

/// A whole batch.
struct Batch<'a> {
    /// What comes after it.
    behind: &'a [u8],
    /// The commit counter that it wrote.
    commits: Option<u64>,
}

/// The batch that begins here, if it is whole.
fn batch(bytes: &[u8]) -> Option<Batch<'_>> {
    let mut cut = Cut(bytes);
    if cut.number(1)? != 1 {
        return None;
    }
    let count = cut.number(4)?;
    cut.take(8)?;
    let (items, mut commits) = (cut.0, None);
    for _ in 0..count {
        cut.item(&mut commits)?;
    }
    let (items, _) = items.split_at(items.len() - cut.0.len());
    let is_whole = cut.number(1)? == 3 && cut.number(8)? == xxh3_64(items) && cut.take(4)? == MAGIC;
    is_whole.then_some(Batch { behind: cut.0, commits })
}

/// Takes what comes next off the front of bytes.
struct Cut<'a>(&'a [u8]);

impl<'a> Cut<'a> {
    fn take(&mut self, count: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(count).ok()?)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self, bytes: u64) -> Option<u64> {
        let taken = self.take(bytes)?;
        Some(taken.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// Steps over an item, and reads it where it is the commit counter.
    fn item(&mut self, commits: &mut Option<u64>) -> Option<()> {
        match self.number(1)? {
            2 => {
                self.take(1 + 1 + 8)?;
                let key = self.number(2)?;
                self.take(4)?;
                let value = self.number(4)?;
                let (key, value) = (self.take(key)?, self.take(value)?);
                if key == keys::COMMITS {
                    *commits = values::read_number(value).ok();
                }
                Some(())
            }
            4 => self.take(8).map(drop),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use fjall::{Database, KeyspaceCreateOptions, PersistMode};

    use super::*;

    /// A journal with these many batches of a few items, and where its batches end.
    fn written(dir: &Path, batches: u8) -> (PathBuf, Vec<u8>, usize) {
        let db = Database::builder(dir).open().unwrap();
        let tree = db.keyspace("tree", KeyspaceCreateOptions::default).unwrap();
        for number in 0..batches {
            let mut batch = db.batch().durability(Some(PersistMode::SyncData));
            batch.insert(&tree, [number], vec![number; 9_000]);
            batch.insert(&tree, [number, 1], b"FJL\x03 in a value");
            batch.remove(&tree, [number, 2]);
            batch.commit().unwrap();
        }
        drop((tree, db));
        let path = journals(dir).unwrap().remove(0);
        let bytes = fs::read(&path).unwrap();
        let (end, _) = whole_batches(&bytes);
        assert_eq!(without_zeros(&bytes).len(), end);
        (path, bytes, end)
    }

    fn is_damaged(checked: &Result<(), Broken>) -> bool {
        matches!(checked, Err(Broken::Damaged(_)))
    }

    #[test]
    fn whole_journal_is_left_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let (path, bytes, end) = written(dir.path(), 5);
        assert!(end > 100);
        check(dir.path(), 0).unwrap();
        assert_eq!(fs::read(path).unwrap(), bytes);
    }

    #[test]
    fn torn_end_is_cut_wherever_it_was_torn() {
        let dir = tempfile::tempdir().unwrap();
        let (path, bytes, end) = written(dir.path(), 2);
        let first = bytes.len() - batch(&bytes).unwrap().behind.len();
        for torn in [first + 1, first + 20, end - 60, end - 1] {
            let mut torn_off = bytes.clone();
            torn_off[torn..end].fill(0);
            fs::write(&path, torn_off).unwrap();
            check(dir.path(), 0).unwrap();
            assert_eq!(fs::read(&path).unwrap(), bytes[..first], "{torn}");
        }
        let mut hole = bytes.clone();
        hole[first + 40] ^= 1;
        fs::write(&path, hole).unwrap();
        check(dir.path(), 0).unwrap();
        assert_eq!(fs::read(&path).unwrap(), bytes[..first]);
    }

    #[test]
    fn break_with_whole_batches_behind_it_is_damage() {
        let dir = tempfile::tempdir().unwrap();
        let (path, bytes, _) = written(dir.path(), 5);
        let first = bytes.len() - batch(&bytes).unwrap().behind.len();
        for at in [0, 3, 20, first / 2, first - 1] {
            let mut broken = bytes.clone();
            broken[at] ^= 0x40;
            fs::write(&path, &broken).unwrap();
            assert!(is_damaged(&check(dir.path(), 0)), "{at}");
            assert_eq!(fs::read(&path).unwrap(), broken);
        }
    }

    #[test]
    fn older_journal_must_be_whole() {
        let dir = tempfile::tempdir().unwrap();
        let (path, bytes, end) = written(dir.path(), 2);
        fs::write(dir.path().join("1.jnl"), &bytes).unwrap();
        check(dir.path(), 0).unwrap();
        fs::write(&path, &bytes[..end - 1]).unwrap();
        assert!(is_damaged(&check(dir.path(), 0)));
    }
}
