//! A child process with its log and signals.
//!
//! Threads read both outputs, so that a child never blocks on a full pipe. Signals go to the child's
//! process id. Dropping the owner kills the child and prints the end of its log, which `cargo test`
//! displays for failing tests.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Read},
    process::{Child, Command, ExitStatus, Stdio},
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use parking_lot::Mutex;
use rustix::{
    param::clock_ticks_per_second,
    process::{Pid, Signal, kill_process},
};

use crate::patience::eventually;

/// The most lines kept of a log.
const LOG_LINES_MAX: usize = 20_000;
/// The last lines that are printed.
const LOG_LINES_PRINTED: usize = 40;

/// The lines that a child has written, and the count of dropped lines.
#[derive(Debug, Default)]
struct Log {
    lines: Mutex<(VecDeque<String>, usize)>,
}

impl Log {
    fn keep(&self, line: String) {
        let mut kept = self.lines.lock();
        if kept.0.len() == LOG_LINES_MAX {
            kept.0.pop_front();
            kept.1 += 1;
        }
        kept.0.push_back(line);
    }

    fn find(&self, text: &str, skip: usize) -> Option<String> {
        let kept = self.lines.lock();
        let skip = skip.saturating_sub(kept.1);
        kept.0.iter().skip(skip).find(|line| line.contains(text)).cloned()
    }

    fn seen(&self) -> usize {
        let kept = self.lines.lock();
        kept.0.len() + kept.1
    }

    fn tail(&self) -> String {
        let kept = self.lines.lock();
        let skip = kept.0.len().saturating_sub(LOG_LINES_PRINTED);
        kept.0.iter().skip(skip).fold(String::new(), |tail, line| tail + "  " + line + "\n")
    }
}

/// A child process, killed on drop.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: Arc<Log>,
    readers: Vec<JoinHandle<()>>,
}

impl Process {
    /// Starts `command` with an empty input and both outputs in the log.
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

    /// Returns the process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns the number of lines that it has written.
    pub fn lines(&self) -> usize {
        self.log.seen()
    }

    /// Waits for the first line after `skip` lines that contains `text`. Fails at once if the process ends
    /// without it.
    pub async fn line_after(
        &mut self,
        skip: usize,
        text: &str,
        deadline: Duration,
    ) -> Result<String> {
        let Self { name, child, log, readers } = self;
        let found = eventually(deadline, async || {
            // The end is read before the log, so that no last line is missed.
            let has_ended =
                child.try_wait()?.is_some() && readers.iter().all(JoinHandle::is_finished);
            match log.find(text, skip) {
                None if !has_ended => bail!("{name} did not log {text:?}:\n{}", log.tail()),
                found => Ok(found),
            }
        });
        let found = found.await?;
        found.with_context(|| format!("{name} ended and did not log {text:?}:\n{}", log.tail()))
    }

    /// Waits for the first line that contains `text`.
    pub async fn line(&mut self, text: &str, deadline: Duration) -> Result<String> {
        self.line_after(0, text, deadline).await
    }

    /// Returns true if a line contains `text`.
    pub fn has_logged(&self, text: &str) -> bool {
        self.log.find(text, 0).is_some()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).with_context(|| format!("{signal:?} to {}", self.name))
    }

    /// Asks it to exit: SIGTERM.
    pub fn terminate(&self) -> Result<()> {
        self.signal(Signal::TERM)
    }

    /// Pauses it: SIGSTOP.
    pub fn pause(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// Resumes it: SIGCONT.
    pub fn resume(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    /// Kills it: SIGKILL.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill().with_context(|| format!("cannot kill {}", self.name))?;
        self.child.wait().with_context(|| format!("cannot wait for {}", self.name))?;
        Ok(())
    }

    /// Waits for its exit status.
    pub async fn ended(&mut self, deadline: Duration) -> Result<ExitStatus> {
        let Self { name, child, log, .. } = self;
        eventually(deadline, async || {
            let status = child.try_wait()?;
            status.with_context(|| format!("{name} still runs:\n{}", log.tail()))
        })
        .await
    }

    /// Fails if it has exited.
    pub fn ensure_alive(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{} ended, {status}:\n{}", self.name, self.log.tail()),
        }
    }

    /// Returns its resident memory in bytes.
    pub fn resident_bytes(&self) -> Result<u64> {
        self.memory("VmRSS:")
    }

    /// Returns the most resident memory in bytes since the start, or since [`Self::reset_peak`].
    pub fn peak_bytes(&self) -> Result<u64> {
        self.memory("VmHWM:")
    }

    /// Lowers the peak to the resident memory of this moment.
    pub fn reset_peak(&self) -> Result<()> {
        // proc_pid_clear_refs(5): 5 resets the peak.
        Ok(std::fs::write(format!("/proc/{}/clear_refs", self.id()), "5")?)
    }

    /// Returns the processor time of all its threads since the start, in steps of 10 ms.
    pub fn processor_time(&self) -> Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id()))?;
        // The name ends with the last parenthesis. The times of user and kernel are fields 14 and 15.
        let (_, fields) = stat.rsplit_once(')').context("no fields")?;
        let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
        let ticks = ticks.sum::<Result<u64, _>>()?;
        Ok(Duration::from_micros(ticks * 1_000_000 / clock_ticks_per_second()))
    }

    fn memory(&self, name: &str) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
        let kilobytes: u64 = kilobytes.context("no memory figures")?.trim().parse()?;
        Ok(kilobytes * 1024)
    }
}

impl Drop for Process {
    #[expect(clippy::print_stderr, reason = "the test runner displays it when a test fails")]
    fn drop(&mut self) {
        // These fail if the process has exited by itself.
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
        for reader in self.readers.drain(..) {
            reader.join().unwrap_or_default();
        }
        eprintln!("the end of {}'s log:\n{}", self.name, self.log.tail());
    }
}

fn read_into(log: &Arc<Log>, from: impl Read + Send + 'static) -> JoinHandle<()> {
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
    async fn line_is_found_on_either_output() -> Result<()> {
        let mut child = shell("echo one; echo two >&2; exec sleep 100")?;
        child.line("one", SOON).await?;
        child.line("two", SOON).await?;
        child.ensure_alive()
    }

    #[tokio::test]
    async fn missing_line_is_an_error_with_the_log() -> Result<()> {
        let mut child = shell("echo something else")?;
        child.ended(SOON).await?;
        child.line("something", SOON).await?;
        let missing = child.line("wanted", Duration::ZERO).await;
        assert!(missing.is_err_and(|error| format!("{error:#}").contains("something else")));
        Ok(())
    }

    #[tokio::test]
    async fn paused_process_continues_when_resumed() -> Result<()> {
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
