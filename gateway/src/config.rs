//! Configuration: defaults, then a TOML file, then the environment.
//!
//! A setting has one name, `section.key`: `[section] key = …` in the file and
//! `CONFAB__SECTION__KEY` in the environment. [`Config`] has a field for each name; its sections
//! are structs in files of their own. [`layers`] merges the sources and reports every wrong
//! setting at once. Nothing else in the process reads the environment.

mod attachments;
mod auth;
mod consent;
mod layers;
mod list;
mod logging;
mod public_url;
mod rate_limits;
mod report;
mod search;
mod serving;
mod size;
mod storage;
mod tls;

use std::{
    ffi::OsString,
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

pub use self::{
    attachments::{Attachments, S3},
    auth::Auth,
    consent::Consent,
    logging::LogFormat,
    public_url::PublicUrl,
    rate_limits::RateLimits,
    report::Report,
    search::{Search, SearchUrl},
    serving::{Admin, Drain, Limits},
    storage::{Embedded, Redis, RedisUrl, Scylla, StoreKind},
    tls::{ClientTls, ListenerTls, ScyllaTls},
};
use self::{layers::Layers, serving::local};
use crate::{listener::Network, origin::Origin};

/// Prefix of the environment variables that are settings.
pub const PREFIX: &str = "CONFAB__";

/// The configuration in force. Its fields have the names of the settings.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Config {
    /// Address for clients.
    pub listen: SocketAddr,
    /// Encryption of that listener.
    pub tls: ListenerTls,
    /// The operators' listener.
    pub admin: Admin,
    /// Bounds of connections.
    pub limits: Limits,
    /// How the gateway drains.
    pub drain: Drain,
    /// Address under which people reach the page.
    pub public_url: Option<PublicUrl>,
    /// Browser origins that are allowed in addition to the listener's own.
    #[serde(with = "list")]
    pub origins: Vec<Origin>,
    /// Networks of proxies whose `X-Forwarded-For` is trusted.
    #[serde(with = "list")]
    pub trusted_proxies: Vec<Network>,
    /// The kind of store.
    pub store: StoreKind,
    /// Folder of the embedded store.
    pub data_dir: PathBuf,
    /// Sizes of the embedded store.
    pub embedded: Embedded,
    /// The ScyllaDB or Cassandra cluster.
    pub scylla: Scylla,
    /// The Redis primaries.
    pub redis: Redis,
    /// The search engine of a fleet.
    pub search: Search,
    /// Where uploaded files are kept, and how much may be uploaded.
    pub attachments: Attachments,
    /// Tokens and passwords.
    pub auth: Auth,
    /// Whether users have to agree to what others start.
    pub consent: Consent,
    /// Rate limits.
    pub rate_limits: RateLimits,
    /// Log levels, such as `info` or `info,gateway=debug`.
    pub log: String,
    /// Format of the log.
    pub log_format: LogFormat,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: local(8080),
            tls: ListenerTls::default(),
            admin: Admin::default(),
            limits: Limits::default(),
            drain: Drain::default(),
            public_url: None,
            origins: Vec::new(),
            trusted_proxies: Vec::new(),
            store: StoreKind::Embedded,
            data_dir: PathBuf::from("confab-data"),
            embedded: Embedded::default(),
            scylla: Scylla::default(),
            redis: Redis::default(),
            search: Search::default(),
            attachments: Attachments::default(),
            auth: Auth::default(),
            consent: Consent::default(),
            rate_limits: RateLimits::default(),
            log: "info".to_owned(),
            log_format: LogFormat::Auto,
        }
    }
}

/// All wrong settings, one line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<String>);

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl Config {
    /// Returns the configuration of this file and this environment, and where each value came from.
    /// Fails with a line for every setting that is unknown or wrong.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<(Self, Report), Problems> {
        let mut layers = Layers::new();
        if let Some(path) = file {
            layers.add_file(path);
        }
        layers.add_environment(environment);
        Self::extract(layers)
    }

    /// Like [`Self::load`], with the text of a file.
    #[cfg(feature = "fuzzing")]
    pub(crate) fn parse(
        file: &str,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<(Self, Report), Problems> {
        let mut layers = Layers::new();
        layers.add_text(Path::new("confab.toml"), file);
        layers.add_environment(environment);
        Self::extract(layers)
    }

    fn extract(mut layers: Layers) -> Result<(Self, Report), Problems> {
        let config = layers.extract();
        config.check(&mut layers);
        layers.finish(&config).map(|report| (config, report))
    }

    /// Checks what the types of the fields cannot express.
    fn check(&self, layers: &mut Layers) {
        self.tls.check(layers);
        self.attachments.check(layers);
        self.auth.check(layers);
        self.embedded.check(layers);
        self.drain.check(layers);
        self.limits.check(layers);
        if !logging::are_levels(&self.log) {
            layers.refuse("log", "expected levels such as info or info,gateway=debug");
        }
        self.scylla.check(layers);
        self.redis.check(layers);
        self.search.check(layers, self.store == StoreKind::Scylla);
        if self.store == StoreKind::Scylla {
            if self.auth.secret_file.is_none() {
                let why = "required with store scylla, the same on all gateways";
                layers.refuse("auth.secret_file", why);
            }
            self.scylla.check_connection(layers);
        }
    }
}

#[cfg(test)]
mod tests;
