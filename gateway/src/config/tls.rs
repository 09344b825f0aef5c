//! Files for encrypted connections, all in PEM.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::layers::Layers;

/// TLS on the listener for clients.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ListenerTls {
    /// Certificate for clients. Without it, the listener has no TLS.
    pub certificate: Option<PathBuf>,
    /// Key of that certificate.
    pub key: Option<PathBuf>,
}

impl ListenerTls {
    pub(super) fn check(&self, layers: &mut Layers) {
        check_pair(layers, "tls", self.certificate.is_some(), self.key.is_some());
    }
}

/// TLS to the servers whose addresses ask for it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ClientTls {
    /// Authorities that may sign the servers' certificates. Without it, those that this machine
    /// trusts.
    pub ca: Option<PathBuf>,
    /// Certificate of this gateway.
    pub certificate: Option<PathBuf>,
    /// Key of that certificate.
    pub key: Option<PathBuf>,
}

impl ClientTls {
    /// Checks the files for the servers of a section, such as `redis`. They are unused unless one of its
    /// `urls` begins with `scheme`.
    pub(super) fn check(&self, layers: &mut Layers, section: &str, scheme: &str, is_used: bool) {
        let tls = format!("{section}.tls");
        check_pair(layers, &tls, self.certificate.is_some(), self.key.is_some());
        if self.ca.is_some() && !is_used {
            let unused = format!("no address in {section}.urls begins with {scheme}");
            layers.refuse(&format!("{tls}.ca"), &unused);
        }
    }
}

/// TLS to the ScyllaDB or Cassandra cluster.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ScyllaTls {
    /// False connects without TLS.
    pub enabled: bool,
    /// Authorities that may sign the nodes' certificates. Without it, those that this machine
    /// trusts.
    pub ca: Option<PathBuf>,
    /// Certificate of this gateway.
    pub certificate: Option<PathBuf>,
    /// Key of that certificate.
    pub key: Option<PathBuf>,
}

impl ScyllaTls {
    pub(super) fn check(&self, layers: &mut Layers) {
        check_pair(layers, "scylla.tls", self.certificate.is_some(), self.key.is_some());
        if self.ca.is_some() && !self.enabled {
            layers.refuse("scylla.tls.ca", "not used: scylla.tls.enabled is false");
        }
    }
}

/// Refuses a certificate without its key, and a key without its certificate.
fn check_pair(layers: &mut Layers, section: &str, has_certificate: bool, has_key: bool) {
    let (missing, present) = match (has_certificate, has_key) {
        (true, false) => ("key", "certificate"),
        (false, true) => ("certificate", "key"),
        (true, true) | (false, false) => return,
    };
    layers.refuse(&format!("{section}.{missing}"), &format!("required with {section}.{present}"));
}
