//! Configuration: defaults, then a TOML file, then the environment.
//!
//! A setting has one name, `section.key`: `[section] key = …` in the file, `CONFAB__SECTION__KEY` in
//! the environment. Each section reads its own settings; [`reader`] knows where each value came from
//! and gathers every problem, so that an operator sees all of them at once. Nothing else in the
//! process reads the environment.

mod access;
mod accounts;
mod logging;
mod rates;
mod reader;
mod report;
mod serving;
mod setting;
mod storage;

use std::{ffi::OsString, fmt, path::Path};

pub use self::{
    access::Access,
    accounts::Auth,
    logging::{LogFormat, Logging},
    rates::{Rate, RateLimits},
    report::Report,
    serving::{Drain, Limits, Serving},
    storage::{Embedded, Redis, Scylla, Storage, StoreKind},
};
use self::{reader::Reader, serving::DRAIN_DEADLINE};

/// What every variable of ours begins with.
pub const PREFIX: &str = "CONFAB__";

/// The configuration in force.
#[derive(Debug, Clone)]
pub struct Config {
    /// Listeners, bounds of connections, the drain.
    pub serving: Serving,
    /// Who may come from where.
    pub access: Access,
    /// What is kept, and where.
    pub storage: Storage,
    /// Tokens and passwords.
    pub auth: Auth,
    /// How often somebody may do something.
    pub rate_limits: RateLimits,
    /// What is logged, and in which form.
    pub logging: Logging,
}

/// Everything that is wrong, a line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<String>);

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.0.iter().enumerate() {
            let end = if at + 1 < self.0.len() { "\n" } else { "" };
            write!(f, "{problem}{end}")?;
        }
        Ok(())
    }
}

impl Config {
    /// The configuration of this file and this environment, and where each value came from.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<(Self, Report), Problems> {
        let mut reader = Reader::new(file, environment);
        let config = Self {
            serving: Serving::read(&mut reader),
            access: Access::read(&mut reader),
            storage: Storage::read(&mut reader),
            auth: Auth::read(&mut reader),
            rate_limits: RateLimits::read(&mut reader),
            logging: Logging::read(&mut reader),
        };
        config.check(&mut reader);
        reader.finish().map(|report| (config, report))
    }

    /// What no section can say alone.
    fn check(&self, reader: &mut Reader) {
        if self.storage.kind == StoreKind::Scylla && self.auth.secret_file.is_none() {
            reader
                .refuse("auth.secret_file", "required with store scylla, the same on all gateways");
        }
        if self.storage.kind == StoreKind::Scylla && self.storage.scylla.nodes.is_empty() {
            reader.refuse("scylla.nodes", "required with store scylla");
        }
        if self.serving.drain.delay > self.serving.drain.deadline {
            reader.refuse("drain.delay", &format!("longer than {DRAIN_DEADLINE}"));
        }
    }
}

#[cfg(test)]
mod tests;
