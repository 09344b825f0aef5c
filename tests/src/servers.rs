//! Servers that are not ours: found on the machine, and loudly missed where they are not.
//!
//! A machine without one skips what needs it and says so past the test runner's capture; in CI
//! (`CI` is set) that is a failure.

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

/// Ports for servers: below those that the system gives to outgoing connections, which could take
/// the port of a server that is killed and to be started again.
const PORTS: Range<u16> = 20_000..32_000;

/// A port that nobody listens on, and that no other test of this process was given.
pub fn free_port() -> Result<u16> {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let size = u32::from(PORTS.end - PORTS.start);
    // Test processes begin far apart.
    let begin = process::id().wrapping_mul(7_919) % size;
    let next = || (begin + GIVEN.fetch_add(1, Ordering::Relaxed)) % size;
    let is_free = |port: &u16| {
        let hosts = [1, 2, 3].map(|host| Ipv4Addr::new(127, 0, 0, host));
        hosts.into_iter().all(|host| TcpListener::bind((host, *port)).is_ok())
    };
    let ports = (0..size).filter_map(|_| u16::try_from(next()).ok()).map(|at| PORTS.start + at);
    ports.into_iter().find(is_free).context("no port is free")
}

/// Where things stay that are costly to get: `$XDG_CACHE_HOME/confab`, `~/.cache/confab`.
pub fn cache() -> PathBuf {
    let home = || PathBuf::from(env::var_os("HOME").unwrap_or_else(|| "/tmp".into()));
    let cache = env::var_os("XDG_CACHE_HOME").map_or_else(|| home().join(".cache"), PathBuf::from);
    cache.join("confab")
}
