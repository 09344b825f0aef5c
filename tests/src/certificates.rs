//! Certificates of a test, in PEM files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use parking_lot::Mutex;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::CertificateDer;
use tempfile::TempDir;

/// The certificates of all authorities of this process.
static TRUSTED: Mutex<Vec<CertificateDer<'static>>> = Mutex::new(Vec::new());

/// Returns the authorities that clients of this process trust: all that it has made.
pub fn trusted() -> Vec<CertificateDer<'static>> {
    TRUSTED.lock().clone()
}

/// An authority, and certificates that it has signed.
#[derive(Debug)]
pub struct Authority {
    folder: TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// The files of a certificate and of its key.
#[derive(Debug, Clone)]
pub struct CertificateFiles {
    /// The certificate.
    pub certificate: PathBuf,
    /// The key.
    pub key: PathBuf,
}

impl Authority {
    /// Makes an authority with a certificate of its own.
    pub fn new() -> Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        // By default it is the name of each certificate, which OpenSSL takes for self-signed then.
        params.distinguished_name.push(DnType::CommonName, "authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let authority = Self { folder: TempDir::with_prefix("confab-certificates-")?, issuer };
        fs::write(authority.ca(), authority.issuer.pem())?;
        TRUSTED.lock().push(authority.issuer.der().clone());
        Ok(authority)
    }

    /// Returns the file with the authority's own certificate.
    pub fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Signs a certificate for this host. A later one for the same host replaces its files.
    pub fn sign(&self, host: &str) -> Result<CertificateFiles> {
        let key = KeyPair::generate()?;
        let params = CertificateParams::new(vec![host.to_owned()])?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let path = |end: &str| self.folder.path().join(format!("{host}.{end}"));
        let files = CertificateFiles { certificate: path("pem"), key: path("key") };
        fs::write(&files.certificate, certificate.pem())?;
        fs::write(&files.key, key.serialize_pem())?;
        Ok(files)
    }
}

/// Returns the path as text, for a command or a setting.
pub fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is not text")
}
