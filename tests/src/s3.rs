//! S3Proxy as a real S3 server: one process on a free port that keeps objects in a folder.
//!
//! Maven downloads the jars into the cache once.

use std::{fs, path::Path, process::Command, time::Duration};

use anyhow::{Context, Result};
use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::{
    gateway::Settings,
    maven,
    patience::eventually,
    process::Process,
    servers::{free_port, program},
};

/// The server is ready well before this, even on a busy machine.
const START_MAX: Duration = Duration::from_secs(120);
/// The bucket, which exists from the start.
const BUCKET: &str = "confab-files";
const ACCESS_KEY: &str = "confab";
const SECRET_KEY: &str = "secret-of-the-tests";
/// Logs warnings only.
const LOGGING: &str = "\
<configuration>
  <appender name=\"console\" class=\"ch.qos.logback.core.ConsoleAppender\">
    <encoder><pattern>%msg%n</pattern></encoder>
  </appender>
  <root level=\"warn\"><appender-ref ref=\"console\"/></root>
</configuration>
";

/// A running server, killed on drop.
#[derive(Debug)]
pub struct S3 {
    // Dropped before its folder.
    process: Process,
    folder: TempDir,
    port: u16,
}

impl S3 {
    /// Starts a server with an empty bucket, or returns `None` if Java or Maven may be missing and are.
    pub async fn start() -> Result<Option<Self>> {
        let folder = TempDir::with_prefix("confab-s3-")?;
        let port = free_port()?;
        fs::create_dir_all(folder.path().join("objects").join(BUCKET))?;
        fs::write(folder.path().join("logback.xml"), LOGGING)?;
        fs::write(folder.path().join("s3.properties"), properties(folder.path(), port))?;
        let Some(process) = spawn(folder.path(), port).await? else { return Ok(None) };
        Ok(Some(Self { process, folder, port }))
    }

    /// Kills the server. Its objects stay.
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill().map(drop)
    }

    /// Starts it again on the same port, with the same objects.
    pub async fn restart(&mut self) -> Result<()> {
        let process = spawn(self.folder.path(), self.port).await?;
        self.process = process.context("Java and Maven are here")?;
        Ok(())
    }

    /// Returns how many objects are in the bucket.
    pub fn objects(&self) -> Result<usize> {
        count(&self.folder.path().join("objects").join(BUCKET))
    }

    /// Returns the address, the bucket, and the public and the secret key, separated by spaces.
    pub fn place(&self) -> String {
        format!("{} {BUCKET} {ACCESS_KEY} {SECRET_KEY}", self.endpoint())
    }

    fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Adds the settings of a gateway that keeps files in the bucket.
    pub fn settings(&self, settings: Settings) -> Settings {
        settings
            .unset("ATTACHMENTS__FOLDER")
            .set("ATTACHMENTS__S3__ENDPOINT", &self.endpoint())
            .set("ATTACHMENTS__S3__BUCKET", BUCKET)
            .set("ATTACHMENTS__S3__ACCESS_KEY", ACCESS_KEY)
            .set("ATTACHMENTS__S3__SECRET_KEY", SECRET_KEY)
    }
}

/// Counts the files in a folder and the folders in it.
fn count(folder: &Path) -> Result<usize> {
    let mut files = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        files += if entry.file_type()?.is_dir() { count(&entry.path())? } else { 1 };
    }
    Ok(files)
}

fn properties(folder: &Path, port: u16) -> String {
    let objects = folder.join("objects");
    format!(
        "s3proxy.endpoint=http://127.0.0.1:{port}\n\
         s3proxy.authorization=aws-v4\n\
         s3proxy.identity={ACCESS_KEY}\n\
         s3proxy.credential={SECRET_KEY}\n\
         jclouds.provider=filesystem-nio2\n\
         jclouds.identity=unused\n\
         jclouds.credential=unused\n\
         jclouds.filesystem.basedir={}\n",
        objects.display()
    )
}

async fn spawn(folder: &Path, port: u16) -> Result<Option<Process>> {
    let Some(java) = program("java", "openjdk-17-jre-headless")? else { return Ok(None) };
    let pom = concat!(env!("CARGO_MANIFEST_DIR"), "/s3/pom.xml");
    let Some(jars) = maven::jars(Path::new(pom), "s3proxy/2.6.0").await? else { return Ok(None) };
    let mut command = Command::new(java);
    command
        .current_dir(folder)
        .args(["-Xmx256m", "-Dlogback.configurationFile=logback.xml"])
        .arg("-cp")
        .arg(jars.join("*"))
        .args(["org.gaul.s3proxy.Main", "--properties", "s3.properties"]);
    let process = Process::start("s3proxy", &mut command)?;
    eventually(START_MAX, async || Ok(TcpStream::connect(("127.0.0.1", port)).await?)).await?;
    Ok(Some(process))
}
