//! What the embedded store refuses to open, and what its errors and warnings say.
#![expect(clippy::unwrap_used, reason = "a test may end so")]

#[path = "embedded/captured.rs"]
mod captured;
#[path = "embedded/folder.rs"]
mod folder;
#[path = "embedded/writer.rs"]
mod writer;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use backends::embedded::{Embedded, EmbeddedConfig, OpenError};
use captured::{capture_warnings, contains};
use writer::Writer;

fn open(dir: &Path) -> Result<Embedded, OpenError> {
    Embedded::open(&EmbeddedConfig::new(dir))
}

/// Writes this many messages into one conversation of the store and closes the store.
async fn write_messages(dir: &Path, mut writer: Writer, messages: u64) -> Writer {
    let embedded = open(dir).unwrap();
    for _ in 0..messages {
        writer.send(&embedded.stores()).await;
    }
    embedded.close();
    writer
}

#[tokio::test]
async fn store_is_refused_while_another_process_uses_it() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path()).unwrap();
    let refusal = open(dir.path()).unwrap_err();
    assert!(matches!(refusal, OpenError::InUse { .. }), "{refusal}");
    assert!(refusal.to_string().contains("in use by another process"), "{refusal}");
    first.close();
    open(dir.path()).unwrap();
}

#[tokio::test]
async fn store_is_refused_when_its_format_is_unknown() {
    let dir = tempfile::tempdir().unwrap();
    write_messages(dir.path(), Writer::new(1), 1).await;
    fs::write(dir.path().join("format"), "confab embedded store, format 7\n").unwrap();
    let refusal = open(dir.path()).unwrap_err();
    assert!(matches!(refusal, OpenError::Newer { found: 7, known: 3, .. }), "{refusal}");
    fs::write(dir.path().join("format"), "confab embedded store, format 2\n").unwrap();
    let refusal = open(dir.path()).unwrap_err();
    assert!(matches!(refusal, OpenError::Older { found: 2, known: 3, .. }), "{refusal}");
}

#[tokio::test]
async fn folder_is_refused_when_its_format_file_is_damaged_or_missing() {
    let dir = tempfile::tempdir().unwrap();
    write_messages(dir.path(), Writer::new(1), 1).await;
    fs::write(dir.path().join("format"), [0xff, 0xfe, 0]).unwrap();
    assert!(matches!(open(dir.path()), Err(OpenError::NotAStore { .. })));
    fs::remove_file(dir.path().join("format")).unwrap();
    assert!(matches!(open(dir.path()), Err(OpenError::NotAStore { .. })));
}

#[test]
fn folder_is_refused_when_it_cannot_be_created() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    let refusal = open(&dir.path().join("file/store")).unwrap_err();
    assert!(matches!(refusal, OpenError::Folder { .. }), "{refusal}");
    let small = EmbeddedConfig { journal_bytes: 1, ..EmbeddedConfig::new(dir.path().join("new")) };
    assert!(matches!(Embedded::open(&small), Err(OpenError::JournalTooSmall { found: 1, .. })));
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn new_folder_is_accessible_to_its_owner_only() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("created/store");
    let warnings = capture_warnings(|| open(&store).unwrap().close());
    assert_eq!((mode(&store), warnings), (0o700, Vec::new()));
}

#[test]
fn existing_folder_keeps_its_mode_and_logs_a_warning() {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o750)).unwrap();
    let warnings = capture_warnings(|| open(dir.path()).unwrap().close());
    assert_eq!(mode(dir.path()), 0o750);
    assert!(contains(&warnings, "others may read the store"), "{warnings:?}");
}

#[test]
fn folder_is_refused_when_it_holds_foreign_files() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("lost+found")).unwrap();
    fs::write(dir.path().join("auth.key"), "a key created earlier").unwrap();
    open(dir.path()).unwrap().close();
    let foreign = tempfile::tempdir().unwrap();
    fs::write(foreign.path().join("thesis.txt"), "").unwrap();
    let refusal = open(foreign.path()).unwrap_err();
    assert!(matches!(refusal, OpenError::NotAStore { .. }), "{refusal}");
    assert!(!foreign.path().join("trees").exists());
}

#[tokio::test]
async fn store_is_damaged_when_the_version_of_its_trees_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    write_messages(dir.path(), Writer::new(1), 1).await;
    fs::remove_file(dir.path().join("trees/version")).unwrap();
    let refusal = open(dir.path()).unwrap_err();
    assert!(matches!(refusal, OpenError::Damaged { .. }), "{refusal}");
    assert!(refusal.to_string().contains("trees/version"), "{refusal}");
}

#[tokio::test]
async fn store_opens_with_a_warning_when_its_mark_is_unreadable() {
    let dir = tempfile::tempdir().unwrap();
    write_messages(dir.path(), Writer::new(1), 3).await;
    let mark = dir.path().join("mark");
    let bytes = fs::read(&mark).unwrap().len();
    for damaged in [vec![0; bytes], vec![0xa5; bytes], Vec::new()] {
        fs::write(&mark, &damaged).unwrap();
        let warnings = capture_warnings(|| open(dir.path()).unwrap().close());
        assert!(contains(&warnings, "the file 'mark' is missing or damaged"), "{warnings:?}");
    }
    fs::remove_file(&mark).unwrap();
    let warnings = capture_warnings(|| open(dir.path()).unwrap().close());
    assert!(contains(&warnings, "the file 'mark' is missing or damaged"), "{warnings:?}");
    write_messages(dir.path(), Writer::new(2), 1).await;
    let warnings = capture_warnings(|| open(dir.path()).unwrap().close());
    assert!(!contains(&warnings, "'mark'"), "{warnings:?}");
}

#[tokio::test]
async fn older_trees_are_refused_until_the_mark_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    write_messages(dir.path(), Writer::new(1), 3).await;
    let (trees, older) = (dir.path().join("trees"), dir.path().join("older"));
    folder::copy(&trees, &older);
    write_messages(dir.path(), Writer::new(2), 3).await;
    fs::remove_dir_all(&trees).unwrap();
    fs::rename(&older, &trees).unwrap();
    let refusal = open(dir.path()).unwrap_err();
    assert!(matches!(refusal, OpenError::Regressed { found: 3, marked: 6, .. }), "{refusal}");
    assert!(refusal.to_string().contains("remove the file 'mark'"), "{refusal}");
    fs::remove_file(dir.path().join("mark")).unwrap();
    open(dir.path()).unwrap();
}

/// Returns the path and the bytes of the newest journal, without the zeros at its end.
fn newest_journal(dir: &Path) -> (PathBuf, Vec<u8>) {
    let files = fs::read_dir(dir.join("trees")).unwrap().map(|file| file.unwrap().path());
    let journals = files.filter(|path| path.extension().is_some_and(|ending| ending == "jnl"));
    let path = journals.max().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    bytes.truncate(bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1);
    (path, bytes)
}

#[tokio::test]
async fn shortened_journal_is_refused_when_the_mark_knows_of_more_commits() {
    let dir = tempfile::tempdir().unwrap();
    write_messages(dir.path(), Writer::new(1), 5).await;
    let (path, bytes) = newest_journal(dir.path());
    let shortened = &bytes[..bytes.len() - 7];
    fs::write(&path, shortened).unwrap();
    let warnings = capture_warnings(|| {
        let refusal = open(dir.path()).unwrap_err();
        assert!(matches!(refusal, OpenError::Regressed { found: 4, marked: 5, .. }), "{refusal}");
    });
    assert!(!contains(&warnings, "is cut"), "{warnings:?}");
    assert_eq!(fs::read(&path).unwrap(), shortened, "a refused journal stays as it was");
}

/// The ways in which a power loss can leave the last batch, which begins at `start`.
fn torn_variants(whole: &[u8], start: usize) -> Vec<Vec<u8>> {
    let end = whole.len();
    let length = end - start;
    let cuts = [1, 20, 40, 60, length / 2, length - 20, length - 1];
    let mut variants: Vec<_> = cuts.map(|cut| whole[..start + cut].to_vec()).to_vec();
    for variant in variants.clone() {
        let zeros = vec![0; end - variant.len()];
        variants.push([variant, zeros].concat());
    }
    for hole in [start..start + 30, start + 90..start + 120, end - 60..end - 30, end - 12..end] {
        let mut variant = whole.to_vec();
        variant[hole].fill(0);
        variants.push(variant);
    }
    let mut flipped = whole.to_vec();
    flipped[end - 40] ^= 1;
    variants.push(flipped);
    variants
}

#[tokio::test]
async fn torn_last_write_is_dropped_when_it_was_not_acknowledged() {
    let (before, after) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let acknowledged = write_messages(before.path(), Writer::new(1), 5).await;
    open(before.path()).unwrap().close();
    folder::copy(before.path(), &after.path().join("store"));
    write_messages(&after.path().join("store"), acknowledged.clone(), 1).await;
    let (_, acknowledged_bytes) = newest_journal(before.path());
    let (_, whole) = newest_journal(&after.path().join("store"));
    for variant in torn_variants(&whole, acknowledged_bytes.len()) {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("store");
        folder::copy(before.path(), &store);
        fs::write(newest_journal(&store).0, variant).unwrap();
        let warnings = capture_warnings(|| open(&store).unwrap().close());
        assert!(contains(&warnings, "torn and is cut"), "{warnings:?}");
        let embedded = open(&store).unwrap();
        let mut writer = acknowledged.clone();
        writer.assert_stored(&embedded.stores()).await;
        writer.send(&embedded.stores()).await;
        embedded.close();
        writer.assert_stored(&open(&store).unwrap().stores()).await;
    }
}

#[tokio::test]
async fn journal_is_refused_when_whole_commits_follow_the_damage() {
    let original = tempfile::tempdir().unwrap();
    write_messages(original.path(), Writer::new(1), 50).await;
    open(original.path()).unwrap().close();
    let (_, whole) = newest_journal(original.path());
    for offset in [0, 3, 20, 40, 60, whole.len() / 3, whole.len() / 2, whole.len() - 1200] {
        let mut damaged = whole.clone();
        damaged[offset] ^= 0xff;
        for has_mark in [true, false] {
            assert_refused_unchanged(original.path(), &damaged, has_mark);
        }
    }
}

/// Asserts that a copy of the store with this journal is refused, and that the journal stays as it was.
fn assert_refused_unchanged(original: &Path, damaged: &[u8], has_mark: bool) {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    folder::copy(original, &store);
    if !has_mark {
        fs::remove_file(store.join("mark")).unwrap();
    }
    let (path, _) = newest_journal(&store);
    fs::write(&path, damaged).unwrap();
    for _ in 0..2 {
        let refusal = open(&store).unwrap_err();
        assert!(matches!(refusal, OpenError::Damaged { .. }), "{refusal}");
        assert!(refusal.to_string().contains("restore"), "{refusal}");
        assert_eq!(fs::read(&path).unwrap(), damaged);
    }
}

/// Damages every file of the store in turn. The store must open complete or be refused.
#[tokio::test]
async fn damaged_files_are_refused_without_a_panic() {
    let original = tempfile::tempdir().unwrap();
    let writer = write_messages(original.path(), Writer::new(1), 20).await;
    open(original.path()).unwrap().close();
    let mut refused = 0;
    for name in list_files(original.path()) {
        for damage in [truncate, flip, empty] {
            let dir = tempfile::tempdir().unwrap();
            let store = dir.path().join("store");
            folder::copy(original.path(), &store);
            let path = store.join(&name);
            fs::write(&path, damage(fs::read(&path).unwrap())).unwrap();
            match open(&store) {
                Ok(embedded) => writer.assert_stored(&embedded.stores()).await,
                Err(_) => refused += 1,
            }
        }
    }
    assert!(refused > 5, "{refused}");
}

fn truncate(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.truncate(bytes.len() / 2);
    bytes
}

fn flip(mut bytes: Vec<u8>) -> Vec<u8> {
    let middle = bytes.iter().rposition(|byte| *byte != 0).unwrap_or(0) / 2;
    if let Some(byte) = bytes.get_mut(middle) {
        *byte ^= 0xff;
    }
    bytes
}

fn empty(_: Vec<u8>) -> Vec<u8> {
    Vec::new()
}

fn list_files(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for file in fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}
