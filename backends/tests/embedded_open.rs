//! What the embedded store refuses to open, and what it says then.
#![expect(clippy::unwrap_used, reason = "a test may end so")]

#[path = "embedded/heard.rs"]
mod heard;
#[path = "embedded/scene.rs"]
mod scene;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use backends::embedded::{Embedded, EmbeddedConfig, OpenError};
use heard::{heard, tells};
use scene::Scribe;

fn open(dir: &Path) -> Result<Embedded, OpenError> {
    Embedded::open(&EmbeddedConfig::new(dir))
}

/// A closed store whose one conversation has this many messages.
async fn written(dir: &Path, messages: u64) -> Scribe {
    let embedded = open(dir).unwrap();
    let mut scribe = Scribe::new(1);
    for _ in 0..messages {
        scribe.send(&embedded.stores()).await;
    }
    embedded.close();
    scribe
}

#[tokio::test]
async fn store_in_use_is_refused_and_opens_when_it_is_free() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path()).unwrap();
    let refusal = open(dir.path()).unwrap_err();
    assert!(matches!(refusal, OpenError::InUse { .. }), "{refusal}");
    assert!(refusal.to_string().contains("in use by another process"), "{refusal}");
    first.close();
    open(dir.path()).unwrap();
}

#[tokio::test]
async fn store_of_a_newer_version_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path(), 1).await;
    fs::write(dir.path().join("format"), "confab embedded store, format 7\n").unwrap();
    let refusal = open(dir.path()).unwrap_err();
    assert!(matches!(refusal, OpenError::Newer { found: 7, known: 1, .. }), "{refusal}");
}

#[tokio::test]
async fn folder_that_does_not_say_what_it_is_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path(), 1).await;
    fs::write(dir.path().join("format"), [0xff, 0xfe, 0]).unwrap();
    assert!(matches!(open(dir.path()), Err(OpenError::NotAStore { .. })));
    fs::remove_file(dir.path().join("format")).unwrap();
    assert!(matches!(open(dir.path()), Err(OpenError::NotAStore { .. })));
}

#[test]
fn folder_that_cannot_be_made_is_refused() {
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
fn new_folder_is_its_owners_alone() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("made/store");
    let lines = heard(|| open(&store).unwrap().close());
    assert_eq!((mode(&store), lines), (0o700, Vec::new()));
}

#[test]
fn folder_that_others_may_read_keeps_its_mode_and_is_warned_of() {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o750)).unwrap();
    let lines = heard(|| open(dir.path()).unwrap().close());
    assert_eq!(mode(dir.path()), 0o750);
    assert!(tells(&lines, "others may read the store"), "{lines:?}");
}

#[test]
fn folder_with_something_else_in_it_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("lost+found")).unwrap();
    fs::write(dir.path().join("auth.key"), "a key made beforehand").unwrap();
    open(dir.path()).unwrap().close();
    let foreign = tempfile::tempdir().unwrap();
    fs::write(foreign.path().join("thesis.txt"), "").unwrap();
    let refusal = open(foreign.path()).unwrap_err();
    assert!(matches!(refusal, OpenError::NotAStore { .. }), "{refusal}");
    assert!(!foreign.path().join("trees").exists());
}

#[tokio::test]
async fn trees_without_their_version_are_damage() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path(), 1).await;
    fs::remove_file(dir.path().join("trees/version")).unwrap();
    let refusal = open(dir.path()).unwrap_err();
    assert!(matches!(refusal, OpenError::Damaged { .. }), "{refusal}");
    assert!(refusal.to_string().contains("trees/version"), "{refusal}");
}

#[tokio::test]
async fn mark_that_says_nothing_is_warned_of() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path(), 3).await;
    let mark = dir.path().join("mark");
    let bytes = fs::read(&mark).unwrap().len();
    for damaged in [vec![0; bytes], vec![0xa5; bytes], Vec::new()] {
        fs::write(&mark, &damaged).unwrap();
        let lines = heard(|| open(dir.path()).unwrap().close());
        assert!(tells(&lines, "the file 'mark' is missing or damaged"), "{lines:?}");
    }
    fs::remove_file(&mark).unwrap();
    let lines = heard(|| open(dir.path()).unwrap().close());
    assert!(tells(&lines, "the file 'mark' is missing or damaged"), "{lines:?}");
    written_on(dir.path(), 1).await;
    let lines = heard(|| open(dir.path()).unwrap().close());
    assert!(!tells(&lines, "'mark'"), "{lines:?}");
}

#[tokio::test]
async fn older_copy_of_the_trees_is_refused_until_the_mark_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path(), 3).await;
    let (trees, older) = (dir.path().join("trees"), dir.path().join("older"));
    copy(&trees, &older);
    written_on(dir.path(), 3).await;
    fs::remove_dir_all(&trees).unwrap();
    fs::rename(&older, &trees).unwrap();
    let refusal = open(dir.path()).unwrap_err();
    assert!(matches!(refusal, OpenError::Regressed { found: 3, marked: 6, .. }), "{refusal}");
    assert!(refusal.to_string().contains("remove the file 'mark'"), "{refusal}");
    fs::remove_file(dir.path().join("mark")).unwrap();
    open(dir.path()).unwrap();
}

/// The newest journal, and where its last batch ends.
fn newest_journal(dir: &Path) -> (PathBuf, u64) {
    let files = fs::read_dir(dir.join("trees")).unwrap().map(|file| file.unwrap().path());
    let journals = files.filter(|path| path.extension().is_some_and(|ending| ending == "jnl"));
    let path = journals.max().unwrap();
    let bytes = fs::read(&path).unwrap();
    (path, bytes.iter().rposition(|byte| *byte != 0).unwrap() as u64 + 1)
}

/// Writes into another conversation.
async fn written_on(dir: &Path, messages: u64) {
    let embedded = open(dir).unwrap();
    let mut scribe = Scribe::new(2);
    for _ in 0..messages {
        scribe.send(&embedded.stores()).await;
    }
    embedded.close();
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        let to = to.join(file.file_name());
        if file.file_type().unwrap().is_dir() {
            copy(&file.path(), &to);
        } else {
            fs::copy(file.path(), to).unwrap();
        }
    }
}

#[tokio::test]
async fn journal_that_ends_early_is_noticed_by_the_mark() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path(), 5).await;
    let (path, end) = newest_journal(dir.path());
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(end - 7).unwrap();
    let before = fs::read(&path).unwrap();
    let lines = heard(|| {
        let refusal = open(dir.path()).unwrap_err();
        assert!(matches!(refusal, OpenError::Regressed { found: 4, marked: 5, .. }), "{refusal}");
    });
    assert!(!tells(&lines, "is cut"), "{lines:?}");
    assert_eq!(fs::read(&path).unwrap(), before, "what is refused stays as it is");
}

#[tokio::test]
async fn write_that_was_torn_before_it_was_acknowledged_is_cut_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let mut scribe = written(dir.path(), 5).await;
    let (path, end) = newest_journal(dir.path());
    let mut bytes = fs::read(&path).unwrap();
    bytes.truncate(usize::try_from(end).unwrap());
    let torn = bytes[..bytes.len() / 3].to_vec();
    bytes.extend(torn.iter().take(100));
    fs::write(&path, bytes).unwrap();
    let embedded = open(dir.path()).unwrap();
    scribe.holds(&embedded.stores()).await;
    scribe.send(&embedded.stores()).await;
    embedded.close();
    scribe.holds(&open(dir.path()).unwrap().stores()).await;
}

#[tokio::test]
async fn damage_within_the_journal_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path(), 50).await;
    let (path, end) = newest_journal(dir.path());
    let mut bytes = fs::read(&path).unwrap();
    bytes[usize::try_from(end / 2).unwrap()] ^= 0xff;
    fs::write(&path, &bytes).unwrap();
    let refusal = open(dir.path()).unwrap_err();
    assert!(matches!(refusal, OpenError::Damaged { .. }), "{refusal}");
    assert!(refusal.to_string().contains("restore"), "{refusal}");
    assert_eq!(fs::read(&path).unwrap(), bytes, "nothing was changed");
}

/// Every file of the store, damaged in turn: it opens whole, or is refused.
#[tokio::test]
async fn damaged_files_are_refused_without_a_panic() {
    let original = tempfile::tempdir().unwrap();
    let scribe = written(original.path(), 20).await;
    open(original.path()).unwrap().close();
    let mut refused = 0;
    for name in files(original.path()) {
        for damage in [truncated, flipped, emptied] {
            let dir = tempfile::tempdir().unwrap();
            copy(original.path(), &dir.path().join("store"));
            let path = dir.path().join("store").join(&name);
            fs::write(&path, damage(fs::read(&path).unwrap())).unwrap();
            refused += usize::from(is_refused(&dir.path().join("store"), &scribe).await);
        }
    }
    assert!(refused > 5, "{refused}");
}

async fn is_refused(dir: &Path, scribe: &Scribe) -> bool {
    let Ok(embedded) = open(dir) else { return true };
    scribe.holds(&embedded.stores()).await;
    false
}

fn truncated(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.truncate(bytes.len() / 2);
    bytes
}

fn flipped(mut bytes: Vec<u8>) -> Vec<u8> {
    let middle = bytes.iter().rposition(|byte| *byte != 0).unwrap_or(0) / 2;
    if let Some(byte) = bytes.get_mut(middle) {
        *byte ^= 0xff;
    }
    bytes
}

fn emptied(_: Vec<u8>) -> Vec<u8> {
    Vec::new()
}

fn files(dir: &Path) -> Vec<String> {
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
