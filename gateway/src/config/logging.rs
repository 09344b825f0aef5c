//! Log levels and the format of the log.

use serde::{Deserialize, Serialize};
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

/// The format of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// `Pretty` on a terminal, `Json` otherwise.
    Auto,
    /// One JSON object on each line.
    Json,
    /// Text for people.
    Pretty,
}

/// Returns true if every part of the filter is valid. A part without `=` must be a level: the
/// library would take any other word for a target and log everything of it and nothing else.
pub(super) fn are_levels(filter: &str) -> bool {
    let is_bare = |part: &&str| !part.contains(['=', '[', ']', '{', '}']);
    let mut bare = filter.split(',').map(str::trim).filter(is_bare);
    bare.all(|part| part.parse::<LevelFilter>().is_ok()) && EnvFilter::try_new(filter).is_ok()
}
