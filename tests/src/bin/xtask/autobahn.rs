//! `cargo xtask autobahn`: Autobahn's fuzzing client against the gateway's frames.
//!
//! The client needs CPython 2.7. Pip installs it into the cache of this project. It tests the example
//! `echo` of the gateway, because the product itself accepts neither binary nor large messages.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, Result, ensure};
use tests::{
    Value, json,
    servers::{cache, find},
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

use crate::{
    run::{MINUTE, cargo, run, target},
    steps::Verdict,
};

const VERSION: &str = "25.10.1";
/// The cases without compression, which the gateway does not offer.
const CASES: usize = 301;
/// Cases whose frame is refused when it is complete, not at its first wrong byte. RFC 6455 allows both.
const NOT_STRICT: [&str; 2] = ["6.4.3", "6.4.4"];
/// Runs the client as its own script would, with the packages of one folder.
const CLIENT: &str = "import os, site; site.addsitedir(os.environ['AUTOBAHN_PACKAGES']); \
    from autobahntestsuite.wstest import run; run()";

/// Runs all cases. Skipped without CPython 2.7 or without the client.
pub(crate) async fn test() -> Verdict {
    let Some(python) = python() else {
        return Verdict::Skipped("no CPython 2.7 in PATH or in pyenv's versions".to_owned());
    };
    match client(&python).await {
        Ok(packages) => run_cases(&python, &packages).await.into(),
        Err(error) => Verdict::Skipped(format!("{error:#}")),
    }
}

/// Returns CPython 2.7, which no current distribution has.
fn python() -> Option<PathBuf> {
    let pyenv = env::var_os("PYENV_ROOT").map(PathBuf::from);
    let pyenv = pyenv.or_else(|| Some(Path::new(&env::var_os("HOME")?).join(".pyenv")));
    let versions = fs::read_dir(pyenv.unwrap_or_default().join("versions"));
    let versions = versions.into_iter().flatten().flatten();
    let mut installed = versions.map(|version| version.path().join("bin/python2.7"));
    // Before the search path, in which pyenv has a script that only works for the chosen version.
    installed.find(|python| python.is_file()).or_else(|| find("python2.7"))
}

/// Returns the folder of the client's packages, after installing them if they are missing.
async fn client(python: &Path) -> Result<PathBuf> {
    let packages = cache().join(format!("autobahntestsuite-{VERSION}"));
    if packages.is_dir() {
        return Ok(packages);
    }
    fs::create_dir_all(cache())?;
    let installing = tempfile::tempdir_in(cache())?;
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"])
        .arg(installing.path())
        .arg(format!("autobahntestsuite=={VERSION}"));
    run(&mut pip, 10 * MINUTE).await?;
    fs::rename(installing.path(), &packages)?;
    Ok(packages)
}

async fn run_cases(python: &Path, packages: &Path) -> Result<()> {
    // The step `test` has built it, with all tests.
    run(&mut cargo("test --workspace --exclude backends --no-run"), 20 * MINUTE).await?;
    let mut server = Command::new(target().join("debug/examples/echo"));
    let mut server = server.stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
    let url = first_line(&mut server).await?;
    let reports = target().join("autobahn");
    fs::create_dir_all(&reports)?;
    let plan = reports.join("plan.json");
    fs::write(
        &plan,
        json!({
            "outdir": reports,
            "servers": [{ "agent": "confab", "url": url }],
            "cases": ["*"],
            "exclude-cases": ["12.*", "13.*"],
            "exclude-agent-cases": {},
        })
        .to_string(),
    )?;
    let mut client = Command::new(python);
    client
        .args(["-W", "ignore", "-c", CLIENT, "--mode", "fuzzingclient", "--spec"])
        .arg(&plan)
        .env("AUTOBAHN_PACKAGES", packages)
        .current_dir(&reports)
        .stdout(fs::File::create(reports.join("client.log"))?);
    run(&mut client, 10 * MINUTE).await?;
    server.kill().await?;
    judge(&fs::read_to_string(reports.join("index.json"))?)
}

async fn first_line(server: &mut Child) -> Result<String> {
    let output = server.stdout.take().context("the server has no output")?;
    let mut line = String::new();
    timeout(MINUTE, BufReader::new(output).read_line(&mut line)).await??;
    Ok(line.trim().to_owned())
}

/// Counts the behaviours. Fails if a case failed, is missing, or is less strict than expected.
#[expect(clippy::print_stdout, reason = "the counts")]
fn judge(index: &str) -> Result<()> {
    let index: BTreeMap<String, BTreeMap<String, BTreeMap<String, Value>>> =
        serde_json::from_str(index)?;
    let cases = index.get("confab").context("no report")?;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (case, report) in cases {
        let text = |name: &str| report.get(name).and_then(Value::as_str).unwrap_or_default();
        let (behaviour, close) = (text("behavior"), text("behaviorClose"));
        *counts.entry(behaviour).or_default() += 1;
        let is_right = match behaviour {
            "OK" | "INFORMATIONAL" => true,
            "NON-STRICT" => NOT_STRICT.contains(&&**case),
            _ => false,
        };
        if !is_right || !matches!(close, "OK" | "INFORMATIONAL") {
            wrong.push(format!("{case}: {behaviour}, close {close}"));
        }
    }
    println!("{} cases: {counts:?}", cases.len());
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    ensure!(cases.len() == CASES, "{} cases instead of {CASES}", cases.len());
    Ok(())
}
