//! A bucket for uploaded files, in a storage that speaks S3's protocol.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::super::{layers::Layers, search::is_server, storage::masked};
use crate::secret::Secret;

/// Longest beginning of the names of objects.
const PREFIX_BYTES_MAX: usize = 64;

/// A bucket for uploaded files. Used if `endpoint` is set.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct S3 {
    /// The address of the storage.
    pub endpoint: Option<String>,
    /// The bucket, which must exist.
    pub bucket: Option<String>,
    /// The region of the bucket.
    pub region: String,
    /// The public part of the credentials.
    pub access_key: Option<String>,
    /// The secret part of the credentials.
    #[serde(serialize_with = "masked")]
    pub secret_key: Option<Secret>,
    /// The beginning of all names of objects.
    pub prefix: Option<String>,
    /// Authorities that may sign the storage's certificate. Without it, those that this machine trusts.
    pub ca: Option<PathBuf>,
}

impl Default for S3 {
    fn default() -> Self {
        Self {
            endpoint: None,
            bucket: None,
            region: "us-east-1".to_owned(),
            access_key: None,
            secret_key: None,
            prefix: None,
            ca: None,
        }
    }
}

impl S3 {
    pub(super) fn check(&self, layers: &mut Layers) {
        self.check_presence(layers);
        if self.endpoint.as_ref().is_some_and(|endpoint| !is_server(endpoint)) {
            let why = "expected http://host:port or https://host:port, without a user and a path";
            layers.refuse("attachments.s3.endpoint", why);
        }
        let is_secure = self.endpoint.as_ref().is_none_or(|url| url.starts_with("https://"));
        if self.ca.is_some() && !is_secure {
            layers.refuse("attachments.s3.ca", "attachments.s3.endpoint is not https://");
        }
        if self.bucket.as_ref().is_some_and(|bucket| !is_bucket(bucket)) {
            layers.refuse("attachments.s3.bucket", "expected 3 to 63 of a-z 0-9 . -");
        }
        if self.prefix.as_ref().is_some_and(|prefix| !is_prefix(prefix)) {
            let why = "expected 1 to 64 of a-z A-Z 0-9 _ - /, without a slash at its ends";
            layers.refuse("attachments.s3.prefix", why);
        }
    }

    /// The address, the bucket and the credentials are all set, or none of them.
    fn check_presence(&self, layers: &mut Layers) {
        let parts = [
            ("attachments.s3.endpoint", self.endpoint.is_some()),
            ("attachments.s3.bucket", self.bucket.is_some()),
            ("attachments.s3.access_key", self.access_key.is_some()),
            ("attachments.s3.secret_key", self.secret_key.is_some()),
        ];
        let Some((used, _)) = parts.iter().find(|(_, is_set)| *is_set) else { return };
        for (name, _) in parts.iter().filter(|(_, is_set)| !is_set) {
            layers.refuse(name, &format!("required with {used}"));
        }
    }
}

fn is_bucket(name: &str) -> bool {
    let is_plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-');
    (3..=63).contains(&name.len()) && name.bytes().all(is_plain)
}

fn is_prefix(prefix: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'/');
    let is_name = |part: &str| !part.is_empty() && part.bytes().all(is_plain);
    prefix.len() <= PREFIX_BYTES_MAX && prefix.split('/').all(is_name)
}
