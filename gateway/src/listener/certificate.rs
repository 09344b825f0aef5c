//! The certificate of the public listener, which is read again when its files change.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
};
use sha2::{Digest, Sha256};
use tokio::{
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};

/// How often the files are compared with what was read.
const COMPARE_EVERY: Duration = Duration::from_secs(10);

/// The protocols that clients may choose, the preferred one first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// The files are not usable.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("{path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is not PEM, or has something else in it.
    #[error("{path}: {source}")]
    NotPem {
        /// The file.
        path: PathBuf,
        /// Why.
        source: pem::Error,
    },
    /// The certificate is not usable, or does not belong to the key.
    #[error("{path}: {source}")]
    Unusable {
        /// The file of the certificate.
        path: PathBuf,
        /// Why.
        source: rustls::Error,
    },
}

/// The certificate in force. Connections keep the one with which they began.
#[derive(Debug)]
pub struct Certificate {
    paths: Paths,
    state: Mutex<State>,
}

#[derive(Debug, Clone)]
struct Paths {
    certificate: PathBuf,
    key: PathBuf,
}

#[derive(Debug)]
struct State {
    config: Arc<ServerConfig>,
    /// Hash of what was read last, usable or not.
    last_read: [u8; 32],
}

/// What the files contain.
struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Certificate {
    /// Reads the files.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, CertificateError> {
        let paths = Paths { certificate: certificate.to_owned(), key: key.to_owned() };
        let contents = Contents::read(&paths)?;
        let state = State { config: contents.config(&paths)?, last_read: contents.hash() };
        Ok(Self { paths, state: Mutex::new(state) })
    }

    /// Returns the configuration for a new connection.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.state.lock().config)
    }

    /// Reads the files again if they have changed. Files that are not usable change nothing. They
    /// may be half-written, so they are tried again once they have changed again.
    pub async fn reload(self: &Arc<Self>) {
        let this = Arc::clone(self);
        if let Err(error) = spawn_blocking(move || this.reload_blocking()).await {
            tracing::error!(%error, "reading the certificate ended in a panic");
        }
    }

    fn reload_blocking(&self) {
        match self.try_reload() {
            Ok(true) => tracing::info!("the certificate was replaced"),
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(%error, "the old certificate stays: the new one is unusable");
            }
        }
    }

    /// Returns true if the certificate was replaced.
    fn try_reload(&self) -> Result<bool, CertificateError> {
        let contents = Contents::read(&self.paths)?;
        let hash = contents.hash();
        if std::mem::replace(&mut self.state.lock().last_read, hash) == hash {
            return Ok(false);
        }
        let config = contents.config(&self.paths)?;
        self.state.lock().config = config;
        Ok(true)
    }

    /// Follows changes of the files, forever.
    pub async fn follow(self: Arc<Self>) {
        let mut ticks = interval(COMPARE_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.reload().await;
        }
    }
}

impl Contents {
    fn read(paths: &Paths) -> Result<Self, CertificateError> {
        let read = |path: &PathBuf| {
            let unreadable = |source| CertificateError::Unreadable { path: path.clone(), source };
            fs::read(path).map_err(unreadable)
        };
        Ok(Self { certificate: read(&paths.certificate)?, key: read(&paths.key)? })
    }

    fn hash(&self) -> [u8; 32] {
        let lengths = (self.certificate.len() as u64).to_le_bytes();
        let hash = Sha256::new().chain_update(lengths).chain_update(&self.certificate);
        hash.chain_update(&self.key).finalize().into()
    }

    fn config(&self, paths: &Paths) -> Result<Arc<ServerConfig>, CertificateError> {
        let Paths { certificate, key } = paths;
        let not_pem =
            |path: &Path, source| CertificateError::NotPem { path: path.to_owned(), source };
        let chain = CertificateDer::pem_slice_iter(&self.certificate)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| not_pem(certificate, error))?;
        let private =
            PrivateKeyDer::from_pem_slice(&self.key).map_err(|error| not_pem(key, error))?;
        let unusable = |source| CertificateError::Unusable { path: certificate.clone(), source };
        let mut config = ServerConfig::builder_with_provider(aws_lc_rs::default_provider().into())
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_no_client_auth()
            .with_single_cert(chain, private)
            .map_err(unusable)?;
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        config.ignore_client_order = true;
        // Clients that come back resume without memory here.
        config.ticketer = aws_lc_rs::Ticketer::new().map_err(unusable)?;
        Ok(Arc::new(config))
    }
}
