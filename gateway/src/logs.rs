//! Logs on standard error: JSON for machines, pretty for people.
//!
//! Tokens and texts are in no log: what holds them has a `Debug` that hides them.

use std::io::{self, IsTerminal};

use tracing_subscriber::{EnvFilter, fmt};

use crate::config::{LogFormat, Logging};

/// What the binary itself says is always said: scripts wait for `listening on …`.
const ALWAYS: &str = "confab=info";

/// Begins logging; later calls change nothing.
pub fn start(logging: &Logging) {
    let mut filter = EnvFilter::try_new(&logging.filter).unwrap_or_default();
    if let Ok(always) = ALWAYS.parse() {
        filter = filter.add_directive(always);
    }
    let terminal = io::stderr().is_terminal();
    let is_json = match logging.format {
        LogFormat::Auto => !terminal,
        LogFormat::Json => true,
        LogFormat::Pretty => false,
    };
    let builder = fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(terminal);
    let begun = if is_json {
        builder.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()
    } else {
        builder.with_target(false).compact().try_init()
    };
    if let Err(error) = begun {
        tracing::debug!(%error, "logging had begun before");
    }
}
