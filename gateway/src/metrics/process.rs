//! The process's own figures, read from `/proc/self`. They are missing where there is no `/proc`.

use std::fs;

use metrics::gauge;

/// Clock ticks per second in `/proc/self/stat`, fixed by the kernel's interface (`USER_HZ`).
const TICKS_PER_SECOND: f64 = 100.0;
/// `/proc/self/status` says kB and means KiB.
const KIB: f64 = 1_024.0;

/// Names and help texts, as in Prometheus' client libraries.
pub(super) const GAUGES: [(&str, &str); 5] = [
    ("process_resident_memory_bytes", "resident memory"),
    ("process_resident_memory_max_bytes", "highest resident memory so far"),
    ("process_cpu_seconds_total", "processor time, user and kernel"),
    ("process_threads", "threads"),
    ("process_open_fds", "open file descriptors"),
];

/// Updates the gauges.
pub(super) fn measure() {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<f64>().ok()
    };
    let [memory, memory_max, cpu, threads, descriptors] = GAUGES.map(|(name, _)| name);
    for (name, value) in [
        (memory, field("VmRSS:").map(|kib| kib * KIB)),
        (memory_max, field("VmHWM:").map(|kib| kib * KIB)),
        (cpu, cpu_seconds()),
        (threads, field("Threads:")),
        (descriptors, open_descriptors()),
    ] {
        if let Some(value) = value {
            gauge!(name).set(value);
        }
    }
}

/// Returns the sum of `utime` and `stime`, the 14th and 15th field of `stat`. The second field may
/// hold any characters in parentheses.
fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    let ticks: Vec<f64> =
        rest.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse().ok()).collect();
    (ticks.len() == 2).then(|| ticks.iter().sum::<f64>() / TICKS_PER_SECOND)
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn open_descriptors() -> Option<f64> {
    // One of the descriptors belongs to reading the folder itself.
    fs::read_dir("/proc/self/fd").ok().map(|found| found.count().saturating_sub(1) as f64)
}
