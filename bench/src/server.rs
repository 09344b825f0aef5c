//! The server under measurement: a child process with an empty store on a free loopback port.

use std::{
    env, fs,
    io::{self, BufRead, BufReader},
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Stdio},
    thread,
};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::{
    calls,
    cores::Cores,
    http,
    seed::{self, Account, Signer},
    usage::{Memory, Usage},
};

/// Registrations at the same time: the password queue holds more.
const REGISTRATIONS: usize = 16;

/// How servers are started.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    /// The server's binary.
    pub(crate) binary: PathBuf,
    /// The cores of server and clients.
    pub(crate) cores: Cores,
    /// Further settings, as names without prefix and values.
    pub(crate) settings: Vec<(String, String)>,
    /// The folder for stores, which is removed afterwards.
    pub(crate) folder: PathBuf,
    /// Users are registered through the API instead of being written into the store.
    pub(crate) register: bool,
}

/// A running server, killed on drop.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    folder: TempDir,
    accounts: Vec<Account>,
}

impl Server {
    /// Starts a server with a new store that has this many users.
    pub(crate) fn start(launch: &Launch, users: usize) -> Result<Self> {
        Self::prepared(launch, users, |_, _| Ok(())).map(|(server, ())| server)
    }

    /// Like [`Self::start`], but prepares the folder of the store before. The users must be written into
    /// the store.
    pub(crate) fn prepared<T>(
        launch: &Launch,
        users: usize,
        prepare: impl FnOnce(&Path, &[u64]) -> Result<T>,
    ) -> Result<(Self, T)> {
        let folder = TempDir::with_prefix_in("confab-bench-", &launch.folder)?;
        let signer = Signer::new()?;
        let key = folder.path().join("bench.key");
        let mut options = fs::OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(&key)?;
        io::Write::write_all(&mut &file, signer.key_file().as_bytes())?;
        let data = folder.path().join("store");
        let ids = if launch.register { Vec::new() } else { seed::write_accounts(&data, users)? };
        let made = prepare(&data, &ids)?;
        let (mut child, stderr) = launch.cores.on_server(|| spawn(launch, &data, &key))?;
        let address = listen_address(stderr);
        if address.is_err() {
            end(&mut child);
        }
        let mut server = Self { child, address: address?, folder, accounts: Vec::new() };
        let ids = if launch.register { server.register(users)? } else { ids };
        server.accounts = ids.into_iter().map(|id| signer.account(id)).collect::<Result<_>>()?;
        Ok((server, made))
    }

    /// Returns the address for clients.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the folder of its store.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns its users.
    pub(crate) fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    /// Returns the processor time it has used.
    pub(crate) fn usage(&self) -> Result<Usage> {
        Usage::of(self.child.id())
    }

    /// Returns its memory.
    pub(crate) fn memory(&self) -> Result<Memory> {
        Memory::of(self.child.id())
    }

    fn register(&self, users: usize) -> Result<Vec<u64>> {
        let request = |number| {
            let json =
                format!(r#"{{"username":"user-{number}","password":"an example password"}}"#);
            http::request("POST", "/v1/users", "", &[], &json)
        };
        let requests: Vec<_> = (0..users).map(request).collect();
        let bodies = calls::call_all(self.address, &requests, REGISTRATIONS)?;
        bodies.iter().map(|body| calls::id(body, "/user/id")).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Kills a child and waits until it has ended. Both fail only if it has ended already.
fn end(child: &mut Child) {
    child.kill().unwrap_or_default();
    child.wait().map(drop).unwrap_or_default();
}

fn spawn(launch: &Launch, data: &Path, key: &Path) -> Result<(Child, ChildStderr)> {
    let mut command = Command::new(&launch.binary);
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CONFAB_")) {
            command.env_remove(name);
        }
    }
    let fixed = [
        ("LISTEN", "127.0.0.1:0"),
        ("ADMIN__LISTEN", "127.0.0.1:0"),
        ("LOG", "warn"),
        ("RATE_LIMITS__ENABLED", "false"),
        ("LIMITS__CONNECTIONS_PER_ADDRESS", "100000"),
    ];
    let mut child = command
        .envs(fixed.map(|(name, value)| (format!("CONFAB__{name}"), value)))
        .env("CONFAB__DATA_DIR", data)
        .env("CONFAB__AUTH__SECRET_FILE", key)
        .envs(launch.settings.iter().map(|(name, value)| (format!("CONFAB__{name}"), value)))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("{} does not start", launch.binary.display()))?;
    let stderr = child.stderr.take().context("no standard error")?;
    Ok((child, stderr))
}

/// Waits for the lines with both addresses. A thread prints what the server logs after that.
fn listen_address(stderr: ChildStderr) -> Result<SocketAddr> {
    let mut lines = BufReader::new(stderr);
    let (mut log, mut found) = (String::new(), None);
    loop {
        let begin = log.len();
        if lines.read_line(&mut log)? == 0 {
            bail!("the server ended:\n{log}");
        }
        let line = &log[begin..];
        found = found.or_else(|| address(line));
        if let Some(address) = found.filter(|_| line.contains("admin on ")) {
            thread::spawn(move || io::copy(&mut lines, &mut io::stderr()).unwrap_or_default());
            return Ok(address);
        }
    }
}

/// Returns the address in the line `listening on http://…`, plain or in JSON.
fn address(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("listening on http://")?;
    let end = rest.find(|c: char| !(c.is_ascii_digit() || ".:".contains(c))).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_is_found_in_plain_and_json_lines() {
        let expected = Some(SocketAddr::from(([127, 0, 0, 1], 40123)));
        assert_eq!(address("INFO listening on http://127.0.0.1:40123\n"), expected);
        assert_eq!(address(r#"{"message":"listening on http://127.0.0.1:40123"}"#), expected);
        assert_eq!(address("admin on http://127.0.0.1:40123"), None);
    }
}
