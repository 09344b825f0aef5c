//! Opens connections to a primary: TCP with TCP_NODELAY, with or without TLS, or a Unix socket; then
//! the RESP3 handshake, all within one timeout.
//!
//! This uses the `redis` crate's multiplexed connection without its connection manager, which gives
//! up after a few attempts, and without its tasks. The driver is a future that the owner of the
//! connection polls. The connection ends with it.

use std::{fmt, future::Future, io, pin::Pin, sync::Arc, time::Duration};

use redis::{
    AsyncConnectionConfig, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion,
    PushInfo, RedisError, aio::MultiplexedConnection,
};
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// The timeout of connecting and the handshake together.
const CONNECT_WITHIN: Duration = Duration::from_secs(1);

/// Why a connection could not be opened, or was closed.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectionError {
    #[error("cannot connect: {0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Redis(#[from] RedisError),
    #[error("no answer in time")]
    Timeout,
    #[error("closed by the server")]
    Closed,
    #[error("probe not received")]
    ProbeLost,
}

/// The scheme of addresses with TLS.
pub(super) const TLS_SCHEME: &str = "rediss://";

/// The address of a primary, and the credentials for it. `Display` and `Debug` omit the password.
#[derive(Clone)]
pub(super) struct Address {
    info: ConnectionInfo,
    tls: Option<Tls>,
}

#[derive(Clone)]
struct Tls {
    connector: TlsConnector,
    /// The name that the primary's certificate must have.
    server_name: ServerName<'static>,
}

pub(super) struct OpenConnection {
    pub(super) connection: MultiplexedConnection,
    /// Reads and writes. Completes when the connection is closed.
    pub(super) driver: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Address {
    /// Parses an address. One that begins with [`TLS_SCHEME`] needs a configuration of TLS.
    pub(super) fn parse(url: &str, tls: Option<&Arc<ClientConfig>>) -> Result<Self, String> {
        // The `redis` crate cannot open connections with TLS as it is built here, nor parse their
        // addresses.
        let (plain_url, tls) = match (url.strip_prefix(TLS_SCHEME), tls) {
            (None, _) => (url.to_owned(), None),
            (Some(rest), Some(config)) => (format!("redis://{rest}"), Some(config)),
            (Some(_), None) => return Err("TLS is not configured".to_owned()),
        };
        if plain_url.contains('#') {
            return Err("a fragment (#) is not supported".to_owned());
        }
        let info = plain_url.into_connection_info().map_err(|error| error.to_string())?;
        let tls = tls.map(|config| Tls::new(config, info.addr())).transpose()?;
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        Ok(Self { info: info.set_redis_settings(settings), tls })
    }

    /// Opens a connection. Messages that the server pushes go to `on_push`, which must not block.
    pub(super) async fn connect<F>(&self, on_push: F) -> Result<OpenConnection, ConnectionError>
    where
        F: Fn(PushInfo) -> Result<(), ()> + Send + Sync + 'static,
    {
        let config = AsyncConnectionConfig::new()
            .set_push_sender(on_push)
            .set_connection_timeout(None)
            .set_response_timeout(None);
        let open = async {
            match self.info.addr() {
                ConnectionAddr::Unix(path) => {
                    self.handshake(UnixStream::connect(path).await?, config).await
                }
                ConnectionAddr::Tcp(host, port) => {
                    let stream = TcpStream::connect((host.as_str(), *port)).await?;
                    stream.set_nodelay(true)?;
                    match &self.tls {
                        None => self.handshake(stream, config).await,
                        Some(tls) => self.handshake(tls.connect(stream).await?, config).await,
                    }
                }
                ConnectionAddr::TcpTls { .. } | _ => Err(ConnectionError::Closed),
            }
        };
        timeout(CONNECT_WITHIN, open).await.unwrap_or(Err(ConnectionError::Timeout))
    }

    async fn handshake<S>(
        &self,
        stream: S,
        config: AsyncConnectionConfig,
    ) -> Result<OpenConnection, ConnectionError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let settings = self.info.redis_settings();
        let (connection, driver) =
            MultiplexedConnection::new_with_config(settings, stream, config).await?;
        Ok(OpenConnection { connection, driver: Box::pin(driver) })
    }
}

impl Tls {
    fn new(config: &Arc<ClientConfig>, address: &ConnectionAddr) -> Result<Self, String> {
        let ConnectionAddr::Tcp(host, _) = address else {
            return Err("TLS needs a host".to_owned());
        };
        let server_name = ServerName::try_from(host.clone()).map_err(|error| error.to_string())?;
        Ok(Self { connector: TlsConnector::from(Arc::clone(config)), server_name })
    }

    async fn connect(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.connector.connect(self.server_name.clone(), stream).await
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.info.addr().fmt(f)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

#[cfg(test)]
mod tests {
    use rustls::RootCertStore;

    use super::*;

    fn tls() -> Arc<ClientConfig> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let builder = builder.with_root_certificates(RootCertStore::empty());
        Arc::new(builder.with_no_client_auth())
    }

    #[test]
    fn address_is_displayed_without_its_password() {
        for scheme in ["redis", "rediss"] {
            let url = format!("{scheme}://someone:secret@cache.example:6380/2");
            let address = Address::parse(&url, Some(&tls())).unwrap();
            assert_eq!(address.to_string(), "cache.example:6380");
            assert_eq!(format!("{address:?}"), "Address(cache.example:6380)");
        }
    }

    #[test]
    fn parse_fails_when_the_address_is_not_usable() {
        for url in ["", "nonsense", "http://host:1", "rediss://", "rediss://host:6379#insecure"] {
            assert!(Address::parse(url, Some(&tls())).is_err(), "{url}");
        }
        assert!(Address::parse("rediss://host:6379", None).is_err());
    }

    #[test]
    fn server_name_is_the_host_of_the_address() {
        for (url, name) in [
            ("rediss://cache.example:6380/2", Some("cache.example")),
            ("rediss://[::1]:6380", Some("::1")),
            ("rediss://:secret@127.0.0.1", Some("127.0.0.1")),
            ("redis://cache.example", None),
        ] {
            let address = Address::parse(url, Some(&tls())).unwrap();
            let server_name = address.tls.map(|tls| tls.server_name.to_str().into_owned());
            assert_eq!(server_name.as_deref(), name, "{url}");
        }
    }
}
