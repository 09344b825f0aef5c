//! A Redis server of the test, on a free port and without a disk.

use std::{path::PathBuf, process::Command};

use anyhow::Result;
use tempfile::TempDir;

use crate::{
    patience::SOON,
    process::Process,
    servers::{free_port, program},
};

/// A running server, ended when this is dropped.
#[derive(Debug)]
pub struct Redis {
    // Ends before its folder does.
    process: Process,
    folder: TempDir,
    binary: PathBuf,
    port: u16,
}

impl Redis {
    /// A server; none where Redis is not installed and may be missing.
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

    /// For `CONFAB__REDIS__URLS`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The process, to stop, resume or kill it.
    pub const fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Starts it again on the same port, with nothing in it.
    pub async fn restart(&mut self) -> Result<()> {
        self.process.kill()?;
        self.process = Self::spawn(&self.binary, &self.folder, self.port).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
    };

    use super::*;

    #[tokio::test]
    async fn a_killed_server_comes_back_on_its_port() -> Result<()> {
        let Some(mut redis) = Redis::start().await? else { return Ok(()) };
        let before = redis.url();
        redis.process().kill()?;
        redis.restart().await?;
        assert_eq!(redis.url(), before);
        let mut stream = TcpStream::connect(("127.0.0.1", redis.port)).await?;
        stream.write_all(b"PING\r\n").await?;
        let mut answer = [0; 7];
        stream.read_exact(&mut answer).await?;
        assert_eq!(&answer, b"+PONG\r\n");
        Ok(())
    }
}
