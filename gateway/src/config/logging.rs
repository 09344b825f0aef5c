//! What is logged, and in which form.

use tracing_subscriber::EnvFilter;

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
        if EnvFilter::try_new(&logging.filter).is_err() {
            reader.refuse("log", "expected levels such as info or info,gateway=debug");
        }
        logging
    }
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
