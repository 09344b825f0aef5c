//! Lets schemathesis call a gateway with what `/openapi.json` allows and forbids.
//!
//! The gateway must accept what fits the schema, refuse the rest, and answer as described.
//! `tests/schemathesis.toml` has the exceptions.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Result, bail, ensure};
use clap::Args;
use http::Method;
use tests::{
    client::{Http, User},
    gateway::{Gateway, Settings},
    servers::{cache, find},
};
use tokio::process::Command;

use crate::{
    run::{MINUTE, cargo, run, target, workspace},
    steps::Verdict,
    web,
};

const VERSION: &str = "4.32.5";
/// Chooses the calls.
const SEED: &str = "7";
/// Generated calls of each operation and phase.
const EXAMPLES: &str = "10";
/// The phases whose calls do not depend on the machine's speed.
const FIXED_PHASES: &str = "examples,coverage";
/// The files in `tests/` that schemathesis reads.
const CONFIGURATION: [&str; 2] = ["schemathesis.toml", "schemathesis_hooks.py"];
/// A run of the fixed phases ends well before this.
const FIXED_MAX: Duration = Duration::from_secs(120);

/// Fails with the interpreter's own message if it is too old or cannot make environments with pip.
const NEEDED: &str = "import sys, venv, ensurepip; assert sys.version_info >= (3, 10)";

/// How long to call.
#[derive(Debug, Args)]
pub(crate) struct Schema {
    /// Seconds after which no more calls are generated
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u64).range(10..=3_600))]
    seconds: u64,
}

impl Schema {
    /// Runs all phases of schemathesis on a new gateway: examples, coverage, fuzzing and stateful.
    pub(crate) async fn run(&self) -> Result<()> {
        let time = self.seconds.to_string();
        let limits = ["--max-examples", EXAMPLES, "--max-time", &time];
        let program = install().await?;
        let gateway = debug_gateway().await?;
        call_gateway(&gateway, &program, &limits, Duration::from_secs(self.seconds)).await
    }
}

/// Runs the fixed phases of schemathesis on a new gateway from this binary.
pub(crate) async fn check(binary: &Path) -> Verdict {
    match install().await {
        Ok(program) => check_with(&program, binary).await.into(),
        Err(error) => Verdict::Skipped(format!(
            "schemathesis needs Python 3.10 or newer with venv and pip: {error:#}"
        )),
    }
}

async fn check_with(program: &Path, binary: &Path) -> Result<()> {
    let gateway = Gateway::of(binary, Settings::new()).await?;
    call_gateway(&gateway, program, &["--phases", FIXED_PHASES], FIXED_MAX).await
}

/// Returns the program from the cache. Installs it there before its first use.
async fn install() -> Result<PathBuf> {
    let folder = cache().join(format!("schemathesis-{VERSION}"));
    let (program, complete) = (folder.join("bin/schemathesis"), folder.join("complete"));
    if complete.exists() {
        return Ok(program);
    }
    ensure!(find("python3").is_some(), "python3 is not installed");
    run(Command::new("python3").args(["-c", NEEDED]), MINUTE).await?;
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder), 2 * MINUTE).await?;
    let mut pip = Command::new(folder.join("bin/pip"));
    pip.args(["install", "--quiet"]).arg(format!("schemathesis=={VERSION}"));
    run(&mut pip, 10 * MINUTE).await?;
    fs::write(complete, "")?;
    Ok(program)
}

/// Writes the documents that describe the API into `docs/`, and the types of the SDK from them.
pub(crate) async fn describe() -> Result<()> {
    let gateway = debug_gateway().await?;
    let http = Http::new(gateway.url());
    for file in ["openapi.json", "asyncapi.json"] {
        let document = http.call(Method::GET, &format!("/{file}")).answer().await?.ok(200)?;
        let text = serde_json::to_string_pretty(&document)?;
        fs::write(workspace().join("docs").join(file), format!("{text}\n"))?;
    }
    match web::npm("test -- tests/wire.test.ts --update").await {
        Verdict::Passed => Ok(()),
        Verdict::Failed(why) | Verdict::Skipped(why) => {
            bail!("web-client/sdk/wire.generated.ts is not written: {why}")
        }
    }
}

async fn debug_gateway() -> Result<Gateway> {
    run(&mut cargo("build --workspace --bin confab"), 20 * MINUTE).await?;
    Gateway::of(&target().join("debug/confab"), Settings::new()).await
}

async fn call_gateway(
    gateway: &Gateway,
    program: &Path,
    options: &[&str],
    time: Duration,
) -> Result<()> {
    let folder = target().join("schemathesis");
    if folder.exists() {
        // Has what schemathesis learned about the gateway of an earlier run.
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    for file in CONFIGURATION {
        fs::copy(workspace().join("tests").join(file), folder.join(file))?;
    }
    populate(gateway.url(), &folder).await?;
    let mut schemathesis = Command::new(program);
    schemathesis
        .arg("run")
        .arg(format!("{}/openapi.json", gateway.url()))
        .args(["--seed", SEED])
        .args(options)
        .current_dir(folder);
    run(&mut schemathesis, time + MINUTE).await
}

/// Registers users who talk with each other, and writes the ids that calls need to succeed. With
/// something to read, no poll has to wait.
async fn populate(url: &str, folder: &Path) -> Result<()> {
    let (ada, grace) = (User::register(url, "ada").await?, User::register(url, "grace").await?);
    let conversations = [ada.group("Lunch", &[&grace]).await?, ada.direct(&grace).await?];
    for conversation in &conversations {
        for number in 1..=8 {
            let client_id = format!("earlier-{number}");
            ada.send(conversation, &client_id, "What about lunch?").await?.ok(201)?;
        }
    }
    fs::write(folder.join("conversations.txt"), quoted(&conversations))?;
    fs::write(folder.join("users.txt"), quoted(&[grace.id, ada.id]))?;
    Ok(())
}

/// Returns the entries of a dictionary, one in each line.
fn quoted(ids: &[String]) -> String {
    ids.iter().map(|id| format!("\"{id}\"\n")).collect::<Vec<_>>().concat()
}
