//! The binary `confab` as a child process, on free ports and with a new data folder.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
    time::SystemTime,
};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use crate::{
    patience::{LATER, SOON},
    process::Process,
};

/// The settings of a gateway.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    environment: Vec<(String, String)>,
    authority: Option<PathBuf>,
    preloaded: Option<PathBuf>,
}

impl Settings {
    /// Turns rate limits off, and allows any number of connections, so that a scenario meets only the
    /// limit that it tests.
    pub fn new() -> Self {
        Self::default()
            .set("RATE_LIMITS__ENABLED", "false")
            .set("LIMITS__CONNECTIONS_PER_ADDRESS", "100000")
    }

    /// Keeps all defaults of the product, rate limits included.
    pub fn defaults() -> Self {
        Self::default()
    }

    /// Sets `CONFAB__<name>`, and replaces an earlier value.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Removes `CONFAB__<name>`, so that it has its default.
    #[must_use]
    pub fn unset(mut self, name: &str) -> Self {
        self.environment.retain(|(known, _)| known != name);
        self
    }

    fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.environment.iter().find(|(known, _)| known == name)?;
        Some(value)
    }

    /// Makes the process trust this certificate authority instead of those of the machine.
    #[must_use]
    pub fn trust(mut self, ca: PathBuf) -> Self {
        self.authority = Some(ca);
        self
    }

    /// Makes the process load this library first.
    #[must_use]
    pub fn preload(mut self, library: PathBuf) -> Self {
        self.preloaded = Some(library);
        self
    }
}

/// A running gateway, killed on drop.
#[derive(Debug)]
pub struct Gateway {
    // Dropped before its folder.
    running: Running,
    data: TempDir,
    binary: PathBuf,
    arguments: &'static [&'static str],
    settings: Settings,
}

#[derive(Debug)]
struct Running {
    process: Process,
    url: String,
    admin_url: String,
}

impl Gateway {
    /// Starts a gateway with an empty embedded store.
    pub async fn start() -> Result<Self> {
        Self::with(Settings::new()).await
    }

    /// Starts a gateway with these settings and an empty data folder.
    pub async fn with(settings: Settings) -> Result<Self> {
        Self::of(&binary()?, settings).await
    }

    /// Starts a gateway from this binary.
    pub async fn of(binary: &Path, settings: Settings) -> Result<Self> {
        Self::with_arguments(binary, &[], settings).await
    }

    /// Starts a demo from this binary, with all defaults of the product.
    pub async fn demo(binary: &Path) -> Result<Self> {
        Self::with_arguments(binary, &["--demo"], Settings::defaults()).await
    }

    async fn with_arguments(
        binary: &Path,
        arguments: &'static [&'static str],
        settings: Settings,
    ) -> Result<Self> {
        let data = TempDir::with_prefix("confab-test-")?;
        let running = Running::start(binary, arguments, &settings, data.path()).await?;
        Ok(Self { running, data, binary: binary.to_owned(), arguments, settings })
    }

    /// Returns its address, such as `http://127.0.0.1:40123`, which changes at a restart. With TLS it
    /// begins with `https://`.
    pub fn url(&self) -> &str {
        &self.running.url
    }

    /// Returns the address of its admin listener.
    pub fn admin_url(&self) -> &str {
        &self.running.admin_url
    }

    /// Returns the embedded store's folder.
    pub fn data(&self) -> &Path {
        self.settings.get("DATA_DIR").map_or(self.data.path(), Path::new)
    }

    /// Returns the process.
    pub const fn process(&mut self) -> &mut Process {
        &mut self.running.process
    }

    /// Kills it and keeps its data folder.
    pub fn kill(&mut self) -> Result<()> {
        self.running.process.kill()
    }

    /// Sends SIGTERM and waits for the exit status.
    pub async fn drain(&mut self) -> Result<ExitStatus> {
        self.running.process.terminate()?;
        self.running.process.ended(LATER).await
    }

    /// Kills it if it still runs, and starts it again on the same data.
    pub async fn restart(&mut self) -> Result<()> {
        self.restart_or_refuse().await?.map_or(Ok(()), |log| bail!(log))
    }

    /// Kills it if it still runs, and starts it again on the same data. If it ends before it serves,
    /// returns the end of its log.
    pub async fn restart_or_refuse(&mut self) -> Result<Option<String>> {
        self.running.process.kill()?;
        let Self { binary, arguments, settings, data, .. } = &*self;
        let mut process = spawn(binary, settings, data.path(), arguments)?;
        if let Err(error) = process.line("admin on http://", LATER).await {
            let has_ended = process.ensure_alive().is_err();
            return if has_ended { Ok(Some(format!("{error:#}"))) } else { Err(error) };
        }
        self.running = Running::of(process).await?;
        Ok(None)
    }

    /// Drains it, and starts it again with other settings on the same data.
    pub async fn restart_with(&mut self, settings: Settings) -> Result<()> {
        let status = self.drain().await?;
        ensure!(status.success(), "the gateway ended with {status}");
        self.settings = settings;
        self.restart().await
    }

    /// Starts `confab` with these settings in an empty folder, without waiting until it serves.
    pub fn begin(settings: &Settings) -> Result<(Process, TempDir)> {
        Self::begin_with(settings, &[])
    }

    /// Starts `confab` with these arguments and settings in an empty folder.
    pub fn begin_with(settings: &Settings, arguments: &[&str]) -> Result<(Process, TempDir)> {
        let data = TempDir::with_prefix("confab-test-")?;
        Ok((spawn(&binary()?, settings, data.path(), arguments)?, data))
    }

    /// Runs `confab` with these arguments and settings until it exits.
    pub async fn run(settings: &Settings, arguments: &[&str]) -> Result<(ExitStatus, Process)> {
        let data = TempDir::with_prefix("confab-test-")?;
        let mut process = spawn(&binary()?, settings, data.path(), arguments)?;
        let status = process.ended(SOON).await?;
        Ok((status, process))
    }
}

impl Running {
    async fn start(
        binary: &Path,
        arguments: &[&str],
        settings: &Settings,
        data: &Path,
    ) -> Result<Self> {
        Self::of(spawn(binary, settings, data, arguments)?).await
    }

    /// Waits until a process that has started serves.
    async fn of(mut process: Process) -> Result<Self> {
        let line = process.line("listening on http", LATER).await?;
        let url = address(&line, "listening on ")?;
        let line = process.line("admin on http://", LATER).await?;
        let admin_url = address(&line, "admin on ")?;
        Ok(Self { process, url, admin_url })
    }
}

fn spawn(binary: &Path, settings: &Settings, data: &Path, arguments: &[&str]) -> Result<Process> {
    let mut command = Command::new(binary);
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CONFAB_")) {
            command.env_remove(name);
        }
    }
    command
        .args(arguments)
        .current_dir(data)
        .env("CONFAB__LISTEN", "127.0.0.1:0")
        .env("CONFAB__ADMIN__LISTEN", "127.0.0.1:0")
        .env("CONFAB__DATA_DIR", data)
        .envs(settings.authority.iter().map(|ca| ("SSL_CERT_FILE", ca)))
        .envs(settings.preloaded.iter().map(|library| ("LD_PRELOAD", library)))
        .envs(settings.environment.iter().map(|(name, value)| (format!("CONFAB__{name}"), value)));
    Process::start("confab", &mut command)
}

/// Returns the address after `intro`, in a plain or in a JSON line.
fn address(line: &str, intro: &str) -> Result<String> {
    let from = line.split_once(intro).context("no address in the line")?.1;
    let end = |c: char| !(c.is_ascii_alphanumeric() || "-.:/[]".contains(c));
    let address = from.split(end).next().unwrap_or_default();
    Ok(address.trim_end_matches('/').to_owned())
}

/// Returns `CONFAB_BINARY`, or the newer one of the release and debug binaries.
pub fn binary() -> Result<PathBuf> {
    if let Some(binary) = env::var_os("CONFAB_BINARY") {
        return Ok(binary.into());
    }
    let this = env::current_exe()?;
    let built = |folder: &Path| {
        let binary = folder.join("confab");
        let at = binary.metadata().and_then(|found| found.modified());
        at.ok().map(|at: SystemTime| (at, binary))
    };
    this.ancestors()
        .skip(1)
        .take(3)
        .flat_map(|folder| [built(folder), built(&folder.with_file_name("release"))])
        .flatten()
        .max()
        .map(|(_, binary)| binary)
        .context("no binary: `cargo build --release -p gateway` first, or set CONFAB_BINARY")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_is_found_in_plain_and_json_lines() -> Result<()> {
        for line in [
            "2026-01-01 INFO listening on http://127.0.0.1:40123",
            r#"{"level":"INFO","message":"listening on http://127.0.0.1:40123","node":1}"#,
            r#"{"fields":{"message":"listening on http://127.0.0.1:40123/"}}"#,
        ] {
            assert_eq!(address(line, "listening on ")?, "http://127.0.0.1:40123");
        }
        Ok(())
    }

    #[test]
    fn later_setting_replaces_the_earlier_one() {
        let settings = Settings::new().set("A", "1").set("A", "2");
        assert!(settings.environment.contains(&("A".into(), "2".into())));
        assert!(!settings.environment.contains(&("A".into(), "1".into())));
    }
}
