//! What is logged, and in which form.

use tracing_subscriber::{EnvFilter, filter::LevelFilter};

use super::{reader::Reader, setting::Setting};

/// What is logged, and in which form.
#[derive(Debug, Clone)]
pub struct Logging {
    /// Levels, such as `info` or `info,gateway=debug`.
    pub filter: String,
    /// The form.
    pub format: LogFormat,
}

/// The form of logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Pretty on a terminal, else JSON.
    Auto,
    /// One object a line.
    Json,
    /// For people.
    Pretty,
}

impl Logging {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let logging = Self {
            filter: reader.take("log", "info".to_owned()),
            format: reader.take("log_format", LogFormat::Auto),
        };
        if !are_levels(&logging.filter) {
            reader.refuse("log", "expected levels such as info or info,gateway=debug");
        }
        logging
    }
}

/// A bare word would be taken for a target, of which everything is logged, and nothing else.
fn are_levels(filter: &str) -> bool {
    let is_bare = |part: &&str| !part.contains(['=', '[', ']', '{', '}']);
    let mut bare = filter.split(',').map(str::trim).filter(is_bare);
    bare.all(|part| part.parse::<LevelFilter>().is_ok()) && EnvFilter::try_new(filter).is_ok()
}

impl Setting for LogFormat {
    const EXPECTED: &'static str = "auto, json or pretty";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "auto" => Some(Self::Auto),
            "json" => Some(Self::Json),
            "pretty" => Some(Self::Pretty),
            _ => None,
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Auto => "auto",
            Self::Json => "json",
            Self::Pretty => "pretty",
        }
        .to_owned()
    }
}
