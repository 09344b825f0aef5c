//! A Redis server of the test, on a free port and without a disk.

use std::{
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::eventually;

/// A running server, ended when this is dropped.
pub(super) struct Server {
    program: PathBuf,
    folder: TempDir,
    port: u16,
    child: Child,
}

/// Where `redis-server` is. `None`, loudly, where it may be missing.
#[expect(clippy::print_stderr, clippy::disallowed_methods, reason = "whoever runs tests asks")]
fn program() -> Option<PathBuf> {
    let paths = std::env::var("PATH").unwrap_or_default();
    let all = std::env::split_paths(&paths).chain([PathBuf::from("/usr/bin")]);
    let found = all.map(|path| path.join("redis-server")).find(|path| path.is_file());
    assert!(found.is_some() || std::env::var("CI").is_err(), "redis-server is missing");
    if found.is_none() {
        eprintln!("SKIPPED: redis-server is not installed");
    }
    found
}

/// A port on which nobody listens now.
pub(super) fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

impl Server {
    /// Starts a server and waits until it answers.
    pub(super) async fn start() -> Option<Self> {
        Self::start_on(free_port()).await
    }

    /// As [`Self::start`], where somebody expects it.
    pub(super) async fn start_on(port: u16) -> Option<Self> {
        let program = program()?;
        let folder = tempfile::tempdir().unwrap();
        let child = spawn(&program, folder.path(), port).await;
        Some(Self { program, folder, port, child })
    }

    /// So many servers.
    pub(super) async fn start_many(count: usize) -> Option<Vec<Self>> {
        let mut servers = Vec::new();
        for _ in 0..count {
            servers.push(Self::start().await?);
        }
        Some(servers)
    }

    /// Where it is.
    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Where it listens.
    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    /// Stops it where it is.
    pub(super) fn pause(&self) {
        kill_process(Pid::from_child(&self.child), Signal::STOP).unwrap();
    }

    /// Lets it go on.
    pub(super) fn resume(&self) {
        kill_process(Pid::from_child(&self.child), Signal::CONT).unwrap();
    }

    /// Ends it without a word.
    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it on the same port, with nothing in it.
    pub(super) async fn start_again(&mut self) {
        self.child = spawn(&self.program, self.folder.path(), self.port).await;
    }

    /// A connection as anybody could have one.
    pub(super) async fn connection(&self) -> redis::aio::MultiplexedConnection {
        let client = redis::Client::open(self.url()).unwrap();
        client.get_multiplexed_async_connection().await.unwrap()
    }

    /// Runs a command as anybody could.
    pub(super) async fn run<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        command.query_async(&mut self.connection().await).await.unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }
}

async fn spawn(program: &Path, folder: &Path, port: u16) -> Child {
    let mut command = Command::new(program);
    command.current_dir(folder).args(["--bind", "127.0.0.1", "--port", &port.to_string()]);
    command.args(["--save", "", "--appendonly", "no"]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    eventually("the server listens", Duration::from_secs(10), async || {
        TcpStream::connect(("127.0.0.1", port)).is_ok()
    })
    .await;
    child
}
