//! One child process: its log, its signals and its end.
//!
//! Both outputs are read to the end, so that a child never waits for its reader. Signals go by
//! process id to this very child, and a child never outlives its owner. The end of the log is
//! printed when the owner drops it: `cargo test` shows that for tests that fail.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Read},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::patience::eventually;

/// Lines of a log that are kept.
const LOG_LINES_MAX: usize = 20_000;
/// Lines that are shown when something went wrong.
const LOG_LINES_SHOWN: usize = 40;

/// What a child has written so far.
#[derive(Debug, Default)]
struct Log {
    lines: Mutex<(VecDeque<String>, usize)>,
}

impl Log {
    fn keep(&self, line: String) {
        let mut kept = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.0.len() == LOG_LINES_MAX {
            kept.0.pop_front();
            kept.1 += 1;
        }
        kept.0.push_back(line);
    }

    fn find(&self, text: &str, skip: usize) -> Option<String> {
        let kept = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let skip = skip.saturating_sub(kept.1);
        kept.0.iter().skip(skip).find(|line| line.contains(text)).cloned()
    }

    fn seen(&self) -> usize {
        let kept = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        kept.0.len() + kept.1
    }

    fn tail(&self) -> String {
        let kept = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let skip = kept.0.len().saturating_sub(LOG_LINES_SHOWN);
        kept.0.iter().skip(skip).fold(String::new(), |tail, line| tail + "  " + line + "\n")
    }
}

/// A child process, ended when this is dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: Arc<Log>,
    readers: Vec<thread::JoinHandle<()>>,
}

impl Process {
    /// Starts `command` with both outputs piped into the log and nothing to read.
    pub fn start(name: &str, command: &mut Command) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("{name} does not start: {command:?}"))?;
        let log = Arc::new(Log::default());
        let out = child.stdout.take().map(|from| read_into(&log, from));
        let err = child.stderr.take().map(|from| read_into(&log, from));
        let readers = out.into_iter().chain(err).collect();
        Ok(Self { name: name.to_owned(), child, log, readers })
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How many lines it has written.
    pub fn lines(&self) -> usize {
        self.log.seen()
    }

    /// The first line after `skip` lines that holds `text`, when it comes.
    pub async fn line_after(
        &mut self,
        skip: usize,
        text: &str,
        deadline: Duration,
    ) -> Result<String> {
        let Self { name, child, log, .. } = self;
        let mut ended = None;
        eventually(deadline, async || {
            // The last lines come before the end is known, so that the log is asked last.
            ended = ended.or_else(|| child.try_wait().ok().flatten());
            let found = log.find(text, skip);
            let end = ended.map_or_else(String::new, |status| format!(" (ended, {status})"));
            let refusal = || format!("{name} did not log {text:?}{end}:\n{}", log.tail());
            found.with_context(refusal)
        })
        .await
    }

    /// The first line that holds `text`, when it comes.
    pub async fn line(&mut self, text: &str, deadline: Duration) -> Result<String> {
        self.line_after(0, text, deadline).await
    }

    /// Whether a line that holds `text` was written.
    pub fn has_logged(&self, text: &str) -> bool {
        self.log.find(text, 0).is_some()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).with_context(|| format!("{signal:?} to {}", self.name))
    }

    /// Asks it to end: SIGTERM.
    pub fn terminate(&self) -> Result<()> {
        self.signal(Signal::TERM)
    }

    /// Stops it where it is: SIGSTOP.
    pub fn pause(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on: SIGCONT.
    pub fn resume(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    /// Ends it without a word, as a power cut would: SIGKILL.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill().with_context(|| format!("{} is not killed", self.name))?;
        self.child.wait().with_context(|| format!("{} does not end", self.name))?;
        Ok(())
    }

    /// How it ended, once it has.
    pub async fn ended(&mut self, deadline: Duration) -> Result<ExitStatus> {
        let Self { name, child, log, .. } = self;
        eventually(deadline, async || {
            let status = child.try_wait()?;
            status.with_context(|| format!("{name} still runs:\n{}", log.tail()))
        })
        .await
    }

    /// An error if it has ended.
    pub fn ensure_alive(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{} ended, {status}:\n{}", self.name, self.log.tail()),
        }
    }

    /// Resident memory in bytes.
    pub fn resident_bytes(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
        let kilobytes: u64 = kilobytes.context("no VmRSS")?.trim().parse()?;
        Ok(kilobytes * 1024)
    }
}

impl Drop for Process {
    #[expect(clippy::print_stderr, reason = "a failing test shows it")]
    fn drop(&mut self) {
        // An error here means that it has ended by itself.
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
        for reader in self.readers.drain(..) {
            reader.join().unwrap_or_default();
        }
        eprintln!("the end of {}'s log:\n{}", self.name, self.log.tail());
    }
}

fn read_into(log: &Arc<Log>, from: impl Read + Send + 'static) -> thread::JoinHandle<()> {
    let log = Arc::clone(log);
    thread::spawn(move || {
        for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
            log.keep(String::from_utf8_lossy(&line).into_owned());
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patience::SOON;

    fn shell(script: &str) -> Result<Process> {
        Process::start("shell", Command::new("sh").args(["-c", script]))
    }

    #[tokio::test]
    async fn a_line_is_waited_for_on_either_output() -> Result<()> {
        let mut child = shell("echo one; echo two >&2; exec sleep 100")?;
        child.line("one", SOON).await?;
        child.line("two", SOON).await?;
        child.ensure_alive()
    }

    #[tokio::test]
    async fn a_line_that_never_comes_is_an_error_with_the_log() -> Result<()> {
        let mut child = shell("echo something else")?;
        child.ended(SOON).await?;
        child.line("something", SOON).await?;
        let missing = child.line("wanted", Duration::ZERO).await;
        assert!(missing.is_err_and(|error| format!("{error:#}").contains("something else")));
        Ok(())
    }

    #[tokio::test]
    async fn a_paused_process_goes_on_where_it_was() -> Result<()> {
        let mut child =
            shell("trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.01; done")?;
        child.line("up", SOON).await?;
        child.pause()?;
        child.terminate()?;
        assert!(child.ended(Duration::from_millis(50)).await.is_err());
        child.resume()?;
        assert_eq!(child.ended(SOON).await?.code(), Some(3));
        Ok(())
    }
}
