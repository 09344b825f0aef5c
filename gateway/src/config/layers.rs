//! Merges the sources of settings into one tree of values and deserializes it.
//!
//! The tree starts as the defaults, so it has every setting in its place. A name without a place is
//! unknown. A value that cannot be deserialized is reported and replaced by its default, until the
//! whole tree can be deserialized: this way every wrong setting is reported, not only the first.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{
    Config, PREFIX, Problems,
    report::{Line, Report},
};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    Default,
    File(PathBuf),
    Environment,
}

impl Source {
    /// Names a setting as the operator wrote it.
    fn place(&self, name: &str) -> String {
        match self {
            Self::File(path) => format!("{}: {name}", path.display()),
            Self::Environment | Self::Default => variable(name),
        }
    }
}

/// The merged settings and the problems found so far.
#[derive(Debug)]
pub(super) struct Layers {
    defaults: Value,
    values: Value,
    /// Sources of the values that are not defaults, by name.
    sources: BTreeMap<String, Source>,
    /// Names of the settings that have a problem.
    refused: BTreeSet<String>,
    problems: Vec<String>,
}

impl Layers {
    pub(super) fn new() -> Self {
        let defaults = tree_of(&Config::default());
        Self {
            values: defaults.clone(),
            defaults,
            sources: BTreeMap::new(),
            refused: BTreeSet::new(),
            problems: Vec::new(),
        }
    }

    pub(super) fn add_file(&mut self, path: &Path) {
        match fs::read_to_string(path) {
            Ok(text) => self.add_text(path, &text),
            Err(error) => self.problems.push(format!("{}: {error}", path.display())),
        }
    }

    /// Adds the settings in the text of this file.
    pub(super) fn add_text(&mut self, path: &Path, text: &str) {
        match text.parse::<toml::Table>() {
            Ok(table) => self.add_table("", &table, &Source::File(path.to_owned())),
            Err(error) => {
                self.problems.push(format!("{}: {}", path.display(), error.to_string().trim_end()));
            }
        }
    }

    fn add_table(&mut self, prefix: &str, table: &toml::Table, source: &Source) {
        for (key, value) in table {
            let name = format!("{prefix}{key}");
            match value.as_table().filter(|_| is_section(&self.defaults, &name)) {
                Some(inner) => self.add_table(&format!("{name}."), inner, source),
                None => self.set(&name, text_of(value), source),
            }
        }
    }

    pub(super) fn add_environment(
        &mut self,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) {
        for (written, value) in environment {
            let written = written.to_string_lossy();
            let Some(name) = written.strip_prefix(PREFIX) else { continue };
            let name = name.to_ascii_lowercase().replace("__", ".");
            match value.into_string() {
                Ok(value) if variable(&name) == written => {
                    self.set(&name, value.into(), &Source::Environment);
                }
                Ok(_) => self.problems.push(format!("{written}: unknown setting")),
                Err(_) => self.problems.push(format!("{written}: not UTF-8")),
            }
        }
    }

    fn set(&mut self, name: &str, value: Value, source: &Source) {
        let is_setting = !value.is_object() && !is_section(&self.defaults, name);
        let default = find(&self.defaults, name).filter(|_| is_setting);
        let (Some(default), Some(slot)) = (default, find_mut(&mut self.values, name)) else {
            return self.problems.push(format!("{}: unknown setting", source.place(name)));
        };
        *slot = typed(value, default);
        self.sources.insert(name.to_owned(), source.clone());
    }

    /// Returns the configuration, with defaults in the place of values that are refused.
    pub(super) fn extract(&mut self) -> Config {
        loop {
            let error = match serde_path_to_error::deserialize(&self.values) {
                Ok(config) => return config,
                Err(error) => error,
            };
            // The path of an item of a list, `origins[0]`, is about the list.
            let path = error.path().to_string();
            let name = path.split_once('[').map_or(path.as_str(), |(list, _)| list);
            let default = find(&self.defaults, name);
            let slot = find_mut(&mut self.values, name);
            let (Some(default), Some(slot)) =
                (default, slot.filter(|slot| Some(&**slot) != default))
            else {
                // A default is always deserialized; a test proves it.
                self.problems.push(error.to_string());
                return Config::default();
            };
            *slot = default.clone();
            let why = format!("expected {}", expected(name, default));
            self.refuse(name, &why);
        }
    }

    /// Reports a setting as wrong, unless it has been reported.
    pub(super) fn refuse(&mut self, name: &str, why: &str) {
        if self.refused.insert(name.to_owned()) {
            let place = self.source(name).place(name);
            self.problems.push(format!("{place}: {why}"));
        }
    }

    /// Returns every setting of the configuration with its source, or all problems.
    pub(super) fn finish(self, config: &Config) -> Result<Report, Problems> {
        if !self.problems.is_empty() {
            return Err(Problems(self.problems));
        }
        let mut lines = Vec::new();
        for_each_setting("", &tree_of(config), &mut |name, value| {
            let source = self.source(name).clone();
            lines.push(Line { name: name.to_owned(), value: value.clone(), source });
        });
        Ok(Report(lines))
    }

    fn source(&self, name: &str) -> &Source {
        self.sources.get(name).unwrap_or(&Source::Default)
    }
}

/// Returns the environment variable of a setting.
pub(super) fn variable(name: &str) -> String {
    format!("{PREFIX}{}", name.to_ascii_uppercase().replace('.', "__"))
}

/// Describes the values that a setting accepts.
fn expected(name: &str, default: &Value) -> &'static str {
    match name {
        "listen" | "admin.listen" => "an address and a port, such as 127.0.0.1:8080 or [::]:8080",
        "origins" => "origins such as https://chat.example.org or http://localhost:3000",
        "public_url" => "an address such as https://chat.example.org",
        "trusted_proxies" => "networks such as 10.0.0.0/8, 192.168.1.7 or fd00::/8",
        "auth.reserved_names" => "names such as admin",
        "redis.urls" => "addresses such as redis://127.0.0.1:6379",
        "store" => "embedded, memory or scylla",
        "log_format" => "auto, json or pretty",
        "embedded.cache" | "embedded.journal" | "embedded.reserve" | "limits.unread" => {
            "a number of bytes, such as 64MiB"
        }
        "drain.delay" | "drain.deadline" | "auth.access_ttl" | "auth.login_age_max" => {
            "a time, such as 10m, 5s or 250ms"
        }
        "data_dir"
        | "auth.secret_file"
        | "tls.certificate"
        | "tls.key"
        | "redis.tls.ca"
        | "redis.tls.certificate"
        | "redis.tls.key"
        | "scylla.tls.ca"
        | "scylla.tls.certificate"
        | "scylla.tls.key"
        | "search.tls.ca"
        | "search.tls.certificate"
        | "search.tls.key" => "a path",
        "auth.password_workers" => "a whole number from 1",
        _ if default.is_boolean() => "true or false",
        _ if default.is_number() => "a whole number from 1",
        _ => "a text",
    }
}

/// Returns the configuration as nested objects, with secrets masked.
fn tree_of(config: &Config) -> Value {
    serde_json::to_value(config).unwrap_or_default()
}

fn find<'a>(tree: &'a Value, name: &str) -> Option<&'a Value> {
    name.split('.').try_fold(tree, |value, key| value.get(key))
}

fn find_mut<'a>(tree: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    name.split('.').try_fold(tree, |value, key| value.get_mut(key))
}

fn is_section(defaults: &Value, name: &str) -> bool {
    find(defaults, name).is_some_and(Value::is_object)
}

fn for_each_setting(prefix: &str, tree: &Value, visit: &mut impl FnMut(&str, &Value)) {
    for (key, value) in tree.as_object().into_iter().flatten() {
        let name = format!("{prefix}{key}");
        if value.is_object() {
            for_each_setting(&format!("{name}."), value, visit);
        } else {
            visit(&name, value);
        }
    }
}

/// Returns a value of the file as the environment would have it: text, or a list of texts.
fn text_of(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.as_str().into(),
        toml::Value::Array(items) => items.iter().map(text_of).collect(),
        toml::Value::Table(_) => Value::Object(serde_json::Map::new()),
        toml::Value::Integer(_)
        | toml::Value::Float(_)
        | toml::Value::Boolean(_)
        | toml::Value::Datetime(_) => value.to_string().into(),
    }
}

/// Gives a text the type of the setting's default. Text that does not fit is left as it is, or
/// becomes null, and is refused when it is deserialized.
fn typed(value: Value, default: &Value) -> Value {
    let Value::String(text) = value else { return value };
    match (text.trim(), default) {
        ("", Value::Array(_)) => Value::Array(Vec::new()),
        ("", _) => Value::Null,
        (text, Value::Array(_)) => text.split(',').map(Value::from).collect(),
        (text, Value::Bool(_) | Value::Number(_)) => {
            text.parse().unwrap_or_else(|_| Value::from(text))
        }
        (text, Value::Null | Value::String(_) | Value::Object(_)) => text.into(),
    }
}
