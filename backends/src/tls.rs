//! TLS to Redis, the CQL store, the search engine and the storage of files: which authorities are trusted, and the gateway's certificate.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::{
    ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
};

/// Files in PEM for connections to one kind of server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// Certificates of the authorities that may sign the server's certificate. Without it, those
    /// that this machine trusts.
    pub ca: Option<PathBuf>,
    /// The gateway's certificate, with its key, for servers that demand one.
    pub identity: Option<ClientIdentity>,
}

/// The files of a certificate and of its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientIdentity {
    /// The certificate, and those between it and the authority.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// The files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or is not PEM.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file has no certificate.
    #[error("{0}: no certificate in PEM")]
    NoCertificate(PathBuf),
    /// This machine trusts no authority.
    #[error("this machine trusts no certificate authority: install them, or name a file")]
    NoAuthority,
    /// A certificate or key is not usable.
    #[error("{path}: {source}")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rustls::Error,
    },
}

/// Reads the files. Connections check the server's certificate and its name.
pub(crate) fn client_config(files: &TlsFiles) -> Result<Arc<ClientConfig>, TlsError> {
    let roots = match &files.ca {
        Some(path) => read_authorities(path)?,
        None => authorities_of_this_machine()?,
    };
    let builder = builder()?.with_root_certificates(roots);
    let Some(ClientIdentity { certificate, key }) = &files.identity else {
        return Ok(Arc::new(builder.with_no_client_auth()));
    };
    let config = builder
        .with_client_auth_cert(read_certificates(certificate)?, read_key(key)?)
        .map_err(|source| TlsError::Unusable { path: certificate.clone(), source })?;
    Ok(Arc::new(config))
}

/// Returns what opens connections to servers with `http://` or `https://`. Reads the files only if some
/// address `is_encrypted`.
pub(crate) fn https_connector(
    files: &TlsFiles,
    is_encrypted: bool,
) -> Result<HttpsConnector<HttpConnector>, TlsError> {
    let config = if is_encrypted {
        (*client_config(files)?).clone()
    } else {
        builder()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth()
    };
    let connector = HttpsConnectorBuilder::new().with_tls_config(config);
    Ok(connector.https_or_http().enable_http1().build())
}

fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, TlsError> {
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|source| TlsError::Unusable { path: PathBuf::from("TLS"), source })
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn read_authorities(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in read_certificates(path)? {
        roots
            .add(certificate)
            .map_err(|source| TlsError::Unusable { path: path.to_owned(), source })?;
    }
    Ok(roots)
}

fn authorities_of_this_machine() -> Result<RootCertStore, TlsError> {
    let found = rustls_native_certs::load_native_certs();
    for error in found.errors {
        tracing::warn!(%error, "certificate authorities of this machine not read");
    }
    let mut roots = RootCertStore::empty();
    let (added, ignored) = roots.add_parsable_certificates(found.certs);
    tracing::debug!(added, ignored, "certificate authorities of this machine");
    if added == 0 { Err(TlsError::NoAuthority) } else { Ok(roots) }
}

fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bytes = read(path)?;
    let certificates = CertificateDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, _>>();
    let certificates = certificates.map_err(|error| not_pem(path, &error))?;
    if certificates.is_empty() {
        return Err(TlsError::NoCertificate(path.to_owned()));
    }
    Ok(certificates)
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(&read(path)?).map_err(|error| not_pem(path, &error))
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::File { path: path.to_owned(), source })
}

fn not_pem(path: &Path, error: &pem::Error) -> TlsError {
    TlsError::File { path: path.to_owned(), source: io::Error::other(error.to_string()) }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertifiedKey, generate_simple_self_signed};

    use super::*;

    #[test]
    fn unusable_file_is_named_in_the_error() {
        let folder = tempfile::tempdir().unwrap();
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let good = write("good.pem", &cert.pem());
        let good_key = write("good.key", &signing_key.serialize_pem());
        let empty = write("empty.pem", "");
        let other_key = write(
            "other.key",
            &generate_simple_self_signed(["x".to_owned()]).unwrap().signing_key.serialize_pem(),
        );
        let missing = folder.path().join("missing.pem");
        let config = |ca: &Path, certificate: &Path, key: &Path| {
            let identity =
                ClientIdentity { certificate: certificate.to_owned(), key: key.to_owned() };
            client_config(&TlsFiles { ca: Some(ca.to_owned()), identity: Some(identity) })
        };
        assert!(config(&good, &good, &good_key).is_ok());
        for (ca, certificate, key, named) in [
            (&missing, &good, &good_key, &missing),
            (&empty, &good, &good_key, &empty),
            (&good, &good_key, &good_key, &good_key),
            (&good, &good, &empty, &empty),
            (&good, &good, &good, &good),
            (&good, &good, &other_key, &good),
        ] {
            let error = config(ca, certificate, key).unwrap_err().to_string();
            assert!(error.starts_with(named.to_str().unwrap()), "{error}");
        }
    }
}
