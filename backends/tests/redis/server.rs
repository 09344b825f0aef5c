//! A Redis server for a test, on a free port and without persistence.

use std::{
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::{certificates::Authority, eventually};

/// A running server. It is killed on drop.
pub(super) struct Server {
    program: PathBuf,
    folder: TempDir,
    port: u16,
    options: Vec<String>,
    child: Child,
}

/// Returns the path of `redis-server`. Without one it fails in CI; elsewhere it prints that the test is
/// skipped.
#[expect(clippy::print_stderr, clippy::disallowed_methods, reason = "the environment of the tests")]
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

/// Returns a port on which nothing listens.
pub(super) fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

impl Server {
    /// Starts a server and waits until it listens.
    pub(super) async fn start() -> Option<Self> {
        Self::start_on(free_port()).await
    }

    /// Like [`Self::start`], on this port.
    pub(super) async fn start_on(port: u16) -> Option<Self> {
        Self::start_as(port, vec!["--port".to_owned(), port.to_string()]).await
    }

    /// Starts a server that accepts only TLS, with a certificate for this host.
    pub(super) async fn start_with_tls(
        authority: &Authority,
        host: &str,
        demands_certificate: bool,
    ) -> Option<Self> {
        let (port, files, ca) = (free_port(), authority.sign(host), authority.ca());
        let options = [
            ("--port", "0"),
            ("--tls-port", &port.to_string()),
            ("--tls-cert-file", files.certificate.to_str()?),
            ("--tls-key-file", files.key.to_str()?),
            ("--tls-ca-cert-file", ca.to_str()?),
            ("--tls-auth-clients", if demands_certificate { "yes" } else { "no" }),
        ];
        let options = options.iter().flat_map(|(name, value)| [*name, *value].map(str::to_owned));
        Self::start_as(port, options.collect()).await
    }

    async fn start_as(port: u16, options: Vec<String>) -> Option<Self> {
        let program = program()?;
        let folder = tempfile::tempdir().unwrap();
        let child = spawn(&program, folder.path(), port, &options).await;
        Some(Self { program, folder, port, options, child })
    }

    /// Starts this number of servers.
    pub(super) async fn start_many(count: usize) -> Option<Vec<Self>> {
        let mut servers = Vec::new();
        for _ in 0..count {
            servers.push(Self::start().await?);
        }
        Some(servers)
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(super) fn tls_url(&self) -> String {
        format!("rediss://127.0.0.1:{}", self.port)
    }

    /// Returns its working folder.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    /// Pauses the process.
    pub(super) fn pause(&self) {
        kill_process(Pid::from_child(&self.child), Signal::STOP).unwrap();
    }

    /// Resumes the paused process.
    pub(super) fn resume(&self) {
        kill_process(Pid::from_child(&self.child), Signal::CONT).unwrap();
    }

    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again on the same port, without data.
    pub(super) async fn restart(&mut self) {
        self.child = spawn(&self.program, self.folder.path(), self.port, &self.options).await;
    }

    async fn connection(&self) -> redis::aio::MultiplexedConnection {
        let client = redis::Client::open(self.url()).unwrap();
        client.get_multiplexed_async_connection().await.unwrap()
    }

    /// Runs a command on a connection of its own.
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

async fn spawn(program: &Path, folder: &Path, port: u16, options: &[String]) -> Child {
    let mut command = Command::new(program);
    command.current_dir(folder).args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
    command.args(options);
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    eventually("the server listens", Duration::from_secs(10), async || {
        TcpStream::connect(("127.0.0.1", port)).is_ok()
    })
    .await;
    child
}
