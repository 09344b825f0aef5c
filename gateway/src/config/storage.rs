//! What is kept, and where.

use std::{net::SocketAddrV6, num::NonZeroU32, path::PathBuf};

use super::{
    reader::Reader,
    setting::{Setting, Size},
};
use crate::secret::Secret;

const MIB: u64 = 1 << 20;
/// Bytes of the embedded store's journal, at the least: the store opens with no less.
const JOURNAL_BYTES_MIN: u64 = 64 * MIB;
/// Bytes of a keyspace's name.
const KEYSPACE_BYTES_MAX: usize = 48;

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
        let kind = reader.take("store", StoreKind::Embedded);
        let data_dir = reader.take("data_dir", PathBuf::from("confab-data"));
        let mut size = |name, default| reader.take(name, Size(default)).0;
        let embedded = Embedded {
            cache: size("embedded.cache", 64 * MIB),
            journal: size("embedded.journal", 256 * MIB),
            reserve: size("embedded.reserve", 512 * MIB),
        };
        if embedded.journal < JOURNAL_BYTES_MIN {
            let least = Size(JOURNAL_BYTES_MIN).show();
            reader.refuse("embedded.journal", &format!("at least {least}"));
        }
        let nodes = reader.take("scylla.nodes", Vec::<Node>::new());
        let scylla = Scylla {
            nodes: nodes.into_iter().map(|Node(node)| node).collect(),
            keyspace: reader.take("scylla.keyspace", Keyspace("confab".to_owned())).0,
            replication: reader.take("scylla.replication", NonZeroU32::MIN.saturating_add(2)),
            datacenter: reader.optional("scylla.datacenter"),
            user: reader.optional("scylla.user"),
            password: reader.optional("scylla.password"),
        };
        if kind == StoreKind::Scylla {
            check_log_in(&scylla, reader);
        }
        let redis = Redis { urls: reader.take("redis.urls", Vec::new()) };
        Self { kind, data_dir, embedded, scylla, redis }
    }
}

/// Half of a log-in is none: the cluster would be asked without any.
fn check_log_in(scylla: &Scylla, reader: &mut Reader) {
    match (&scylla.user, &scylla.password) {
        (Some(_), None) => reader.refuse("scylla.password", "required with scylla.user"),
        (None, Some(_)) => reader.refuse("scylla.user", "required with scylla.password"),
        (Some(_), Some(_)) | (None, None) => {}
    }
}

/// A node's host and port.
struct Node(String);

impl Setting for Node {
    const EXPECTED: &'static str = "nodes such as 127.0.0.1:9042";

    fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let is_port = port.bytes().all(|byte| byte.is_ascii_digit())
            && port.parse::<u16>().is_ok_and(|port| port > 0);
        let is_six = text.parse::<SocketAddrV6>().is_ok();
        let is_name =
            host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
        let is_node = is_port && (is_six || (is_name && !host.is_empty()));
        is_node.then(|| Self(text.to_owned()))
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}

/// A keyspace's name.
struct Keyspace(String);

impl Setting for Keyspace {
    const EXPECTED: &'static str = "1 to 48 of a-z 0-9 _, a letter first";

    fn parse(text: &str) -> Option<Self> {
        let is_plain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let is_name = text.len() <= KEYSPACE_BYTES_MAX
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().all(is_plain);
        is_name.then(|| Self(text.to_owned()))
    }

    fn show(&self) -> String {
        self.0.clone()
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
