//! The metrics that the process exposes: their names, their meanings and the recorder.
//!
//! Each crate counts where things happen, through the `metrics` facade. The tables here give every
//! metric its help text. What this crate counts in several places has a function here.

mod process;

use std::{fmt, sync::OnceLock};

use chat_core::error::ErrorCode;
use metrics::{
    Counter, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Upper bounds of the buckets of durations, in seconds.
const SECONDS: [f64; 13] =
    [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];

/// Counters that are present from the start, because alerts on their growth need a first value.
const COUNTERS_FROM_START: [(&str, &str); 13] = [
    ("confab_frames_total", "WebSocket frames written"),
    ("confab_frame_bytes_total", "bytes of WebSocket frames written"),
    (
        "confab_panics_total",
        "requests and sockets that ended in a panic; each is a bug, see the log",
    ),
    ("confab_hints_published_total", "hints accepted by a Redis primary"),
    (
        "confab_hints_dropped_total",
        "hints not sent: primary in doubt, full queue, no answer, or hint too large",
    ),
    ("confab_hints_received_total", "hints and changes of presence received"),
    ("confab_hints_garbage_total", "received messages that could not be decoded"),
    (
        "confab_hints_lost_total",
        "times that hints may have been lost; the gateway then asks the store",
    ),
    ("confab_resubscribes_total", "channels subscribed again on a new connection"),
    (
        "confab_local_takes_total",
        "rate limits decided by this gateway alone, because a primary was down or slow",
    ),
    ("confab_appends_unknown_total", "appends not answered in time"),
    ("confab_appends_unknown_done_total", "unknown appends that turned out to be applied"),
    ("confab_appends_unknown_not_done_total", "unknown appends that turned out not to be applied"),
];

/// Counters that appear with their first event. Most of them have labels.
const COUNTERS: [(&str, &str); 14] = [
    ("confab_http_requests_total", "HTTP requests by method, route and status"),
    ("confab_connections_refused_total", "refused TCP connections, by limit: total or address"),
    ("confab_commands_total", "commands by name"),
    ("confab_errors_total", "errors sent to clients, by code"),
    (
        "confab_rate_limited_total",
        "requests refused by rate limits, by bucket: m messages, c conversation, o others, a address, u account",
    ),
    ("confab_invite_misses_total", "codes that led to no live invite, by reason"),
    ("confab_appends_total", "appends to logs, by outcome"),
    ("confab_append_entries_total", "entries appended to logs"),
    ("confab_search_indexed_total", "messages taken into the index, again after each edit"),
    ("confab_upload_bytes_total", "bytes of files received"),
    ("confab_download_bytes_total", "bytes of files sent"),
    ("confab_images_refused_total", "images kept as plain files: damaged or too large"),
    ("confab_attachments_removed_total", "files removed because no message shows them any more"),
    ("confab_events_total", "events encoded, each once for all its readers, by kind"),
];

const GAUGES: [(&str, &str); 5] = [
    ("confab_connections", "open TCP connections, by listener"),
    ("confab_sessions", "open WebSockets and waiting polls"),
    (
        "confab_passwords_waiting",
        "logins and registrations that wait for a password worker or occupy one",
    ),
    ("confab_redis_primaries_down", "Redis primaries that cannot be reached"),
    ("confab_info", "always 1; the version is a label"),
];

const HISTOGRAMS: [(&str, &str); 6] = [
    (
        "confab_http_request_seconds",
        "time from the head of a request to its answer, by route; polls wait on purpose",
    ),
    ("confab_file_examination_seconds", "time in which a file that has arrived was examined"),
    ("confab_search_seconds", "time of a search, from the query of the index to the page"),
    (
        "confab_search_lag_seconds",
        "time from the oldest note of a new message to its commit in the index",
    ),
    ("confab_append_seconds", "time from the start of an append to its outcome"),
    ("confab_password_seconds", "time to hash or check a password, waiting included"),
];

/// The label of the command that is counted most often.
const SEND: &str = "send";
/// The label of the event that is counted most often.
const MESSAGE: &str = "message";

/// The process's recorder.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

static INSTALLED: OnceLock<Metrics> = OnceLock::new();
/// Handles of the counters that grow with every message. Taking one by name costs more than counting.
static HOT: OnceLock<HotCounters> = OnceLock::new();

struct HotCounters {
    frames: Counter,
    frame_bytes: Counter,
    sends: Counter,
    messages: Counter,
}

impl Metrics {
    /// Returns the process's recorder. The first call installs it.
    pub fn install() -> Self {
        INSTALLED.get_or_init(Self::build).clone()
    }

    fn build() -> Self {
        let seconds = Matcher::Suffix("_seconds".to_owned());
        let builder = PrometheusBuilder::new().set_buckets_for_metric(seconds, &SECONDS);
        let recorder = builder.unwrap_or_else(|_| PrometheusBuilder::new()).build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("another recorder is installed and keeps the metrics");
        }
        for (name, help) in COUNTERS.into_iter().chain(COUNTERS_FROM_START) {
            describe_counter!(name, help);
        }
        for (name, help) in GAUGES.into_iter().chain(process::GAUGES) {
            describe_gauge!(name, help);
        }
        for (name, help) in HISTOGRAMS {
            describe_histogram!(name, Unit::Seconds, help);
        }
        for (name, _) in COUNTERS_FROM_START {
            counter!(name).absolute(0);
        }
        gauge!("confab_redis_primaries_down").increment(0.0);
        gauge!("confab_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        HOT.get_or_init(|| HotCounters {
            frames: counter!("confab_frames_total"),
            frame_bytes: counter!("confab_frame_bytes_total"),
            sends: counter!("confab_commands_total", "command" => SEND),
            messages: counter!("confab_events_total", "event" => MESSAGE),
        });
        Self(handle)
    }

    /// Returns all metrics in Prometheus' text format. The figures of the process are measured now.
    pub fn render(&self) -> String {
        process::measure();
        self.0.render()
    }

    /// Folds the samples of histograms into their buckets. Must be called every few seconds.
    pub fn upkeep(&self) {
        self.0.run_upkeep();
    }
}

/// Counts an error that is sent to a client.
pub fn error(code: ErrorCode) {
    counter!("confab_errors_total", "code" => code.name()).increment(1);
}

/// Counts a command by its name.
pub(crate) fn command(name: &'static str) {
    match HOT.get() {
        Some(hot) if name == SEND => hot.sends.increment(1),
        Some(_) | None => counter!("confab_commands_total", "command" => name).increment(1),
    }
}

/// Counts an event that is encoded.
pub(crate) fn event(kind: &'static str) {
    match HOT.get() {
        Some(hot) if kind == MESSAGE => hot.messages.increment(1),
        Some(_) | None => counter!("confab_events_total", "event" => kind).increment(1),
    }
}

/// Counts frames that one write sent to a socket. This is cheap: it looks up no names.
pub fn frames(frames: usize, bytes: usize) {
    if let Some(hot) = HOT.get() {
        hot.frames.increment(frames as u64);
        hot.frame_bytes.increment(bytes as u64);
    }
}

/// Counts a request or a socket that ended in a panic.
pub(crate) fn panic() {
    counter!("confab_panics_total").increment(1);
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use metrics::histogram;

    use super::*;

    fn names() -> Vec<&'static str> {
        let all = COUNTERS.iter().chain(&COUNTERS_FROM_START).chain(&GAUGES).chain(&HISTOGRAMS);
        all.chain(&process::GAUGES).map(|(name, _)| *name).collect()
    }

    #[test]
    fn every_metric_is_exposed_with_its_help() {
        let metrics = Metrics::install();
        for (name, _) in COUNTERS {
            counter!(name).increment(1);
        }
        for (name, _) in GAUGES {
            gauge!(name).increment(1.0);
        }
        for (name, _) in HISTOGRAMS {
            histogram!(name).record(0.001);
        }
        let text = metrics.render();
        for name in names() {
            assert!(text.contains(&format!("# HELP {name} ")), "{name} in\n{text}");
        }
        assert!(text.contains("confab_append_seconds_bucket{le=\"0.001\"} "), "{text}");
    }

    #[test]
    fn every_metric_is_documented_once() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md");
        let page = fs::read_to_string(path).unwrap();
        for name in names() {
            assert_eq!(page.matches(&format!("| `{name}` |")).count(), 1, "{name}");
        }
        let distinct: BTreeSet<&str> = names().into_iter().collect();
        assert_eq!(distinct.len(), names().len());
    }
}
