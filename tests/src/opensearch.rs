//! OpenSearch as a real search engine: one node on a free port.
//!
//! Maven downloads the jars into the cache once.

use std::{fs, path::Path, process::Command, time::Duration};

use anyhow::Result;
use tempfile::TempDir;

use crate::{
    maven,
    process::Process,
    servers::{free_port, program},
};

/// A node is ready well before this, even on a busy machine.
const START_MAX: Duration = Duration::from_secs(180);
/// Logs errors only, to standard error.
const LOGGING: &str = "\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %m%n
rootLogger.level = error
rootLogger.appenderRef.console.ref = console
";

/// A running node, killed on drop.
#[derive(Debug)]
pub struct OpenSearch {
    // Dropped before its folder.
    _process: Process,
    _folder: TempDir,
    port: u16,
}

impl OpenSearch {
    /// Starts a node, or returns `None` if Java or Maven may be missing and are.
    pub async fn start() -> Result<Option<Self>> {
        // A JRE cannot run a source file.
        let Some(java) = program("java", "openjdk-17-jdk-headless")? else { return Ok(None) };
        let pom = concat!(env!("CARGO_MANIFEST_DIR"), "/opensearch/pom.xml");
        let Some(jars) = maven::jars(Path::new(pom), "opensearch/2.19.1").await? else {
            return Ok(None);
        };
        let folder = TempDir::with_prefix("confab-opensearch-")?;
        let logging = folder.path().join("config/log4j2.properties");
        fs::create_dir(folder.path().join("config"))?;
        fs::write(&logging, LOGGING)?;
        let (port, transport) = (free_port()?, free_port()?);
        let mut command = Command::new(java);
        command
            .current_dir(folder.path())
            .args(["-Xms512m", "-Xmx512m", "-Dlog4j2.disable.jmx=true"])
            .arg(format!("-Dlog4j.configurationFile={}", logging.display()))
            .arg("-cp")
            .arg(jars.join("*"))
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/opensearch/Start.java"))
            .arg(folder.path())
            .args([port.to_string(), transport.to_string()]);
        let mut process = Process::start("opensearch", &mut command)?;
        process.line("OpenSearch is ready", START_MAX).await?;
        Ok(Some(Self { _process: process, _folder: folder, port }))
    }

    /// Returns the value of `CONFAB__SEARCH__URLS`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}
