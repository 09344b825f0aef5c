//! What is counted, each under one name with its meaning.
//!
//! The numbers are kept by one recorder a process; every function here is one thing that happens.

mod figures;
mod process;

use std::{sync::OnceLock, time::Duration};

pub(crate) use self::figures::look;
pub use self::figures::{Figure, Figures};
use chat_core::error::ErrorCode;
use metrics::{
    Counter, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Upper bounds of durations, in seconds.
const SECONDS: [f64; 13] =
    [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];

const HTTP_REQUESTS: &str = "confab_http_requests_total";
const HTTP_SECONDS: &str = "confab_http_request_seconds";
const CONNECTIONS: &str = "confab_connections";
const CONNECTIONS_REFUSED: &str = "confab_connections_refused_total";
const SESSIONS: &str = "confab_sessions";
const COMMANDS: &str = "confab_commands_total";
const ERRORS: &str = "confab_errors_total";
const RATE_LIMITED: &str = "confab_rate_limited_total";
const APPENDS: &str = "confab_appends_total";
const APPEND_ENTRIES: &str = "confab_append_entries_total";
const APPEND_SECONDS: &str = "confab_append_seconds";
const EVENTS: &str = "confab_events_total";
const FRAMES: &str = "confab_frames_total";
const FRAME_BYTES: &str = "confab_frame_bytes_total";
const PASSWORDS_WAITING: &str = "confab_passwords_waiting";
const PASSWORD_SECONDS: &str = "confab_password_seconds";
const PANICS: &str = "confab_panics_total";
const INFO: &str = "confab_info";

const COUNTERS: [(&str, &str); 11] = [
    (HTTP_REQUESTS, "HTTP requests by method, route and status"),
    (CONNECTIONS_REFUSED, "TCP connections refused, by the bound they met: total or address"),
    (COMMANDS, "commands by name"),
    (ERRORS, "errors told to clients, by code"),
    (
        RATE_LIMITED,
        "refusals by bucket: m messages, c conversation, o others, a address, u account",
    ),
    (APPENDS, "appends to logs, by outcome"),
    (APPEND_ENTRIES, "entries appended to logs"),
    (EVENTS, "events encoded, each once for all of its readers, by kind"),
    (FRAMES, "WebSocket frames written"),
    (FRAME_BYTES, "bytes of WebSocket frames written"),
    (PANICS, "requests and sockets that ended in a panic: defects, each is in the log"),
];

const GAUGES: [(&str, &str); 4] = [
    (CONNECTIONS, "TCP connections that are open, by listener"),
    (SESSIONS, "sessions that are open: WebSockets and waiting polls"),
    (PASSWORDS_WAITING, "log-ins and registrations that wait for or hash a password"),
    (INFO, "always 1; the version is a label"),
];

const HISTOGRAMS: [(&str, &str); 3] = [
    (HTTP_SECONDS, "from a request's head to its answer, by route; polls wait by intent"),
    (APPEND_SECONDS, "from an append's beginning to its outcome"),
    (PASSWORD_SECONDS, "hashing or checking a password, waiting included"),
];

/// The process's recorder. The first call installs it; all give the same.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

static INSTALLED: OnceLock<Metrics> = OnceLock::new();
/// Handles of what is counted for every write.
static WRITTEN: OnceLock<(Counter, Counter)> = OnceLock::new();

impl Metrics {
    /// The process's recorder.
    pub fn install() -> Self {
        INSTALLED.get_or_init(Self::build).clone()
    }

    fn build() -> Self {
        let builder = PrometheusBuilder::new();
        let seconds = Matcher::Suffix("_seconds".to_owned());
        let builder = builder.set_buckets_for_metric(seconds, &SECONDS);
        let recorder = builder.unwrap_or_else(|_| PrometheusBuilder::new()).build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("another recorder keeps the metrics");
        }
        describe();
        WRITTEN.get_or_init(|| (counter!(FRAMES), counter!(FRAME_BYTES)));
        Self(handle)
    }

    /// Everything in Prometheus' text form, the process's own figures at this moment included.
    pub fn render(&self) -> String {
        process::measure();
        self.0.render()
    }

    /// Folds what histograms have gathered; wants to be called every few seconds.
    pub fn upkeep(&self) {
        self.0.run_upkeep();
    }
}

/// The names of all metrics, for the tests of the documentation.
pub fn names() -> impl Iterator<Item = &'static str> {
    let ours = COUNTERS.iter().chain(&GAUGES).chain(&HISTOGRAMS);
    ours.chain(&process::FIGURES).map(|(name, _)| *name).chain(figures::names())
}

fn describe() {
    for (name, meaning) in COUNTERS {
        describe_counter!(name, meaning);
    }
    for (name, meaning) in GAUGES.into_iter().chain(process::FIGURES) {
        describe_gauge!(name, meaning);
    }
    for (name, meaning) in HISTOGRAMS {
        describe_histogram!(name, Unit::Seconds, meaning);
    }
    figures::describe();
    gauge!(INFO, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    // An alert on its growth needs a value to grow from.
    counter!(PANICS).absolute(0);
}

/// A request was answered.
pub(crate) fn http_request(method: &'static str, route: &str, status: u16, took: Duration) {
    let route = route.to_owned();
    let labels =
        [("method", method.to_owned()), ("route", route.clone()), ("status", status.to_string())];
    counter!(HTTP_REQUESTS, &labels).increment(1);
    histogram!(HTTP_SECONDS, "route" => route).record(took);
}

/// So many connections are open.
pub(crate) fn connections(listener: &'static str, open: u32) {
    gauge!(CONNECTIONS, "listener" => listener).set(open);
}

/// A connection met a bound.
pub(crate) fn connection_refused(bound: &'static str) {
    counter!(CONNECTIONS_REFUSED, "bound" => bound).increment(1);
}

/// So many sessions are open.
#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
pub(crate) fn sessions(open: usize) {
    gauge!(SESSIONS).set(open as f64);
}

/// A command was asked for.
pub fn command(name: &'static str) {
    counter!(COMMANDS, "command" => name).increment(1);
}

/// A client was told of an error.
pub fn error(code: ErrorCode) {
    counter!(ERRORS, "code" => code.name()).increment(1);
}

/// A bucket was empty.
pub(crate) fn rate_limited(bucket: &str) {
    counter!(RATE_LIMITED, "bucket" => bucket.to_owned()).increment(1);
}

/// An event was encoded.
pub(crate) fn event(kind: &'static str) {
    counter!(EVENTS, "event" => kind).increment(1);
}

/// So many frames of so many bytes were written to a socket, in one write. Cheap: two additions.
pub fn frames(frames: usize, bytes: usize) {
    if let Some((count, size)) = WRITTEN.get() {
        count.increment(frames as u64);
        size.increment(bytes as u64);
    }
}

/// A password waits; its end is the returned value's.
pub(crate) fn password() -> PasswordInProgress {
    gauge!(PASSWORDS_WAITING).increment(1.0);
    PasswordInProgress { since: tokio::time::Instant::now() }
}

/// A password that waits or is hashed.
#[derive(Debug)]
pub(crate) struct PasswordInProgress {
    since: tokio::time::Instant,
}

impl Drop for PasswordInProgress {
    fn drop(&mut self) {
        gauge!(PASSWORDS_WAITING).decrement(1.0);
        histogram!(PASSWORD_SECONDS).record(self.since.elapsed());
    }
}

/// A request or a socket ended in a panic.
pub(crate) fn panic() {
    counter!(PANICS).increment(1);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn everything_that_is_counted_is_described_once() {
        let metrics = Metrics::install();
        http_request("GET", "/v1/me", 200, Duration::from_millis(3));
        connections("public", 1);
        connection_refused("total");
        sessions(2);
        command("send");
        error(ErrorCode::Invalid);
        rate_limited("m");
        // The domain counts appends.
        counter!(APPENDS, "outcome" => "done").increment(1);
        counter!(APPEND_ENTRIES).increment(1);
        histogram!(APPEND_SECONDS).record(Duration::from_millis(1));
        event("message");
        frames(2, 300);
        drop(password());
        panic();
        let shown = metrics.render();
        for name in names() {
            assert!(shown.contains(&format!("# HELP {name} ")), "{name} in\n{shown}");
        }
        let distinct: BTreeSet<&str> = names().collect();
        assert_eq!(distinct.len(), names().count());
        assert!(shown.contains("confab_append_seconds_bucket{le=\"0.001\"} 1"), "{shown}");
    }
}
