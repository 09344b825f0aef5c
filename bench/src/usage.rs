//! The processor time and the memory of a process, read from `/proc`.

use std::{fs, ops::Sub, time::Duration};

use anyhow::{Context, Result};
use rustix::param::clock_ticks_per_second;

/// Processor time of all threads of a process. The kernel counts it in steps of 10 ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Time in the program's own code.
    pub(crate) user: Duration,
    /// Time in the kernel.
    pub(crate) kernel: Duration,
}

impl Usage {
    /// Reads what a process has used so far.
    pub(crate) fn of(pid: u32) -> Result<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).context("the process ended")?;
        parse(&text, clock_ticks_per_second()).context("cannot read the process's times")
    }

    /// Returns both together.
    pub(crate) fn total(self) -> Duration {
        self.user + self.kernel
    }
}

impl Sub for Usage {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            user: self.user.saturating_sub(earlier.user),
            kernel: self.kernel.saturating_sub(earlier.kernel),
        }
    }
}

/// Parses a line of `/proc/<pid>/stat`. The name of the program is in brackets and may contain any
/// character, so the fields are counted after the last bracket.
fn parse(text: &str, ticks_a_second: u64) -> Option<Usage> {
    let (_, fields) = text.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut time = || {
        let ticks: u64 = fields.next()?.parse().ok()?;
        Some(Duration::from_micros(ticks * 1_000_000 / ticks_a_second))
    };
    Some(Usage { user: time()?, kernel: time()? })
}

/// Resident memory in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Memory {
    /// Now.
    pub(crate) resident: u64,
    /// The most so far.
    pub(crate) peak: u64,
}

impl Memory {
    pub(crate) fn of(pid: u32) -> Result<Self> {
        let text =
            fs::read_to_string(format!("/proc/{pid}/status")).context("the process ended")?;
        let bytes = |name: &str| -> Option<u64> {
            let value = text.lines().find_map(|line| line.strip_prefix(name))?;
            Some(value.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
        };
        let (resident, peak) = bytes("VmRSS:").zip(bytes("VmHWM:")).context("no memory figures")?;
        Ok(Self { resident, peak })
    }
}

/// Returns the cores, the memory and the kernel of this machine in one line.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kilobytes = memory.split_whitespace().nth(1).and_then(|size| size.parse::<u64>().ok());
    let gibibytes = kilobytes.unwrap_or_default().div_ceil(1 << 20);
    let kernel = rustix::system::uname();
    let release = kernel.release().to_string_lossy();
    let release = release.split('-').next().unwrap_or_default();
    format!("{cores} cores, {gibibytes} GiB, Linux {release}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_any_program_name() {
        let line = "7 (a) b (c)) S 1 7 7 0 -1 4194560 9 0 0 0 123 45 0 0 20 0 5 0 100 1 2";
        let usage = parse(line, 100).unwrap();
        assert_eq!(usage.user, Duration::from_millis(1_230));
        assert_eq!(usage.kernel, Duration::from_millis(450));
        assert_eq!(usage.total(), Duration::from_millis(1_680));
        assert_eq!(parse("7 (a) S 1", 100), None);
    }

    #[test]
    fn this_process_has_times_and_memory() {
        let pid = std::process::id();
        let memory = Memory::of(pid).unwrap();
        assert!(memory.peak >= memory.resident && memory.resident > 100_000, "{memory:?}");
        let before = Usage::of(pid).unwrap();
        assert!((Usage::of(pid).unwrap() - before).total() < Duration::from_secs(60));
    }
}
