//! Running a program to its end, with a deadline.
//!
//! What is not done in time is ended with everything that it started, each by its process id.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{process::Command, time::timeout};

/// The unit of deadlines.
pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// The root of the workspace.
pub(crate) fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Where cargo builds: this program lies in one of its folders.
pub(crate) fn target() -> PathBuf {
    let this = env::current_exe().unwrap_or_default();
    this.ancestors().nth(2).map(Path::to_owned).unwrap_or_default()
}

/// Cargo in the workspace, building where this program was built.
pub(crate) fn cargo(arguments: &str) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .args(arguments.split_whitespace())
        .current_dir(workspace())
        .env("CARGO_TARGET_DIR", target())
        // An error of a test is its text; only panics have a trace.
        .env("RUST_LIB_BACKTRACE", "0")
        .env("CONFAB_BINARY", target().join("release/confab"));
    command
}

/// Runs a program that has to end well before the deadline.
#[expect(clippy::print_stdout, reason = "what is run can be repeated by hand")]
pub(crate) async fn run(command: &mut Command, deadline: Duration) -> Result<()> {
    let what = shown(command);
    println!("$ {what}");
    let mut child = command
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot run {what}"))?;
    let Ok(status) = timeout(deadline, child.wait()).await else {
        if let Some(pid) = child.id() {
            end(pid);
        }
        bail!("{what}: not done after {} s", deadline.as_secs());
    };
    let status = status?;
    ensure!(status.success(), "{what}: {status}");
    Ok(())
}

fn shown(command: &Command) -> String {
    let command = command.as_std();
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words = [program].into_iter().chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Ends a process and what it started, children before they can be orphans.
fn end(pid: u32) {
    let children: Vec<u32> = children_of(pid);
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        kill_process(pid, Signal::KILL).unwrap_or_default();
    }
    for child in children {
        end(child);
    }
}

fn children_of(pid: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter(|&id| parent_of(id) == Some(pid)).collect()
}

fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // After the name, which may hold anything but ends with the last parenthesis: state, parent.
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_late_is_ended_with_its_children() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let mut shell = Command::new("sh");
        shell.args(["-c", "sleep 1000 & echo $! > child; wait"]).current_dir(folder.path());
        let late = run(&mut shell, Duration::from_millis(500)).await;
        assert!(late.is_err_and(|error| error.to_string().contains("not done")));
        let child: u32 = fs::read_to_string(folder.path().join("child"))?.trim().parse()?;
        let ended = async || {
            let stat = fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
            ensure!(stat.is_empty() || stat.contains(") Z "), "still there: {stat}");
            Ok(())
        };
        ::tests::patience::eventually(::tests::patience::SOON, ended).await
    }
}
