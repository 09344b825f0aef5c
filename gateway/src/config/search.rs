//! The search engine of a fleet.

use std::{fmt, str::FromStr};

use http::Uri;
use serde::{Deserialize, Serialize};

use super::{ClientTls, layers::Layers, list, storage::masked};
use crate::secret::Secret;

/// Longest beginning of the names of indexes.
const PREFIX_BYTES_MAX: usize = 48;

/// The search engine: OpenSearch, or a server with the same HTTP API.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Search {
    /// Some of its nodes. Without any, store `scylla` has no search.
    #[serde(with = "list")]
    pub urls: Vec<SearchUrl>,
    /// User name, if the engine requires authentication.
    pub user: Option<String>,
    /// Password of that user.
    #[serde(serialize_with = "masked")]
    pub password: Option<Secret>,
    /// The beginning of the names of the indexes, the same on all gateways.
    pub prefix: String,
    /// Files for addresses that begin with `https://`.
    pub tls: ClientTls,
}

impl Default for Search {
    fn default() -> Self {
        Self {
            urls: Vec::new(),
            user: None,
            password: None,
            prefix: "confab".to_owned(),
            tls: ClientTls::default(),
        }
    }
}

impl Search {
    pub(super) fn check(&self, layers: &mut Layers, is_fleet: bool) {
        if !self.urls.is_empty() && !is_fleet {
            layers.refuse("search.urls", "only store scylla uses a search engine");
        }
        if self.user.is_some() && self.password.is_none() {
            layers.refuse("search.password", "required with search.user");
        }
        if self.password.is_some() && self.user.is_none() {
            layers.refuse("search.user", "required with search.password");
        }
        let is_encrypted = self.urls.iter().any(|url| url.0.starts_with("https://"));
        self.tls.check(layers, "search", "https://", is_encrypted);
        let is_plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
        if self.prefix.len() > PREFIX_BYTES_MAX
            || !self.prefix.starts_with(|first: char| first.is_ascii_lowercase())
            || !self.prefix.bytes().all(is_plain)
        {
            layers.refuse("search.prefix", "expected 1 to 48 of a-z 0-9 _ -, a letter first");
        }
    }
}

/// The address of a node of the search engine, without a user and a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchUrl(String);

impl FromStr for SearchUrl {
    type Err = InvalidSearchUrl;

    fn from_str(text: &str) -> Result<Self, InvalidSearchUrl> {
        if is_server(text) { Ok(Self(text.to_owned())) } else { Err(InvalidSearchUrl) }
    }
}

/// Returns true for the address of a server, without a user, a password and a path.
pub(super) fn is_server(text: &str) -> bool {
    let Ok(uri) = text.parse::<Uri>() else { return false };
    let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
    let has_host = uri.authority().is_some_and(|host| !host.as_str().contains('@'));
    let is_bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
    is_http && has_host && is_bare
}

impl fmt::Display for SearchUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The error for a text that is not the address of a search engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an address: expected http://host:port or https://host:port")]
pub struct InvalidSearchUrl;
