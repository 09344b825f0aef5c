//! The output of `confab config`: every setting in force and where it came from.

use std::fmt;

use serde_json::Value;

use super::layers::{Source, variable};

/// Widest column of settings before the column of sources moves to the right.
const WIDTH_MAX: usize = 60;

/// One setting.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) name: String,
    /// The value without secrets, or null if it is not set.
    pub(super) value: Value,
    pub(super) source: Source,
}

/// Every setting in force, in the order of names. Printed, it is a TOML file that gives the same
/// configuration, apart from secrets, which are masked.
#[derive(Debug, Clone)]
pub struct Report(pub(super) Vec<Line>);

impl Report {
    /// Returns the names of all settings.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|line| line.name.as_str())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.0.iter().map(Line::text).collect();
        let width = texts.iter().map(String::len).max().unwrap_or(0).min(WIDTH_MAX);
        for (line, text) in self.0.iter().zip(texts) {
            write!(f, "{text:width$}  # ")?;
            match &line.source {
                Source::Default => writeln!(f, "default, {}", variable(&line.name))?,
                Source::File(path) => writeln!(f, "file {}", path.display())?,
                Source::Environment => writeln!(f, "environment {}", variable(&line.name))?,
            }
        }
        Ok(())
    }
}

impl Line {
    fn text(&self) -> String {
        match toml::Value::try_from(&self.value) {
            Ok(toml) => format!("{} = {toml}", self.name),
            // TOML has no null.
            Err(_) => format!("# {} is not set", self.name),
        }
    }
}
