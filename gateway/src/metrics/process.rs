//! The process's own figures, as Linux tells them in `/proc/self`; elsewhere they are missing.

use std::fs;

use metrics::gauge;

/// Clock ticks a second in `/proc/self/stat`: fixed in the kernel's interface (`USER_HZ`).
const TICKS_PER_SECOND: f64 = 100.0;
/// `status` says kB and means KiB.
const KIB: f64 = 1_024.0;

/// Names and meanings, as Prometheus' client libraries have them.
pub(super) const FIGURES: [(&str, &str); 5] = [
    ("process_resident_memory_bytes", "resident memory"),
    ("process_resident_memory_max_bytes", "the most resident memory there was"),
    ("process_cpu_seconds_total", "processor time spent, in user and in kernel mode"),
    ("process_threads", "threads"),
    ("process_open_fds", "open descriptors"),
];

/// Looks now.
pub(super) fn measure() {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<f64>().ok()
    };
    let [memory, memory_max, cpu, threads, descriptors] = FIGURES.map(|(name, _)| name);
    set(memory, line("VmRSS:").map(|kib| kib * KIB));
    set(memory_max, line("VmHWM:").map(|kib| kib * KIB));
    set(threads, line("Threads:"));
    set(cpu, cpu_seconds());
    set(descriptors, open_descriptors());
}

fn set(name: &'static str, value: Option<f64>) {
    if let Some(value) = value {
        gauge!(name).set(value);
    }
}

/// `utime` and `stime`, the 14th and 15th member of `stat`; the second may hold anything in
/// parentheses.
fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    let ticks: Vec<f64> =
        rest.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse().ok()).collect();
    (ticks.len() == 2).then(|| ticks.iter().sum::<f64>() / TICKS_PER_SECOND)
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn open_descriptors() -> Option<f64> {
    // One of them is this very look.
    fs::read_dir("/proc/self/fd").ok().map(|found| found.count().saturating_sub(1) as f64)
}
