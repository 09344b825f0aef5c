//! A damaged file of the embedded store.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::chance::Chance;

/// How often a journal or a table is damaged, in percent. Most files of a small store are neither.
const DATA_PERCENT: u64 = 50;

/// A file that was changed while no gateway ran.
pub(super) struct Damage {
    file: PathBuf,
    original: Vec<u8>,
}

impl Damage {
    /// Empties, cuts or flips a byte of one file of the store in this folder.
    pub(super) fn make(folder: &Path, chance: &mut Chance) -> Result<Self> {
        let mut files = files_of_store(folder)?;
        if chance.percent(DATA_PERCENT) && files.iter().any(|file| has_data(file)) {
            files.retain(|file| has_data(file));
        }
        let file = chance.one_of(&files).context("an empty store")?.clone();
        let original = fs::read(&file)?;
        // Journals end with zeros, which mean nothing.
        let used = original.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let at = usize::try_from(chance.below(used.max(1) as u64))?;
        let mut damaged = original.clone();
        match chance.below(3) {
            0 => damaged.clear(),
            1 => damaged.truncate(at),
            _ => damaged.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 0xff),
        }
        fs::write(&file, damaged)?;
        Ok(Self { file, original })
    }

    /// Makes the file what it was.
    pub(super) fn undo(&self) -> Result<()> {
        Ok(fs::write(&self.file, &self.original)?)
    }
}

/// Omits the bytes.
impl fmt::Debug for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Damage").field("file", &self.file).finish_non_exhaustive()
    }
}

/// Returns the files of the store that have bytes. The index of messages is made again by itself.
fn files_of_store(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = vec![folder.join("format"), folder.join("mark")];
    let mut folders = vec![folder.join("trees")];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next)? {
            let path = entry?.path();
            let is_folder = path.is_dir();
            if is_folder { &mut folders } else { &mut files }.push(path);
        }
    }
    files.retain(|file| file.metadata().is_ok_and(|found| found.len() > 0));
    // The order of a folder differs from run to run.
    files.sort();
    Ok(files)
}

/// Returns true for a journal or a table.
fn has_data(file: &Path) -> bool {
    let is_journal = file.extension().is_some_and(|kind| kind == "jnl");
    is_journal || file.parent().is_some_and(|folder| folder.ends_with("tables"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_changes_one_file_until_it_is_undone() -> Result<()> {
        let folder = tempfile::tempdir()?;
        fs::create_dir_all(folder.path().join("trees/0/tables"))?;
        for name in ["format", "mark", "trees/0.jnl", "trees/0/current", "trees/0/tables/1"] {
            fs::write(folder.path().join(name), name)?;
        }
        fs::write(folder.path().join("trees/lock"), "")?;
        let files = files_of_store(folder.path())?;
        let read = || files.iter().map(fs::read).collect::<Result<Vec<_>, _>>();
        let whole = read()?;
        assert_eq!(whole.len(), 5);
        let mut chance = Chance::new(1);
        for _ in 0..100 {
            let damage = Damage::make(folder.path(), &mut chance)?;
            let changed = whole.iter().zip(read()?).filter(|(whole, now)| **whole != *now).count();
            assert_eq!(changed, 1, "{damage:?}");
            damage.undo()?;
            assert_eq!(read()?, whole);
        }
        Ok(())
    }
}
