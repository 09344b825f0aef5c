//! Downloads the jars of servers with Maven, once, into the cache.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::{
    process::Process,
    servers::{cache, program},
};

/// Maven has downloaded the jars well before this.
const RESOLVE_MAX: Duration = Duration::from_secs(900);

/// Returns the folder of the jars that a `pom.xml` names, by its path in the cache. Downloads them the
/// first time. Returns `None` if Maven may be missing and is.
pub(crate) async fn jars(pom: &Path, folder: &str) -> Result<Option<PathBuf>> {
    let jars = cache().join(folder);
    if jars.is_dir() {
        return Ok(Some(jars));
    }
    let Some(mvn) = program("mvn", "maven")? else { return Ok(None) };
    let parent = jars.parent().context("the cache folder has a parent")?;
    fs::create_dir_all(parent)?;
    let fresh = TempDir::with_prefix_in("resolving-", parent)?;
    let mut command = Command::new(mvn);
    command
        .args(["-q", "-B", "-f"])
        .arg(pom)
        .args(["dependency:copy-dependencies", "-DincludeScope=runtime"])
        .arg(format!("-DoutputDirectory={}", fresh.path().display()));
    let status = Process::start("mvn", &mut command)?.ended(RESOLVE_MAX).await?;
    ensure!(status.success(), "mvn: {status}");
    // Another process may have been faster; its copy is the same.
    let renamed = fs::rename(fresh.path(), &jars);
    ensure!(jars.is_dir(), "no jars: {renamed:?}");
    Ok(Some(jars))
}
