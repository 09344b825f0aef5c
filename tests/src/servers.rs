//! Finds the servers and programs that tests need.
//!
//! A missing program skips the test with a message past the test runner's capture. In CI (`CI` is set)
//! it fails the test.

use std::{
    env,
    io::{self, Write},
    net::{Ipv4Addr, TcpListener},
    ops::Range,
    path::PathBuf,
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::{Context, Result, ensure};

/// Returns the program of this name in the search path.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Returns true in CI, where no program may be missing.
pub fn is_ci() -> bool {
    env::var_os("CI").is_some_and(|ci| !ci.is_empty() && ci != "false")
}

/// Returns the program, or `None` if it may be missing and is. Fails in CI.
pub fn program(name: &str, package: &str) -> Result<Option<PathBuf>> {
    let found = find(name);
    if found.is_none() {
        missing(&format!("{name} is not installed (Debian: apt-get install {package})"))?;
    }
    Ok(found)
}

/// Reports a missing program: fails in CI and prints a line elsewhere.
pub fn missing(what: &str) -> Result<()> {
    ensure!(!is_ci(), "{what}, and in CI no program may be missing");
    // The test runner hides the output of `eprintln!` when a test passes.
    writeln!(io::stderr(), "\nSKIPPED: {what}\n")?;
    Ok(())
}

/// Ports for servers. They are below those of outgoing connections, which could take the port of a
/// killed server before it restarts.
const PORTS: Range<u16> = 20_000..32_000;

/// Returns a port that is free and that this process has not returned before.
pub fn free_port() -> Result<u16> {
    static RETURNED: AtomicU32 = AtomicU32::new(0);
    let size = u32::from(PORTS.end - PORTS.start);
    // Test processes start far apart.
    let begin = process::id().wrapping_mul(7_919) % size;
    let next = || (begin + RETURNED.fetch_add(1, Ordering::Relaxed)) % size;
    let is_free = |port: &u16| {
        let hosts = [1, 2, 3].map(|host| Ipv4Addr::new(127, 0, 0, host));
        hosts.into_iter().all(|host| TcpListener::bind((host, *port)).is_ok())
    };
    let ports = (0..size).filter_map(|_| u16::try_from(next()).ok()).map(|at| PORTS.start + at);
    ports.into_iter().find(is_free).context("no port is free")
}

/// Returns the folder for downloads: `$XDG_CACHE_HOME/confab`, or `~/.cache/confab`.
pub fn cache() -> PathBuf {
    let home = || PathBuf::from(env::var_os("HOME").unwrap_or_else(|| "/tmp".into()));
    let cache = env::var_os("XDG_CACHE_HOME").map_or_else(|| home().join(".cache"), PathBuf::from);
    cache.join("confab")
}
