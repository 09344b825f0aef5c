//! Checks that fjall recovers every durable commit from its journals.
//!
//! While fjall opens, it shortens a journal at the first bytes it does not understand and reports
//! nothing. It refuses a journal whose last batch has a wrong checksum. A store of acknowledged
//! messages needs other rules. A power loss may tear the last batch, which was never acknowledged, so
//! it is dropped. Any other loss is damage: opening fails and every file stays as it was.
//!
//! The layout of a journal is private to fjall, so nothing here parses it. Instead, each batch begins
//! with a commit record: a row whose value can be found anywhere in a file by its magic bytes. A batch
//! begins only after the previous one was synced, so the record of commit `n` proves that commit
//! `n - 1` was durable. This relies on three things:
//! - fjall stores a small value as it is;
//! - fjall appends batches in the order of their commits;
//! - fjall drops an incomplete batch at the end of a journal.
//!
//! A release of fjall that breaks one of them makes the tests below fail. At worst it makes a store
//! refuse to open. It cannot lose a commit without an error as long as the mark (`mark.rs`) is
//! current. See `docs/adr/0008-the-embedded-format.md`.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use chat_core::error::StoreError;
use memchr::memmem;

/// Starts every commit record. It is not valid UTF-8, so no text of a user contains it.
const MAGIC: [u8; 16] = *b"\xff\xfeconfab commit:";
/// Bytes of a commit record: the magic, the number, and the number's complement as its checksum.
const RECORD_BYTES: usize = 32;

/// Encodes the record that begins the batch of this commit.
pub(super) fn commit_record(commit: u64) -> [u8; RECORD_BYTES] {
    let mut record = [0; RECORD_BYTES];
    record[..16].copy_from_slice(&MAGIC);
    record[16..24].copy_from_slice(&commit.to_be_bytes());
    record[24..].copy_from_slice(&(!commit).to_be_bytes());
    record
}

/// Returns the number in a stored commit record, or `Corrupt` if it is damaged.
pub(crate) fn read_commit_record(record: &[u8]) -> Result<u64, StoreError> {
    let number = |record: &[u8; RECORD_BYTES]| {
        let commit = record[16..24].try_into().ok().map(u64::from_be_bytes)?;
        (*record == commit_record(commit)).then_some(commit)
    };
    let commit = record.try_into().ok().and_then(number);
    commit.ok_or_else(|| StoreError::Corrupt("the commit record is unreadable".to_owned()))
}

/// The journals as they were before fjall opened them.
#[derive(Debug)]
pub(super) struct Journals(Vec<Journal>);

#[derive(Debug)]
struct Journal {
    path: PathBuf,
    /// Stays readable when fjall deletes the path.
    file: File,
    file_bytes: u64,
    /// The content without the zeros at its end, which fjall allocates in advance.
    written: Vec<u8>,
    records: Vec<Record>,
}

/// A commit record within a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Record {
    commit: u64,
    offset: usize,
}

impl Journals {
    /// Reads all journals of fjall's folder into memory; none if the folder does not exist.
    pub(super) fn read(trees: &Path) -> io::Result<Self> {
        let mut journals = Vec::new();
        if !trees.try_exists()? {
            return Ok(Self(journals));
        }
        for file in fs::read_dir(trees)? {
            let path = file?.path();
            if path.is_file() {
                journals.push(Journal::read(path)?);
            }
        }
        Ok(Self(journals))
    }

    /// Returns the newest commit of which a record was found.
    pub(super) fn last_commit(&self) -> Option<u64> {
        self.last().map(|(_, record)| record.commit)
    }

    fn last(&self) -> Option<(&Journal, Record)> {
        let records = self
            .0
            .iter()
            .flat_map(|journal| journal.records.iter().map(move |record| (journal, *record)));
        records.max_by_key(|(_, record)| record.commit)
    }

    /// Fails with a description if a commit between the oldest and the newest one has no record.
    pub(super) fn check_sequence(&self) -> Result<(), String> {
        let records = self.0.iter().flat_map(|journal| &journal.records);
        let mut commits: Vec<_> = records.map(|record| record.commit).collect();
        commits.sort_unstable();
        match commits.windows(2).find(|pair| pair[1] - pair[0] != 1) {
            None => Ok(()),
            Some(pair) => Err(format!(
                "in the journals, commit {} is followed by commit {}",
                pair[0], pair[1]
            )),
        }
    }

    /// Makes the newest commit incomplete, so that fjall drops it. Returns false if the journals have no commit.
    pub(super) fn tear_last_commit(&self) -> io::Result<bool> {
        let Some((journal, record)) = self.last() else { return Ok(false) };
        journal.file.set_len(record.offset as u64)?;
        journal.file.sync_all()?;
        Ok(true)
    }

    /// Describes what fjall dropped although it was durable, if anything, after it has recovered
    /// `recovered` commits.
    pub(super) fn find_loss(&self, recovered: u64) -> io::Result<Option<String>> {
        let last = self.last().map(|(_, record)| record);
        let mut last_was_dropped = false;
        for journal in &self.0 {
            let kept = journal.kept()?;
            if kept == journal.written.len() {
                continue;
            }
            let is_newest = journal.records.is_empty() || journal.records.last().copied() == last;
            let is_dropped = |record: &&Record| record.offset >= kept;
            let dropped: Vec<_> = journal.records.iter().filter(is_dropped).collect();
            if !is_newest || dropped.iter().any(|record| Some(**record) != last) {
                let path = journal.path.display();
                return Ok(Some(format!("the journal {path} is broken at byte {kept}")));
            }
            last_was_dropped |= !dropped.is_empty();
        }
        let durable =
            last.map_or(0, |record| record.commit.saturating_sub(u64::from(last_was_dropped)));
        Ok((recovered < durable).then(|| {
            format!("commit {durable} is in the journals, but only {recovered} were recovered")
        }))
    }

    /// Returns true if fjall dropped something at the end of a journal.
    pub(super) fn were_cut(&self) -> io::Result<bool> {
        for journal in &self.0 {
            if journal.kept()? < journal.written.len() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Writes back what fjall dropped, after opening was refused.
    pub(super) fn restore(&self) -> io::Result<()> {
        for journal in &self.0 {
            let mut options = OpenOptions::new();
            let file = options.write(true).create(true).truncate(false).open(&journal.path)?;
            if file.metadata()?.len() != journal.file_bytes {
                file.write_all_at(&journal.written, 0)?;
                file.set_len(journal.file_bytes)?;
                file.sync_all()?;
            }
        }
        Ok(())
    }
}

impl Journal {
    fn read(path: PathBuf) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(&path)?;
        let mut written = fs::read(&path)?;
        let file_bytes = written.len() as u64;
        written.truncate(written.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
        written.shrink_to_fit();
        let found = memmem::find_iter(&written, &MAGIC).filter_map(|offset| {
            let record = written.get(offset..offset + RECORD_BYTES)?;
            Some(Record { commit: read_commit_record(record).ok()?, offset })
        });
        let records = found.collect();
        Ok(Self { path, file, file_bytes, written, records })
    }

    /// Returns how many bytes of the content are still in the file.
    fn kept(&self) -> io::Result<usize> {
        let now = usize::try_from(self.file.metadata()?.len()).unwrap_or(usize::MAX);
        Ok(now.min(self.written.len()))
    }
}

#[cfg(test)]
mod tests {
    use std::ops::RangeInclusive;

    use fjall::{Database, KeyspaceCreateOptions, PersistMode};

    use super::*;

    /// Opens fjall, makes these commits, and returns the bytes of the journal.
    fn write_commits(dir: &Path, commits: RangeInclusive<u64>) -> Vec<u8> {
        let db = Database::builder(dir).open().unwrap();
        let tree = db.keyspace("tree", KeyspaceCreateOptions::default).unwrap();
        for commit in commits {
            let mut batch = db.batch().durability(Some(PersistMode::SyncData));
            batch.insert(&tree, "commit", commit_record(commit));
            batch.insert(&tree, commit.to_be_bytes(), vec![7; 9_000]);
            batch.remove(&tree, "other");
            batch.commit().unwrap();
        }
        drop((tree, db));
        fs::read(dir.join("0.jnl")).unwrap()
    }

    fn reopen(dir: &Path) -> fjall::Result<()> {
        Database::builder(dir).open().map(drop)
    }

    #[test]
    fn fjall_keeps_commit_records_verbatim_and_in_order() {
        let dir = tempfile::tempdir().unwrap();
        write_commits(dir.path(), 1..=5);
        let journals = Journals::read(dir.path()).unwrap();
        let journal = journals.0.iter().find(|journal| journal.path.ends_with("0.jnl")).unwrap();
        let commits: Vec<_> = journal.records.iter().map(|record| record.commit).collect();
        assert_eq!(commits, [1, 2, 3, 4, 5]);
        assert!(journal.records.is_sorted_by_key(|record| record.offset));
        assert_eq!((journals.last_commit(), journals.check_sequence()), (Some(5), Ok(())));
        reopen(dir.path()).unwrap();
        assert_eq!(journals.find_loss(5).unwrap(), None);
        assert!(!journals.were_cut().unwrap());
        assert!(journals.find_loss(4).unwrap().is_some());
    }

    #[test]
    fn fjall_drops_a_last_commit_that_was_torn_at_its_record() {
        let dir = tempfile::tempdir().unwrap();
        write_commits(dir.path(), 1..=3);
        let journals = Journals::read(dir.path()).unwrap();
        assert!(journals.tear_last_commit().unwrap());
        reopen(dir.path()).unwrap();
        assert_eq!(journals.find_loss(2).unwrap(), None);
        assert!(journals.were_cut().unwrap());
        assert!(journals.find_loss(1).unwrap().is_some());
        let left = Journals::read(dir.path()).unwrap();
        assert_eq!(left.last_commit(), Some(2));
    }

    #[test]
    fn missing_record_is_reported_by_its_neighbours() {
        let dir = tempfile::tempdir().unwrap();
        let mut bytes = write_commits(dir.path(), 1..=3);
        let second = memmem::find(&bytes, &commit_record(2)).unwrap();
        bytes[second + 20] ^= 1;
        fs::write(dir.path().join("0.jnl"), bytes).unwrap();
        let gap = Journals::read(dir.path()).unwrap().check_sequence().unwrap_err();
        assert_eq!(gap, "in the journals, commit 1 is followed by commit 3");
    }

    #[test]
    fn sealed_journal_is_damaged_when_its_last_commit_is_torn() {
        let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let sealed = write_commits(dir.path(), 1..=3);
        let newest = write_commits(other.path(), 4..=6);
        let path = dir.path().join("0.jnl");
        let end = sealed.iter().rposition(|byte| *byte != 0).unwrap();
        fs::write(&path, &sealed[..end]).unwrap();
        fs::write(dir.path().join("1.jnl"), newest).unwrap();
        let journals = Journals::read(dir.path()).unwrap();
        assert_eq!(journals.check_sequence(), Ok(()));
        reopen(dir.path()).unwrap();
        let loss = journals.find_loss(6).unwrap().unwrap();
        assert!(loss.contains("0.jnl is broken"), "{loss}");
        journals.restore().unwrap();
        assert_eq!(fs::read(path).unwrap(), sealed[..end]);
    }

    #[test]
    fn damaged_commit_record_is_refused() {
        let record = commit_record(77);
        assert_eq!(read_commit_record(&record), Ok(77));
        for byte in 0..RECORD_BYTES {
            let mut damaged = record;
            damaged[byte] ^= 0x20;
            assert!(matches!(read_commit_record(&damaged), Err(StoreError::Corrupt(_))));
        }
        assert!(read_commit_record(&record[1..]).is_err());
    }
}
