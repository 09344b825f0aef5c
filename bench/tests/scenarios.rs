//! Runs each scenario against a real server at a tiny size. A run succeeds only if every
//! acknowledgement and every delivery arrived exactly once, so success is what these tests check.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::SystemTime,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Returns `CONFAB_BINARY`, or the newer one of the release and debug builds of the server.
fn server() -> Result<PathBuf> {
    if let Some(binary) = env::var_os("CONFAB_BINARY") {
        return Ok(binary.into());
    }
    let this = Path::new(env!("CARGO_BIN_EXE_confab-bench"));
    let target = this.ancestors().nth(2).context("no target folder")?;
    let built = |profile: &str| {
        let binary = target.join(profile).join("confab");
        let at: SystemTime = binary.metadata().ok()?.modified().ok()?;
        Some((at, binary))
    };
    let newest = ["debug", "release"].into_iter().filter_map(built).max();
    Ok(newest.context("no binary: `cargo build -p gateway` first, or set CONFAB_BINARY")?.1)
}

fn bench(arguments: &str) -> Result<Output> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_confab-bench"));
    command.args(["--cores", "all", "--seconds", "0.2", "--warm-up", "0.1", "--binary"]);
    command.arg(server()?).args(arguments.split_whitespace());
    Ok(command.output()?)
}

/// Runs scenarios and returns the outcomes in the JSON file.
fn outcomes(arguments: &str) -> Result<Vec<Value>> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("figures.json");
    let output = bench(&format!("{arguments} --json {}", file.display()))?;
    let log = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{arguments}: {}\n{log}", output.status);
    let table = String::from_utf8_lossy(&output.stdout);
    ensure!(table.contains("| "), "{arguments} printed no table:\n{table}");
    let figures: Value = serde_json::from_slice(&fs::read(&file)?)?;
    figures["outcomes"].as_array().cloned().context("no outcomes")
}

fn figure(outcome: &Value, name: &str) -> Result<f64> {
    let figures = outcome["figures"].as_array().context("no figures")?;
    let found = figures.iter().find(|figure| figure["name"] == name);
    found.and_then(|figure| figure["value"].as_f64()).with_context(|| format!("no {name}"))
}

/// Runs one scenario and checks that these figures are above zero.
fn check(arguments: &str, figures: &[&str]) -> Result<()> {
    let outcomes = outcomes(arguments)?;
    let [outcome] = outcomes.as_slice() else { anyhow::bail!("{} outcomes", outcomes.len()) };
    for name in figures {
        ensure!(figure(outcome, name)? > 0.0, "{name} of {arguments}: {outcome}");
    }
    Ok(())
}

#[test]
fn deliver_measures_every_pace_with_its_floor() -> Result<()> {
    for pace in ["", "--waiting 4", "--rate 50"] {
        check(&format!("deliver --members 5 {pace}"), &["deliveries", "p50", "max"])?;
    }
    Ok(())
}

#[test]
fn send_shares_many_outstanding_sends_between_sockets() -> Result<()> {
    check("send --conversations 3 --waiting 2", &["sends", "fdatasync p50", "p99"])?;
    check("send --waiting 70 --no-floor", &["sends", "p50"])
}

#[test]
fn idle_history_groups_mixed_polls_and_storm_run() -> Result<()> {
    check("idle --connections 20 --group 5 --watch 1", &["resident"])?;
    check("history --entries 300 --readers 2 --page 20", &["pages", "p50"])?;
    let search = "search --messages 2000 --conversations 10 --member-of 4 --readers 2";
    check(search, &["indexed", "index/text", "searches", "found", "p50"])?;
    check("groups --groups 3 --members 4 --rate 60", &["deliveries", "p50"])?;
    check("mixed --users 8 --group 4 --rate 200", &["deliveries", "p50"])?;
    check("poll --pollers 6 --group 3", &["deliveries", "answers", "p50"])?;
    check("storm --sockets 12 --group 4 --behind 20", &["entries", "caught up", "others' sends"])
}

#[test]
fn sweep_gives_an_outcome_and_a_point_for_each_value() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let plot = folder.path().join("plot.svg");
    let plotted = format!("--svg {}", plot.display());
    let outcomes = outcomes(&format!("deliver --sweep members=2,4 --rounds 2 {plotted}"))?;
    let shapes: Vec<_> = outcomes.iter().map(|outcome| outcome["shape"].as_str()).collect();
    assert_eq!(shapes, [Some("2 members, one at a time"), Some("4 members, one at a time")]);
    assert!(fs::read_to_string(plot)?.starts_with("<svg"));
    Ok(())
}

#[test]
fn two_builds_are_compared_as_ratios() -> Result<()> {
    let against = format!("send --no-floor --rounds 2 --against {}", server()?.display());
    let output = bench(&against)?;
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("| ratio |"), "{text}");
    Ok(())
}

#[test]
fn run_fails_when_the_server_refuses_a_send() -> Result<()> {
    let limits = "--set RATE_LIMITS__ENABLED=true --set RATE_LIMITS__MESSAGES_BURST=2";
    let output = bench(&format!("send --no-floor --waiting 8 {limits}"))?;
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && log.contains("rate_limited"), "{log}");
    Ok(())
}
