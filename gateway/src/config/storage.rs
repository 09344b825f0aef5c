//! The stores, and Redis for hints between gateways.

use std::{fmt, net::SocketAddrV6, num::NonZeroU32, str::FromStr};

use serde::{Deserialize, Serialize, Serializer};

use super::{ClientTls, ScyllaTls, layers::Layers, list, serving::number, size};
use crate::secret::Secret;

const MIB: u64 = 1 << 20;
/// Smallest journal with which the embedded store opens.
const JOURNAL_BYTES_MIN: u64 = 64 * MIB;
/// Longest name of a keyspace in CQL.
const KEYSPACE_BYTES_MAX: usize = 48;

/// The kind of store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoreKind {
    /// A folder on this machine.
    Embedded,
    /// Memory, which is gone when the process ends.
    Memory,
    /// ScyllaDB or Cassandra, shared by any number of gateways.
    Scylla,
}

/// Sizes of the embedded store, in bytes.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Embedded {
    /// Memory for blocks read from disk.
    #[serde(with = "size")]
    pub cache: u64,
    /// Size of the journal from which its oldest part is flushed.
    #[serde(with = "size")]
    pub journal: u64,
    /// Free disk space below which writes are refused.
    #[serde(with = "size")]
    pub reserve: u64,
}

impl Default for Embedded {
    fn default() -> Self {
        Self { cache: 64 * MIB, journal: 256 * MIB, reserve: 512 * MIB }
    }
}

impl Embedded {
    pub(super) fn check(&self, layers: &mut Layers) {
        if self.journal < JOURNAL_BYTES_MIN {
            layers
                .refuse("embedded.journal", &format!("at least {}", size::text(JOURNAL_BYTES_MIN)));
        }
    }
}

/// The ScyllaDB or Cassandra cluster.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Scylla {
    /// Some of its nodes, as `host:port`.
    #[serde(with = "list")]
    pub nodes: Vec<String>,
    /// The keyspace.
    pub keyspace: String,
    /// Copies of each row.
    pub replication: NonZeroU32,
    /// This gateway's datacenter. Required if the cluster has several.
    pub datacenter: Option<String>,
    /// User name, if the cluster requires authentication.
    pub user: Option<String>,
    /// Password of that user.
    #[serde(serialize_with = "masked")]
    pub password: Option<Secret>,
    /// Encryption of the connections.
    pub tls: ScyllaTls,
}

#[expect(clippy::ref_option, reason = "serde's signature")]
pub(super) fn masked<S: Serializer>(
    secret: &Option<Secret>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(|_| "***").serialize(serializer)
}

impl Default for Scylla {
    fn default() -> Self {
        Self {
            nodes: Vec::new(),
            keyspace: "confab".to_owned(),
            replication: number(3),
            datacenter: None,
            user: None,
            password: None,
            tls: ScyllaTls::default(),
        }
    }
}

impl Scylla {
    pub(super) fn check(&self, layers: &mut Layers) {
        if !self.nodes.iter().all(|node| is_node(node)) {
            layers.refuse("scylla.nodes", "expected nodes such as 127.0.0.1:9042");
        }
        let is_plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
        if self.keyspace.len() > KEYSPACE_BYTES_MAX
            || !self.keyspace.starts_with(|first: char| first.is_ascii_lowercase())
            || !self.keyspace.bytes().all(is_plain)
        {
            layers.refuse("scylla.keyspace", "expected 1 to 48 of a-z 0-9 _, a letter first");
        }
        self.tls.check(layers);
    }

    /// Checks what is only needed if the cluster is used.
    pub(super) fn check_connection(&self, layers: &mut Layers) {
        if self.nodes.is_empty() {
            layers.refuse("scylla.nodes", "required with store scylla");
        }
        // With only one of the two, the driver would connect without authentication.
        if self.user.is_some() && self.password.is_none() {
            layers.refuse("scylla.password", "required with scylla.user");
        }
        if self.password.is_some() && self.user.is_none() {
            layers.refuse("scylla.user", "required with scylla.password");
        }
    }
}

/// Returns true for a host and a port from 1.
fn is_node(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let is_port = port.bytes().all(|byte| byte.is_ascii_digit())
        && port.parse::<u16>().is_ok_and(|port| port > 0);
    let is_name = !host.is_empty()
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    is_port && (is_name || text.parse::<SocketAddrV6>().is_ok())
}

/// The Redis primaries.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Redis {
    /// Independent primaries. Without any, this gateway is the only one of its store.
    #[serde(with = "list")]
    pub urls: Vec<RedisUrl>,
    /// Encryption of the connections to `rediss://`.
    pub tls: ClientTls,
}

impl Redis {
    pub(super) fn check(&self, layers: &mut Layers) {
        let is_used = self.urls.iter().any(|url| url.expose().starts_with("rediss://"));
        self.tls.check(layers, "redis", "rediss://", is_used);
    }
}

/// The address of a Redis primary. Its `Debug` and `Display` hide the user and the password.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl(String);

impl RedisUrl {
    /// Returns the whole address, to connect with.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for RedisUrl {
    type Err = InvalidRedisUrl;

    fn from_str(text: &str) -> Result<Self, InvalidRedisUrl> {
        let schemes = ["redis://", "rediss://", "unix://"];
        let has_scheme = schemes.iter().any(|scheme| text.starts_with(scheme));
        if has_scheme { Ok(Self(text.to_owned())) } else { Err(InvalidRedisUrl) }
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = self.0.split_once("://").unwrap_or(("redis", &self.0));
        match rest.rsplit_once('@') {
            Some((_, host)) => write!(f, "{scheme}://***@{host}"),
            None => f.write_str(&self.0),
        }
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The error for a text that is not the address of a Redis primary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an address: expected redis://, rediss:// or unix://")]
pub struct InvalidRedisUrl;
