//! A Redis server on a free port that stores nothing on disk.

use std::{path::PathBuf, process::Command};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use crate::{
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
}

impl Redis {
    /// Starts a server, or returns `None` if Redis may be missing and is.
    pub async fn start() -> Result<Option<Self>> {
        let Some(binary) = program("redis-server", "redis-server")? else { return Ok(None) };
        let (folder, port) = (TempDir::with_prefix("confab-redis-")?, free_port()?);
        let process = Self::spawn(&binary, &folder, port).await?;
        Ok(Some(Self { process, folder, binary, port }))
    }

    async fn spawn(binary: &PathBuf, folder: &TempDir, port: u16) -> Result<Process> {
        let mut command = Command::new(binary);
        command.current_dir(folder.path()).args(["--bind", "127.0.0.1", "--appendonly", "no"]);
        command.args(["--save", "", "--port", &port.to_string()]);
        let mut process = Process::start("redis-server", &mut command)?;
        process.line("Ready to accept connections", SOON).await?;
        Ok(process)
    }

    /// Returns the value of `CONFAB__REDIS__URLS`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
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
        self.process = Self::spawn(&self.binary, &self.folder, self.port).await?;
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
