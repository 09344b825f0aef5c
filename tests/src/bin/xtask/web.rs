//! The steps of the web client.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use tests::{
    gateway::{Gateway, Settings},
    servers::{find, is_ci},
};
use tokio::process::Command;

use crate::{
    run::{MINUTE, run, target, workspace},
    steps::Verdict,
};

/// Returns the web client's folder.
fn web_client() -> PathBuf {
    workspace().join("web-client")
}

/// Returns the result of a step whose program is missing: failed in CI, skipped elsewhere.
fn missing(what: &str) -> Verdict {
    let how = format!("{what} is not installed (`cargo xtask test --only tools` installs it)");
    if is_ci() { Verdict::Failed(how) } else { Verdict::Skipped(how) }
}

/// Installs the packages if the lock file is newer than the installed ones.
async fn packages() -> Result<()> {
    let changed = |path: &str| web_client().join(path).metadata().and_then(|file| file.modified());
    let installed = changed("node_modules/.package-lock.json");
    if installed.is_ok_and(|at| changed("package-lock.json").is_ok_and(|lock| lock <= at)) {
        return Ok(());
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-audit", "--no-fund"]).current_dir(web_client());
    run(&mut npm, 10 * MINUTE).await
}

/// Runs npm with these arguments.
pub(crate) async fn npm(arguments: &str) -> Verdict {
    if find("npm").is_none() {
        return missing("npm");
    }
    npm_with(arguments.split_whitespace()).await.into()
}

async fn npm_with(arguments: impl Iterator<Item = &str>) -> Result<()> {
    packages().await?;
    run(Command::new("npm").args(arguments).current_dir(web_client()), 10 * MINUTE).await
}

/// Builds the page in another folder and compares it with the committed one.
pub(crate) async fn dist() -> Verdict {
    if find("npm").is_none() {
        return missing("npm");
    }
    fresh_dist().await.into()
}

async fn fresh_dist() -> Result<()> {
    let built = tempfile::tempdir()?;
    let folder = built.path().to_str().context("a folder without a name")?;
    npm_with(["run", "build", "--", "--emptyOutDir", "--outDir", folder].into_iter()).await?;
    let (committed, built) = (files(&web_client().join("dist"))?, files(built.path())?);
    let names = committed.keys().chain(built.keys()).collect::<std::collections::BTreeSet<_>>();
    let stale: Vec<_> = names
        .into_iter()
        .filter(|&name| !is_same(name, committed.get(name), built.get(name)))
        .map(|name| name.display().to_string())
        .collect();
    let how = "`npm run build` in web-client/ and commit dist/";
    ensure!(stale.is_empty(), "dist/ is stale: {}; {how}", stale.join(", "));
    Ok(())
}

/// Returns true if a file exists in both folders with the same bytes. Compressed bytes depend on the
/// version of Node, so the tests of the web client compare what they contain instead.
fn is_same(name: &Path, committed: Option<&Vec<u8>>, built: Option<&Vec<u8>>) -> bool {
    let is_compressed = name.extension().is_some_and(|end| end == "br" || end == "gz");
    committed.is_some() == built.is_some() && (is_compressed || committed == built)
}

/// Returns every file below a folder, by its relative path.
fn files(folder: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).with_context(|| format!("no {}", next.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(folder)?.to_owned(), fs::read(&path)?);
            }
        }
    }
    Ok(found)
}

/// Runs the scenarios of the page on a new gateway, on a demo, and on one that is killed. Saves
/// their screenshots in the target folder.
pub(crate) async fn browsers(binary: &Path) -> Verdict {
    let programs = ["node", "chromium"];
    match programs.into_iter().find(|program| find(program).is_none()) {
        Some(program) => missing(program),
        None => scenarios(binary).await.into(),
    }
}

async fn scenarios(binary: &Path) -> Result<()> {
    packages().await?;
    let gateway = Gateway::of(binary, Settings::new()).await?;
    let scripts = ["two-browsers", "accessible", "invites", "search", "attachments"];
    for script in scripts.map(|name| format!("e2e/{name}.mjs")) {
        scenario(&script, gateway.url()).await?;
    }
    let demo = Gateway::demo(binary).await?;
    scenario("e2e/demo.mjs", demo.url()).await?;
    scenario("e2e/outages.mjs", binary.to_str().context("a binary without a name")?).await
}

/// Runs a scenario on the gateway at a URL, or on gateways that it starts from a binary.
async fn scenario(script: &str, gateway: &str) -> Result<()> {
    let screenshots = target().join("screenshots");
    fs::create_dir_all(&screenshots)?;
    let mut node = Command::new("node");
    node.args([script, gateway, "--screenshots"])
        .arg(&screenshots)
        .env("CONFAB_BROWSER", find("chromium").unwrap_or_default())
        .current_dir(web_client());
    run(&mut node, 20 * MINUTE).await.with_context(|| format!("see {}", screenshots.display()))
}
