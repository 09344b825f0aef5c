//! A Redis server on a free port that stores nothing on disk.

use std::{path::PathBuf, process::Command};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use crate::{
    certificates::{Authority, text},
    patience::{SOON, within},
    process::Process,
    servers::{free_port, program},
};

/// A running server, killed on drop.
#[derive(Debug)]
pub struct Redis {
    // Dropped before its folder.
    process: Process,
    folder: TempDir,
    binary: PathBuf,
    port: u16,
    options: Vec<String>,
}

impl Redis {
    /// Starts a server, or returns `None` if Redis may be missing and is.
    pub async fn start() -> Result<Option<Self>> {
        let port = free_port()?;
        Self::start_as(port, vec!["--port".to_owned(), port.to_string()]).await
    }

    /// Starts a server that accepts only TLS, and only clients with a certificate of this authority.
    /// [`Self::ask`] cannot reach it.
    pub async fn start_with_tls(authority: &Authority) -> Result<Option<Self>> {
        let (port, ca, files) = (free_port()?, authority.ca(), authority.sign("127.0.0.1")?);
        let options = [
            ("--port", "0"),
            ("--tls-port", &port.to_string()),
            ("--tls-cert-file", text(&files.certificate)?),
            ("--tls-key-file", text(&files.key)?),
            ("--tls-ca-cert-file", text(&ca)?),
        ];
        let options = options.iter().flat_map(|(name, value)| [*name, *value].map(str::to_owned));
        Self::start_as(port, options.collect()).await
    }

    async fn start_as(port: u16, options: Vec<String>) -> Result<Option<Self>> {
        let Some(binary) = program("redis-server", "redis-server")? else { return Ok(None) };
        let folder = TempDir::with_prefix("confab-redis-")?;
        let process = Self::spawn(&binary, &folder, &options).await?;
        Ok(Some(Self { process, folder, binary, port, options }))
    }

    async fn spawn(binary: &PathBuf, folder: &TempDir, options: &[String]) -> Result<Process> {
        let mut command = Command::new(binary);
        command.current_dir(folder.path()).args(["--bind", "127.0.0.1", "--appendonly", "no"]);
        command.args(["--save", ""]).args(options);
        let mut process = Process::start("redis-server", &mut command)?;
        process.line("Ready to accept connections", SOON).await?;
        Ok(process)
    }

    /// Returns the value of `CONFAB__REDIS__URLS`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Like [`Self::url`], with TLS.
    pub fn tls_url(&self) -> String {
        format!("rediss://127.0.0.1:{}", self.port)
    }

    /// Opens a connection for commands in the protocol of Redis.
    pub async fn connect(&self) -> Result<TcpStream> {
        Ok(TcpStream::connect(("127.0.0.1", self.port)).await?)
    }

    /// Returns the process, to pause, resume or kill it.
    pub const fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Sends one command and returns the text of its simple answer. Fails on an error answer.
    pub async fn ask(&self, command: &str) -> Result<String> {
        within(SOON, command, self.answer(command)).await?
    }

    async fn answer(&self, command: &str) -> Result<String> {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        let mut stream = BufReader::new(stream);
        stream.write_all(format!("{command}\r\n").as_bytes()).await?;
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let (kind, rest) = line.trim_end().split_at_checked(1).context("no answer")?;
        ensure!(kind != "-", "{command}: {rest}");
        if kind != "$" {
            return Ok(rest.to_owned());
        }
        let mut text = vec![0; rest.parse().with_context(|| line.clone())?];
        stream.read_exact(&mut text).await?;
        Ok(String::from_utf8(text)?)
    }

    /// Starts it again on the same port, empty.
    pub async fn restart(&mut self) -> Result<()> {
        self.process.kill()?;
        self.process = Self::spawn(&self.binary, &self.folder, &self.options).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn killed_server_restarts_on_its_port() -> Result<()> {
        let Some(mut redis) = Redis::start().await? else { return Ok(()) };
        let before = redis.url();
        redis.process().kill()?;
        redis.restart().await?;
        assert_eq!(redis.url(), before);
        assert_eq!(redis.ask("PING").await?, "PONG");
        Ok(())
    }

    #[tokio::test]
    async fn simple_answers_of_every_kind_are_read() -> Result<()> {
        let Some(redis) = Redis::start().await? else { return Ok(()) };
        assert_eq!(redis.ask("SET here something").await?, "OK");
        assert_eq!(redis.ask("GET here").await?, "something");
        assert_eq!(redis.ask("DBSIZE").await?, "1");
        assert!(redis.ask("NONSENSE").await.is_err());
        Ok(())
    }
}
