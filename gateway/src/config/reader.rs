//! Takes settings from their layers, and remembers where each came from and what was wrong.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use super::{
    PREFIX, Problems,
    report::{Line, Report, Source},
    setting::{Raw, Setting},
};

/// The layers, what was taken, and what was wrong.
#[derive(Debug)]
pub(super) struct Reader {
    path: Option<PathBuf>,
    file: BTreeMap<String, Raw>,
    /// Sections of the file in which nothing is set.
    empty: Vec<String>,
    environment: BTreeMap<String, String>,
    lines: Vec<Line>,
    problems: Vec<String>,
}

impl Reader {
    pub(super) fn new(
        path: Option<&Path>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Self {
        let mut reader = Self {
            path: path.map(Path::to_owned),
            file: BTreeMap::new(),
            empty: Vec::new(),
            environment: BTreeMap::new(),
            lines: Vec::new(),
            problems: Vec::new(),
        };
        if let Some(path) = path {
            reader.read_file(path);
        }
        for (name, value) in environment {
            reader.add_variable(&name, value);
        }
        reader
    }

    fn read_file(&mut self, path: &Path) {
        let shown = path.display();
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => return self.problems.push(format!("{shown}: {error}")),
        };
        match text.parse::<toml::Table>() {
            Ok(table) => self.add_table("", table),
            Err(error) => self.problems.push(format!("{shown}: {}", error.to_string().trim_end())),
        }
    }

    fn add_table(&mut self, above: &str, table: toml::Table) {
        if table.is_empty() && !above.is_empty() {
            self.empty.push(above.to_owned());
        }
        for (key, value) in table {
            let name = if above.is_empty() { key } else { format!("{above}.{key}") };
            match value {
                toml::Value::Table(inner) => self.add_table(&name, inner),
                toml::Value::Array(items) => {
                    let items = items.into_iter().map(text).collect();
                    self.file.insert(name, Raw::Many(items));
                }
                toml::Value::String(_)
                | toml::Value::Integer(_)
                | toml::Value::Float(_)
                | toml::Value::Boolean(_)
                | toml::Value::Datetime(_) => {
                    self.file.insert(name, Raw::One(text(value)));
                }
            }
        }
    }

    fn add_variable(&mut self, name: &OsString, value: OsString) {
        let name = name.to_string_lossy();
        if !name.starts_with(PREFIX) {
            return;
        }
        match value.into_string() {
            Ok(value) => {
                self.environment.insert(name.into_owned(), value);
            }
            Err(_) => self.problems.push(format!("{name}: not UTF-8")),
        }
    }

    /// Takes a setting.
    pub(super) fn take<T: Setting>(&mut self, name: &'static str, default: T) -> T {
        let (value, source) = self.read(name);
        let value = value.unwrap_or(default);
        self.lines.push(Line { name, toml: Some(value.toml()), source });
        value
    }

    /// Takes a setting that may be missing; an empty variable is the same.
    pub(super) fn optional<T: Setting>(&mut self, name: &'static str) -> Option<T> {
        let (value, source) = match self.raw(name) {
            Some((Raw::One(text), source)) if text.trim().is_empty() => (None, source),
            Some(_) | None => self.read::<T>(name),
        };
        self.lines.push(Line { name, toml: value.as_ref().map(Setting::toml), source });
        value
    }

    /// Says that a setting cannot be what it is, unless something is said of it already.
    pub(super) fn refuse(&mut self, name: &str, why: &str) {
        let source = self.lines.iter().find(|line| line.name == name);
        let from_file = source.is_some_and(|line| matches!(line.source, Source::File(_)));
        let shown = if from_file { name.to_owned() } else { variable(name) };
        let shown = format!("{shown}: ");
        if !self.problems.iter().any(|problem| problem.contains(&shown)) {
            self.problems.push(format!("{shown}{why}"));
        }
    }

    /// All that was taken, unless something was wrong or is left.
    pub(super) fn finish(mut self) -> Result<Report, Problems> {
        let unknown = |name: &String| !self.lines.iter().any(|line| variable(line.name) == *name);
        for name in self.environment.keys().filter(|name| unknown(name)) {
            self.problems.push(format!("{name}: unknown setting"));
        }
        let unknown = |name: &String| !self.lines.iter().any(|line| line.name == name);
        let is_in = |line: &Line, section: &str| {
            line.name.strip_prefix(section).is_some_and(|rest| rest.starts_with('.'))
        };
        let no_section = |name: &String| !self.lines.iter().any(|line| is_in(line, name));
        let names = self.file.keys().filter(|name| unknown(name));
        for name in names.chain(self.empty.iter().filter(|name| no_section(name))) {
            let path = self.path.as_deref().unwrap_or(Path::new("")).display();
            self.problems.push(format!("{path}: {name}: unknown setting"));
        }
        if self.problems.is_empty() { Ok(Report(self.lines)) } else { Err(Problems(self.problems)) }
    }

    fn raw(&self, name: &str) -> Option<(Raw, Source)> {
        let variable = variable(name);
        if let Some(text) = self.environment.get(&variable) {
            return Some((Raw::One(text.clone()), Source::Environment(variable)));
        }
        let path = self.path.clone().unwrap_or_default();
        self.file.get(name).map(|raw| (raw.clone(), Source::File(path)))
    }

    fn read<T: Setting>(&mut self, name: &str) -> (Option<T>, Source) {
        let Some((raw, source)) = self.raw(name) else { return (None, Source::Default) };
        let value = T::from_raw(&raw);
        if value.is_none() {
            let place = match &source {
                Source::File(path) => format!("{}: {name}", path.display()),
                Source::Environment(_) | Source::Default => variable(name),
            };
            self.problems.push(format!("{place}: expected {}", T::EXPECTED));
        }
        (value, source)
    }
}

/// The variable of a setting.
pub(super) fn variable(name: &str) -> String {
    format!("{PREFIX}{}", name.to_ascii_uppercase().replace('.', "__"))
}

/// A plain TOML value as text.
fn text(value: toml::Value) -> String {
    match value {
        toml::Value::String(text) => text,
        toml::Value::Integer(_)
        | toml::Value::Float(_)
        | toml::Value::Boolean(_)
        | toml::Value::Datetime(_)
        | toml::Value::Array(_)
        | toml::Value::Table(_) => value.to_string(),
    }
}
