//! What is in force and where it came from: the output of `confab config`.

use std::{fmt, path::PathBuf};

use super::reader::variable;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// Nobody set it.
    Default,
    /// The file.
    File(PathBuf),
    /// This variable.
    Environment(String),
}

/// One setting.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) name: &'static str,
    /// Its value without secrets; `None`: not set.
    pub(super) toml: Option<String>,
    pub(super) source: Source,
}

/// Every setting in force, in the order of the documentation. Shown, it is a TOML file that gives
/// the same configuration (but for secrets, which are hidden).
#[derive(Debug, Clone)]
pub struct Report(pub(super) Vec<Line>);

impl Report {
    /// The variables of all settings.
    pub fn variables(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|line| variable(line.name))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.0.iter().map(Line::text).collect();
        let width = texts.iter().map(String::len).max().unwrap_or(0).min(60);
        for (line, text) in self.0.iter().zip(texts) {
            write!(f, "{text:width$}  # ")?;
            match &line.source {
                Source::Default => writeln!(f, "default, {}", variable(line.name))?,
                Source::File(path) => writeln!(f, "file {}", path.display())?,
                Source::Environment(name) => writeln!(f, "environment {name}")?,
            }
        }
        Ok(())
    }
}

impl Line {
    fn text(&self) -> String {
        match &self.toml {
            Some(toml) => format!("{} = {toml}", self.name),
            None => format!("# {} is not set", self.name),
        }
    }
}
