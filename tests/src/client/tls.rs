//! Connections with and without TLS. Clients trust every authority that the tests have made.

use std::{fmt::Debug, io, sync::Arc};

use anyhow::{Context, Result};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName},
    version::TLS13,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::certificates::trusted;

/// A connection to a gateway.
pub trait Connection: AsyncRead + AsyncWrite + Unpin + Send + Debug {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + Debug> Connection for S {}

/// Connects to an address that begins with `http://` or `https://`, and offers these protocols.
pub async fn connect(url: &str, protocols: &[&str]) -> io::Result<Box<dyn Connection>> {
    match url.strip_prefix("https://") {
        Some(authority) => Ok(Box::new(connect_tls(authority, protocols).await?)),
        None => Ok(Box::new(connect_tcp(url.trim_start_matches("http://")).await?)),
    }
}

/// Returns the certificate that a gateway with TLS presents to a new connection.
pub async fn presented_certificate(url: &str) -> Result<CertificateDer<'static>> {
    let stream = connect_tls(url.trim_start_matches("https://"), &[]).await?;
    let certificates = stream.get_ref().1.peer_certificates();
    certificates.and_then(|chain| chain.first()).cloned().context("no certificate")
}

pub(super) fn config(protocols: &[&str]) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(trusted());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .unwrap_or_else(|error| unreachable!("the provider has TLS 1.3: {error}"))
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    config
}

async fn connect_tcp(authority: &str) -> io::Result<TcpStream> {
    let tcp = TcpStream::connect(authority).await?;
    tcp.set_nodelay(true)?;
    Ok(tcp)
}

async fn connect_tls(authority: &str, protocols: &[&str]) -> io::Result<TlsStream<TcpStream>> {
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host).to_owned();
    let name = ServerName::try_from(host).map_err(io::Error::other)?;
    let connector = TlsConnector::from(Arc::new(config(protocols)));
    connector.connect(name, connect_tcp(authority).await?).await
}
