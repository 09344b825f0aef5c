//! Opening: the folder's lock, its format, its commits, and the ends of the logs changed lately.

use std::{
    collections::HashSet,
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
    health::HealthSign,
    journal::{self, Broken},
    keys,
    log::entries,
    mark::Mark,
    spaces::{Space, Spaces},
    store::Store,
    values,
};

/// The version of the folder that is written and read.
const FORMAT: u32 = 1;
/// Journals are not rotated below this, fjall says.
const JOURNAL_BYTES_MIN: u64 = 64 * 1024 * 1024;
/// How far back from its head each log that was changed lately is checked.
const TAIL_ENTRIES: u64 = 64;

/// What a folder may hold before there is a store in it: the lock, the first write of the format that
/// a crash left, what operators put beside a store, and what file systems put into their roots.
const NEW_FOLDER_FILES: [&str; 5] = ["lock", "format.new", "auth.key", "confab.toml", "lost+found"];
/// The rights of everybody but the owner.
const OTHERS: u32 = 0o077;

/// Why a store was not opened, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder or one of its files cannot be used.
    #[error(
        "the store's folder {dir} cannot be used ({error}): make it a folder that this process may write to"
    )]
    Folder {
        /// The folder.
        dir: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Another process has it.
    #[error(
        "the store in {dir} is in use by another process: stop that one, or choose another folder"
    )]
    InUse {
        /// The folder.
        dir: PathBuf,
    },
    /// A newer version has written it.
    #[error(
        "the store in {dir} has format {found}, and this version knows formats up to {known}: start the version that wrote it, or a newer one"
    )]
    Newer {
        /// The folder.
        dir: PathBuf,
        /// Its format.
        found: u32,
        /// The newest known format.
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
    /// A setting is out of its bounds.
    #[error("the journal needs at least {min} bytes, not {found}: raise its size")]
    JournalTooSmall {
        /// What was asked for.
        found: u64,
        /// The least.
        min: u64,
    },
    /// It has lost commits.
    #[error(
        "the store in {dir} has had {found} commits, and its mark says {marked}: it is older than it was, so acknowledged messages are missing. Restore the newest copy of the whole folder; or, to go on without them, remove the file 'mark' and start again"
    )]
    Regressed {
        /// The folder.
        dir: PathBuf,
        /// Commits found.
        found: u64,
        /// Commits that were made.
        marked: u64,
    },
    /// What is stored is damaged.
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

/// Opens the store of a folder; the file is its lock.
pub(super) fn open(config: &EmbeddedConfig) -> Result<(Store, File), OpenError> {
    let dir = &config.dir;
    let folder = |error| OpenError::Folder { dir: dir.clone(), error };
    make_private(dir).map_err(folder)?;
    let lock = lock(dir)?;
    check_format(dir)?;
    let (mark, marked) = Mark::open(&dir.join("mark")).map_err(folder)?;
    let disk = Disk::of(dir, config.reserve_bytes).map_err(folder)?;
    let (db, spaces) = open_trees(config, marked.unwrap_or(0))?;
    let store = Store {
        db,
        spaces,
        mark,
        disk,
        heads: Heads::default(),
        health: HealthSign::new(),
        commits: AtomicU64::new(0),
    };
    check(&store, dir, marked)?;
    store.disk.check(&store.health);
    Ok((store, lock))
}

/// A new folder is the owner's alone: it holds texts, and hashes of passwords. One that is there
/// already keeps its mode, which may be what a backup needs.
fn make_private(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    if fs::metadata(dir)?.permissions().mode() & OTHERS != 0 {
        tracing::warn!(dir = %dir.display(), "others may read the store: chmod 700");
    }
    Ok(())
}

/// The folder's lock: the system gives it back when the process ends, however it ends.
fn lock(dir: &Path) -> Result<File, OpenError> {
    let folder = |error| OpenError::Folder { dir: dir.to_owned(), error };
    let lock = File::create(dir.join("lock")).map_err(folder)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { dir: dir.to_owned() }),
        Err(TryLockError::Error(error)) => Err(folder(error)),
    }
}

/// The folder must be a store of a known format, or new.
fn check_format(dir: &Path) -> Result<(), OpenError> {
    let folder = |error| OpenError::Folder { dir: dir.to_owned(), error };
    let not_a_store = || OpenError::NotAStore { dir: dir.to_owned() };
    match fs::read_to_string(dir.join("format")) {
        Ok(text) => {
            let found = text.strip_prefix("confab embedded store, format ").map(str::trim_end);
            let found = found.and_then(|found| found.parse().ok()).ok_or_else(not_a_store)?;
            if found > FORMAT {
                return Err(OpenError::Newer { dir: dir.to_owned(), found, known: FORMAT });
            }
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if !is_new(dir).map_err(folder)? {
                return Err(not_a_store());
            }
            write_format(dir).map_err(folder)
        }
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(not_a_store()),
        Err(error) => Err(folder(error)),
    }
}

/// Whether nothing is in the folder that somebody may miss or take for the store's.
fn is_new(dir: &Path) -> io::Result<bool> {
    for file in fs::read_dir(dir)? {
        if !NEW_FOLDER_FILES.map(OsStr::new).contains(&&*file?.file_name()) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn write_format(dir: &Path) -> io::Result<()> {
    let fresh = dir.join("format.new");
    let mut file = File::create(&fresh)?;
    writeln!(file, "confab embedded store, format {FORMAT}")?;
    file.sync_all()?;
    fs::rename(fresh, dir.join("format"))?;
    File::open(dir)?.sync_all()
}

fn open_trees(config: &EmbeddedConfig, marked: u64) -> Result<(Database, Spaces), OpenError> {
    if config.journal_bytes < JOURNAL_BYTES_MIN {
        let found = config.journal_bytes;
        return Err(OpenError::JournalTooSmall { found, min: JOURNAL_BYTES_MIN });
    }
    let damaged = |detail| OpenError::Damaged { dir: config.dir.clone(), detail };
    let folder = |error| OpenError::Folder { dir: config.dir.clone(), error };
    let trees = config.dir.join("trees");
    // Without it fjall would take the trees for new ones.
    if trees.try_exists().map_err(folder)? && !trees.join("version").try_exists().map_err(folder)? {
        return Err(damaged("the file 'trees/version' is missing".to_owned()));
    }
    journal::check(&trees, marked).map_err(|broken| match broken {
        Broken::Unreadable(error) => folder(error),
        Broken::Damaged(detail) => damaged(detail),
        Broken::Regressed { found } => {
            OpenError::Regressed { dir: config.dir.clone(), found, marked }
        }
    })?;
    let open = || {
        let db = Database::builder(&trees)
            .cache_size(config.cache_bytes)
            .max_journaling_size(config.journal_bytes)
            .open()?;
        let spaces = Spaces::open(&db)?;
        Ok((db, spaces))
    };
    // fjall asserts some of what it reads back.
    match catch_unwind(AssertUnwindSafe(open)) {
        Ok(Ok(opened)) => Ok(opened),
        Ok(Err(fjall::Error::Locked)) => Err(OpenError::InUse { dir: config.dir.clone() }),
        Ok(Err(fjall::Error::Io(error))) => Err(folder(error)),
        Ok(Err(error)) => Err(damaged(error.to_string())),
        Err(_) => Err(damaged("its files contradict each other".to_owned())),
    }
}

/// Nothing may be missing that was acknowledged, as far as that can be seen.
fn check(store: &Store, dir: &Path, marked: Option<u64>) -> Result<(), OpenError> {
    let damaged =
        |error: StoreError| OpenError::Damaged { dir: dir.to_owned(), detail: error.to_string() };
    let commits = store.get(Space::Heads, keys::COMMITS).map_err(damaged)?;
    let found = commits.map_or(Ok(0), |value| values::read_number(&value)).map_err(damaged)?;
    match marked {
        Some(marked) if found < marked => {
            return Err(OpenError::Regressed { dir: dir.to_owned(), found, marked });
        }
        None if found > 0 => tracing::warn!(
            commits = found,
            "the file 'mark' is missing or damaged: whether the store is older than it was cannot be told"
        ),
        _ => {}
    }
    for conversation in recently_changed(store).map_err(damaged)? {
        check_tail(store, conversation).map_err(damaged)?;
    }
    store.commits.store(found, Ordering::Release);
    Ok(())
}

fn recently_changed(store: &Store) -> Result<HashSet<ConversationId>, StoreError> {
    let mut changed = HashSet::new();
    for (_, value) in store.scan(Space::Heads, b"r")? {
        changed.extend(values::read_conversations(&value)?);
    }
    Ok(changed)
}

/// The log ends at its head, and there is no hole before it.
fn check_tail(store: &Store, conversation: ConversationId) -> Result<(), StoreError> {
    let head = store.head(conversation)?.seq;
    let after = Seq::new(head.get().saturating_sub(TAIL_ENTRIES));
    entries(store, conversation, after, head, usize::MAX)?;
    let behind =
        keys::entry(conversation, head.next())..=keys::entry(conversation, Seq::new(u64::MAX));
    match store.range(Space::Entries, behind, 1)?.first() {
        None => Ok(()),
        Some(_) => Err(StoreError::Corrupt(format!(
            "conversation {conversation} has entries behind its head {head}"
        ))),
    }
}
