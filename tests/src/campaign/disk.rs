//! A small disk that can be filled, and syncs that fail.

use std::{
    fs::{self, File, Permissions},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use tempfile::TempDir;

use crate::servers::{missing, program};

/// Room for the journal, and a filler that takes seconds at most.
const OPTIONS: &std::ffi::CStr = c"size=256m";
const FILL_BYTES: usize = 1 << 20;

/// A file system of its own in memory, unmounted on drop.
#[derive(Debug)]
pub(super) struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// Mounts a disk, or returns `None` if this process may not mount.
    pub(super) fn mount() -> Result<Option<Self>> {
        let folder = TempDir::with_prefix("confab-disk-")?;
        match mount("tmpfs", folder.path(), "tmpfs", MountFlags::empty(), OPTIONS) {
            Ok(()) => {
                fs::set_permissions(folder.path(), Permissions::from_mode(0o700))?;
                Ok(Some(Self { folder }))
            }
            Err(refused) => {
                let line =
                    format!("\nSKIPPED: a full disk, because tmpfs is not mounted: {refused}\n");
                writeln!(io::stderr(), "{line}")?;
                Ok(None)
            }
        }
    }

    /// Returns its folder.
    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    fn filler(&self) -> PathBuf {
        self.path().join("filler")
    }

    /// Takes all room that is left.
    pub(super) fn fill(&self) -> Result<()> {
        let mut filler = File::create(self.filler())?;
        let zeros = vec![0; FILL_BYTES];
        loop {
            match filler.write(&zeros) {
                Ok(_) => {}
                Err(full) if full.kind() == io::ErrorKind::StorageFull => return Ok(()),
                Err(error) => return Err(error).context("filling the disk"),
            }
        }
    }

    /// Gives the room back.
    pub(super) fn empty(&self) -> Result<()> {
        Ok(fs::remove_file(self.filler())?)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        unmount(self.folder.path(), UnmountFlags::DETACH).unwrap_or_default();
    }
}

/// A library that makes `fsync` and `fdatasync` fail while a file exists.
#[derive(Debug)]
pub(super) struct FailingSync {
    folder: TempDir,
}

impl FailingSync {
    /// Builds the library, or returns `None` if the compiler may be missing and is.
    pub(super) fn build() -> Result<Option<Self>> {
        let Some(compiler) = program("cc", "build-essential")? else { return Ok(None) };
        if cfg!(not(target_os = "linux")) {
            missing("LD_PRELOAD")?;
            return Ok(None);
        }
        let folder = TempDir::with_prefix("confab-sync-")?;
        let switch = folder.path().join("fails");
        let mut command = Command::new(compiler);
        command.args(["-shared", "-fPIC", "-O1", "-o"]).arg(folder.path().join("sync.so"));
        command.arg(format!("-DSWITCH=\"{}\"", switch.display()));
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/src/campaign/failing_sync.c"));
        let status = command.arg("-ldl").status()?;
        ensure!(status.success(), "cc: {status}");
        Ok(Some(Self { folder }))
    }

    /// Returns the library.
    pub(super) fn library(&self) -> PathBuf {
        self.folder.path().join("sync.so")
    }

    /// Makes syncs fail, or succeed again.
    pub(super) fn set(&self, fails: bool) -> Result<()> {
        let switch = self.folder.path().join("fails");
        if fails {
            fs::write(switch, "")?;
        } else {
            fs::remove_file(switch)?;
        }
        Ok(())
    }
}
