//! Opens a store: takes the folder's lock, then checks its format, its journals, its commit count and
//! the ends of the logs that changed last.

use std::{
    ffi::OsStr,
    fs::{self, DirBuilder, File, TryLockError},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use chat_core::{error::StoreError, id::ConversationId, model::Seq};
use fjall::Database;

use super::{
    EmbeddedConfig,
    disk::Disk,
    heads::Heads,
    health::HealthSignal,
    ids,
    journals::{self, Journals},
    keys,
    log::read_entries,
    mark::Mark,
    recent::Recent,
    spaces::{Space, Spaces},
    store::Store,
    values,
};

/// The version of the folder that this build reads and writes.
const FORMAT: u32 = 3;
/// The smallest journal that fjall rotates.
const JOURNAL_BYTES_MIN: u64 = 64 * 1024 * 1024;
/// Entries before the head that are checked in each log that changed recently.
const TAIL_ENTRIES: u64 = 64;

/// Files that a folder may hold before it becomes a store: the lock, a format file whose write was
/// interrupted, files that operators put beside a store, and what file systems create.
const NEW_FOLDER_FILES: [&str; 5] = ["lock", "format.new", "auth.key", "confab.toml", "lost+found"];
/// The permission bits of everybody but the owner.
const OTHERS_MODE: u32 = 0o077;

/// Why a store was not opened, and what the operator can do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder or one of its files cannot be used.
    #[error(
        "the store's folder {dir} cannot be used ({error}): make it a folder that this process may write to"
    )]
    Folder {
        /// The folder.
        dir: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// Another process holds the lock.
    #[error(
        "the store in {dir} is in use by another process: stop that one, or choose another folder"
    )]
    InUse {
        /// The folder.
        dir: PathBuf,
    },
    /// A newer version wrote the store.
    #[error(
        "the store in {dir} has format {found}, and this version knows formats up to {known}: start the version that wrote it, or a newer one"
    )]
    Newer {
        /// The folder.
        dir: PathBuf,
        /// The format of the folder.
        found: u32,
        /// The newest format that this version reads.
        known: u32,
    },
    /// A version before the first release wrote the store.
    #[error(
        "the store in {dir} has format {found}, and this version reads only format {known}: choose an empty folder"
    )]
    Older {
        /// The folder.
        dir: PathBuf,
        /// The format of the folder.
        found: u32,
        /// The only format that this version reads.
        known: u32,
    },
    /// The folder holds something else, or its format file is damaged.
    #[error(
        "{dir} does not say that it is a Confab store: choose an empty folder, or restore the file 'format' from a copy of the store"
    )]
    NotAStore {
        /// The folder.
        dir: PathBuf,
    },
    /// The configured journal size is below the minimum.
    #[error("the journal needs at least {min} bytes, not {found}: raise its size")]
    JournalTooSmall {
        /// The configured size in bytes.
        found: u64,
        /// The minimum in bytes.
        min: u64,
    },
    /// The store has lost commits.
    #[error(
        "the store in {dir} has had {found} commits, and its mark says {marked}: it is older than it was, so acknowledged messages are missing. Restore the newest copy of the whole folder; or, to go on without them, remove the file 'mark' and start again"
    )]
    Regressed {
        /// The folder.
        dir: PathBuf,
        /// The number of commits in the store.
        found: u64,
        /// The number of commits that were durable.
        marked: u64,
    },
    /// The stored bytes are damaged.
    #[error(
        "the store in {dir} is damaged ({detail}): restore the newest copy of the whole folder"
    )]
    Damaged {
        /// The folder.
        dir: PathBuf,
        /// What is wrong.
        detail: String,
    },
}

/// Returns fjall's folder.
pub(super) fn trees(config: &EmbeddedConfig) -> PathBuf {
    config.dir.join("trees")
}

/// Opens the store of a folder and returns it with the file that locks the folder.
pub(super) fn open(config: &EmbeddedConfig) -> Result<(Store, File), OpenError> {
    let dir = &config.dir;
    let folder = |error| OpenError::Folder { dir: dir.clone(), error };
    let damaged = |detail| OpenError::Damaged { dir: dir.clone(), detail };
    if config.journal_bytes < JOURNAL_BYTES_MIN {
        let found = config.journal_bytes;
        return Err(OpenError::JournalTooSmall { found, min: JOURNAL_BYTES_MIN });
    }
    create_private(dir).map_err(folder)?;
    let lock = lock(dir)?;
    check_format(dir)?;
    let (mark, marked) = Mark::open(&dir.join("mark")).map_err(folder)?;
    let trees = trees(config);
    // Without this file fjall would treat the trees as new.
    if trees.try_exists().map_err(folder)? && !trees.join("version").try_exists().map_err(folder)? {
        return Err(damaged("the file 'trees/version' is missing".to_owned()));
    }
    let journals = Journals::read(&trees).map_err(folder)?;
    journals.check_sequence().map_err(damaged)?;
    // The newest record proves that the commit before it was durable. Keep that proof in case the
    // process ends after fjall has dropped the record and before this check has ended.
    let durable = journals.last_commit().map_or(0, |last| last.saturating_sub(1));
    if marked.unwrap_or(0) < durable {
        mark.write(durable).and_then(|()| mark.sync()).map_err(folder)?;
    }
    let store = recover(config, mark, marked, &journals).inspect_err(|refusal| {
        // fjall refuses a store in use before it changes a journal, and its owner may be writing.
        if !matches!(refusal, OpenError::InUse { .. })
            && let Err(error) = journals.restore()
        {
            tracing::error!(%error, "cannot restore the journals of a refused store");
        }
    })?;
    store.disk.check(&store.health);
    Ok((store, lock))
}

/// Creates the folder for its owner only, because it holds messages and password hashes. An existing
/// folder keeps its mode, which a backup may need.
fn create_private(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    if fs::metadata(dir)?.permissions().mode() & OTHERS_MODE != 0 {
        tracing::warn!(dir = %dir.display(), "others may read the store: chmod 700");
    }
    Ok(())
}

/// Locks the folder. The system releases the lock when the process ends, even after a crash.
fn lock(dir: &Path) -> Result<File, OpenError> {
    let folder = |error| OpenError::Folder { dir: dir.to_owned(), error };
    let lock = File::create(dir.join("lock")).map_err(folder)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { dir: dir.to_owned() }),
        Err(TryLockError::Error(error)) => Err(folder(error)),
    }
}

/// Checks the file `format`, or writes it if the folder is new.
fn check_format(dir: &Path) -> Result<(), OpenError> {
    let folder = |error| OpenError::Folder { dir: dir.to_owned(), error };
    let not_a_store = || OpenError::NotAStore { dir: dir.to_owned() };
    match fs::read_to_string(dir.join("format")) {
        Ok(text) => {
            let found = text.strip_prefix("confab embedded store, format ").map(str::trim_end);
            let found = found.and_then(|found| found.parse().ok()).ok_or_else(not_a_store)?;
            match found {
                FORMAT => Ok(()),
                0..FORMAT => Err(OpenError::Older { dir: dir.to_owned(), found, known: FORMAT }),
                _ => Err(OpenError::Newer { dir: dir.to_owned(), found, known: FORMAT }),
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            for file in fs::read_dir(dir).map_err(folder)? {
                let name = file.map_err(folder)?.file_name();
                if !NEW_FOLDER_FILES.map(OsStr::new).contains(&&*name) {
                    return Err(not_a_store());
                }
            }
            write_format(dir).map_err(folder)
        }
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(not_a_store()),
        Err(error) => Err(folder(error)),
    }
}

fn write_format(dir: &Path) -> io::Result<()> {
    let fresh = dir.join("format.new");
    let mut file = File::create(&fresh)?;
    writeln!(file, "confab embedded store, format {FORMAT}")?;
    file.sync_all()?;
    fs::rename(fresh, dir.join("format"))?;
    File::open(dir)?.sync_all()
}

/// Lets fjall recover the trees, then checks that no acknowledged commit is missing.
fn recover(
    config: &EmbeddedConfig,
    mark: Mark,
    marked: Option<u64>,
    journals: &Journals,
) -> Result<Store, OpenError> {
    let dir = &config.dir;
    let folder = |error| OpenError::Folder { dir: dir.clone(), error };
    let damaged =
        |error: StoreError| OpenError::Damaged { dir: dir.clone(), detail: error.to_string() };
    let disk = Disk::of(dir, config.reserve_bytes).map_err(folder)?;
    let (db, spaces) = open_trees(config, marked, journals)?;
    let commits = AtomicU64::new(0);
    let (heads, recent, health) = (Heads::default(), Recent::default(), HealthSignal::new());
    let ids = ids::open(&spaces).map_err(damaged)?;
    let store = Store { db, spaces, heads, recent, health, disk, mark, ids, commits };
    let record = store.get_encoded(Space::Heads, keys::COMMITS).map_err(damaged)?;
    let found = record.map_or(Ok(0), |record| journals::read_commit_record(&record));
    let found = found.map_err(damaged)?;
    if let Some(detail) = journals.find_loss(found).map_err(folder)? {
        return Err(OpenError::Damaged { dir: dir.clone(), detail });
    }
    match marked {
        Some(marked) if found < marked => {
            return Err(OpenError::Regressed { dir: dir.clone(), found, marked });
        }
        None if found > 0 => tracing::warn!(
            commits = found,
            "the file 'mark' is missing or damaged: missing commits may not be noticed"
        ),
        _ => {}
    }
    if journals.were_cut().map_err(folder)? {
        tracing::warn!(
            commits = found,
            "the journal's last write was torn and is cut: it was never acknowledged"
        );
    }
    let records = store.scan(Space::Heads, keys::RECENT).map_err(damaged)?;
    let records = records.iter().map(|(key, value)| values::decode(key, value));
    store.recent.load(records.collect::<Result<_, _>>().map_err(damaged)?, found);
    for conversation in store.recent.conversations() {
        check_tail(&store, conversation).map_err(damaged)?;
    }
    store.commits.store(found, Ordering::Release);
    Ok(store)
}

/// Opens fjall's trees. If fjall refuses a journal that ends with an unacknowledged commit, opens them
/// once more without that commit.
fn open_trees(
    config: &EmbeddedConfig,
    marked: Option<u64>,
    journals: &Journals,
) -> Result<(Database, Spaces), OpenError> {
    let open = || {
        let db = Database::builder(trees(config))
            .cache_size(config.cache_bytes)
            .max_journaling_size(config.journal_bytes)
            .open()?;
        let spaces = Spaces::open(&db)?;
        Ok((db, spaces))
    };
    // fjall asserts some of what it reads.
    let try_open = || catch_unwind(AssertUnwindSafe(open));
    let folder = |error| OpenError::Folder { dir: config.dir.clone(), error };
    let mut opened = try_open();
    if matches!(opened, Ok(Err(fjall::Error::JournalRecovery(_))))
        && journals.last_commit() > marked
        && journals.tear_last_commit().map_err(folder)?
    {
        opened = try_open();
    }
    let damaged = |detail| Err(OpenError::Damaged { dir: config.dir.clone(), detail });
    match opened {
        Ok(Ok(opened)) => Ok(opened),
        Ok(Err(fjall::Error::Locked)) => Err(OpenError::InUse { dir: config.dir.clone() }),
        Ok(Err(fjall::Error::Io(error))) => Err(folder(error)),
        Ok(Err(error)) => damaged(error.to_string()),
        Err(_) => damaged("its files contradict each other".to_owned()),
    }
}

/// Checks that a log ends at its head and has no gap in its last entries.
fn check_tail(store: &Store, conversation: ConversationId) -> Result<(), StoreError> {
    let head = store.head(conversation)?.seq;
    let after = Seq::new(head.get().saturating_sub(TAIL_ENTRIES));
    read_entries(store, conversation, after, head, usize::MAX)?;
    let beyond =
        keys::entry(conversation, head.next())..=keys::entry(conversation, Seq::new(u64::MAX));
    match store.range(Space::Entries, beyond, 1)?.first() {
        None => Ok(()),
        Some(_) => Err(StoreError::Corrupt(format!(
            "conversation {conversation} has entries beyond its head {head}"
        ))),
    }
}
