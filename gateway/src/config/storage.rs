//! What is kept, and where.

use std::{num::NonZeroU32, path::PathBuf};

use super::{
    reader::Reader,
    setting::{Setting, Size},
};
use crate::secret::Secret;

/// Which store keeps everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreKind {
    /// In a folder of this machine.
    Embedded,
    /// In memory; it ends with the process.
    Memory,
    /// In ScyllaDB or Cassandra, for any number of gateways.
    Scylla,
}

/// What is kept, and where.
#[derive(Debug, Clone)]
pub struct Storage {
    /// Which store.
    pub kind: StoreKind,
    /// The folder of the embedded store.
    pub data_dir: PathBuf,
    /// Sizes of the embedded store.
    pub embedded: Embedded,
    /// The cluster.
    pub scylla: Scylla,
    /// Hints between gateways.
    pub redis: Redis,
}

/// Sizes of the embedded store, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Embedded {
    /// Memory for blocks read from disk.
    pub cache: u64,
    /// Journal before the oldest of it is flushed.
    pub journal: u64,
    /// Disk that stays free.
    pub reserve: u64,
}

/// The cluster.
#[derive(Debug, Clone)]
pub struct Scylla {
    /// Some of its nodes.
    pub nodes: Vec<String>,
    /// The keyspace.
    pub keyspace: String,
    /// Copies of each row.
    pub replication: NonZeroU32,
    /// This gateway's datacenter, where there are several.
    pub datacenter: Option<String>,
    /// Who logs in, where the cluster asks.
    pub user: Option<String>,
    /// With which password.
    pub password: Option<Secret>,
}

/// Hints between gateways.
#[derive(Debug, Clone, Default)]
pub struct Redis {
    /// Independent primaries; none: this gateway is alone.
    pub urls: Vec<RedisUrl>,
}

/// An address with a password in it, perhaps.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl(String);

impl RedisUrl {
    /// The whole of it, for the one who connects.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.show())
    }
}

impl Storage {
    pub(super) fn read(reader: &mut Reader) -> Self {
        const MIB: u64 = 1 << 20;
        let kind = reader.take("store", StoreKind::Embedded);
        let data_dir = reader.take("data_dir", PathBuf::from("confab-data"));
        let mut size = |name, default| reader.take(name, Size(default)).0;
        let embedded = Embedded {
            cache: size("embedded.cache", 64 * MIB),
            journal: size("embedded.journal", 256 * MIB),
            reserve: size("embedded.reserve", 512 * MIB),
        };
        let scylla = Scylla {
            nodes: reader.take("scylla.nodes", Vec::new()),
            keyspace: reader.take("scylla.keyspace", "confab".to_owned()),
            replication: reader.take("scylla.replication", NonZeroU32::MIN.saturating_add(2)),
            datacenter: reader.optional("scylla.datacenter"),
            user: reader.optional("scylla.user"),
            password: reader.optional("scylla.password"),
        };
        let redis = Redis { urls: reader.take("redis.urls", Vec::new()) };
        Self { kind, data_dir, embedded, scylla, redis }
    }
}

impl Setting for StoreKind {
    const EXPECTED: &'static str = "embedded, memory or scylla";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "embedded" => Some(Self::Embedded),
            "memory" => Some(Self::Memory),
            "scylla" => Some(Self::Scylla),
            _ => None,
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Embedded => "embedded",
            Self::Memory => "memory",
            Self::Scylla => "scylla",
        }
        .to_owned()
    }
}

impl Setting for Secret {
    const EXPECTED: &'static str = "a text";

    fn parse(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self::new(text.to_owned()))
    }

    fn show(&self) -> String {
        "***".to_owned()
    }
}

impl Setting for RedisUrl {
    const EXPECTED: &'static str = "addresses such as redis://127.0.0.1:6379";

    fn parse(text: &str) -> Option<Self> {
        let known = ["redis://", "rediss://", "unix://"];
        known.iter().any(|scheme| text.starts_with(scheme)).then(|| Self(text.to_owned()))
    }

    /// Without the user and the password.
    fn show(&self) -> String {
        let (scheme, rest) = self.0.split_once("://").unwrap_or(("redis", &self.0));
        match rest.rsplit_once('@') {
            Some((_, host)) => format!("{scheme}://***@{host}"),
            None => self.0.clone(),
        }
    }
}
