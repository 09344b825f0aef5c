//! Runs a program with a deadline.
//!
//! A program that is not finished in time is killed with all processes that it started, each by its
//! process id.

use std::{
    env, fs,
    num::NonZero,
    path::{Path, PathBuf},
    process::Stdio,
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};
use tokio::{process::Command, time::timeout};

/// The unit of deadlines.
pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// Returns the root of the workspace.
pub(crate) fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Returns cargo's target folder, which contains this program.
pub(crate) fn target() -> PathBuf {
    let this = env::current_exe().unwrap_or_default();
    this.ancestors().nth(2).map(Path::to_owned).unwrap_or_default()
}

/// Returns a cargo command in the workspace that uses this program's target folder.
pub(crate) fn cargo(arguments: &str) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    command
        .args(arguments.split_whitespace())
        .current_dir(workspace())
        .env("CARGO_TARGET_DIR", target())
        // Only panics print a backtrace.
        .env("RUST_LIB_BACKTRACE", "0")
        // Most tests wait for servers, and for leases to end.
        .env("RUST_TEST_THREADS", (2 * processors).to_string())
        .env("CONFAB_BINARY", target().join("release/confab"));
    command
}

/// Runs a program. Fails if it fails or does not finish before the deadline.
#[expect(clippy::print_stdout, reason = "the printed command can be run by hand")]
pub(crate) async fn run(command: &mut Command, deadline: Duration) -> Result<()> {
    let what = printed(command);
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
        bail!("{what}: not finished after {} s", deadline.as_secs());
    };
    let status = status?;
    ensure!(status.success(), "{what}: {status}");
    Ok(())
}

fn printed(command: &Command) -> String {
    let command = command.as_std();
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words = [program].into_iter().chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Kills a process and its children. Lists the children before they become orphans.
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
    // The name ends with the last parenthesis. After it come the state and the parent.
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// Raises the number of open files, for this process and the gateways that it starts.
pub(crate) fn allow_files(files: u64) -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= files) {
        return Ok(());
    }
    let allowed = limit.maximum.is_none_or(|maximum| maximum >= files);
    ensure!(allowed, "{files} open files are needed: see `ulimit -Hn`");
    Ok(setrlimit(Resource::Nofile, Rlimit { current: Some(files), maximum: limit.maximum })?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn late_program_is_killed_with_its_children() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let mut shell = Command::new("sh");
        shell.args(["-c", "sleep 1000 & echo $! > child; wait"]).current_dir(folder.path());
        let late = run(&mut shell, Duration::from_millis(500)).await;
        assert!(late.is_err_and(|error| error.to_string().contains("not finished")));
        let child: u32 = fs::read_to_string(folder.path().join("child"))?.trim().parse()?;
        let ended = async || {
            let stat = fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
            ensure!(stat.is_empty() || stat.contains(") Z "), "still there: {stat}");
            Ok(())
        };
        ::tests::patience::eventually(::tests::patience::SOON, ended).await
    }
}
