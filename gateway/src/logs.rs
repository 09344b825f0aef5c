//! Logs on standard error: JSON for machines, pretty for people.
//!
//! Tokens and texts of messages are never logged: the types that hold them hide them in `Debug`.

use std::io::{self, IsTerminal};

use tracing_subscriber::{EnvFilter, fmt};

use crate::config::LogFormat;

/// The target of lines that are logged at any level: scripts wait for `listening on …`.
pub const ADDRESSES: &str = "listening";

/// The target of lines about log-ins, passwords and refused actions, so that they can be kept apart
/// from others.
pub const SECURITY: &str = "security";

/// Starts logging with these levels. Later calls change nothing.
pub fn start(levels: &str, format: LogFormat) {
    let mut filter = EnvFilter::try_new(levels).unwrap_or_default();
    if let Ok(always) = format!("{ADDRESSES}=info").parse() {
        filter = filter.add_directive(always);
    }
    let terminal = io::stderr().is_terminal();
    let is_json = match format {
        LogFormat::Auto => !terminal,
        LogFormat::Json => true,
        LogFormat::Pretty => false,
    };
    let builder = fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(terminal);
    let started = if is_json {
        builder.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()
    } else {
        builder.with_target(false).compact().try_init()
    };
    if let Err(error) = started {
        tracing::debug!(%error, "logging was started before");
    }
}
