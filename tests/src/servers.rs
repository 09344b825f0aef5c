//! Servers that are not ours: found on the machine, and loudly missed where they are not.
//!
//! A machine without one skips what needs it and says so past the test runner's capture; in CI
//! (`CI` is set) that is a failure.

use std::{
    env,
    io::{self, Write},
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
};

use anyhow::{Result, ensure};

/// The program of this name in the search path.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Whether this is CI, where nothing may be missing.
pub fn is_ci() -> bool {
    env::var_os("CI").is_some_and(|ci| !ci.is_empty() && ci != "false")
}

/// The program in the search path; none where it may be missing.
pub fn program(name: &str, package: &str) -> Result<Option<PathBuf>> {
    let found = find(name);
    if found.is_none() {
        missing(&format!("{name} is not installed (Debian: apt-get install {package})"))?;
    }
    Ok(found)
}

/// Says that something is missing: an error in CI, a loud line elsewhere.
pub fn missing(what: &str) -> Result<()> {
    ensure!(!is_ci(), "{what}, and in CI nothing may be missing");
    // Not `eprintln!`, which the test runner keeps to itself when a test passes.
    writeln!(io::stderr(), "\nSKIPPED: {what}\n")?;
    Ok(())
}

/// A port that nobody listens on at this moment.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Where things stay that are costly to get: `$XDG_CACHE_HOME/confab`, `~/.cache/confab`.
pub fn cache() -> PathBuf {
    let home = || PathBuf::from(env::var_os("HOME").unwrap_or_else(|| "/tmp".into()));
    let cache = env::var_os("XDG_CACHE_HOME").map_or_else(|| home().join(".cache"), PathBuf::from);
    cache.join("confab")
}
