//! Opens connections to a primary: TCP with TCP_NODELAY or a Unix socket, then the RESP3 handshake,
//! all within one timeout.
//!
//! This uses the `redis` crate's multiplexed connection without its connection manager, which gives
//! up after a few attempts, and without its tasks. The driver is a future that the owner of the
//! connection polls. The connection ends with it.

use std::{fmt, future::Future, pin::Pin, time::Duration};

use redis::{
    AsyncConnectionConfig, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion,
    PushInfo, RedisError, aio::MultiplexedConnection,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
    time::timeout,
};

/// The timeout of connecting and the handshake together.
const CONNECT_WITHIN: Duration = Duration::from_secs(1);

/// Why a connection could not be opened, or was closed.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectionError {
    #[error("cannot connect: {0}")]
    Io(#[from] std::io::Error),
    #[error("{0}")]
    Redis(#[from] RedisError),
    #[error("no answer in time")]
    Timeout,
    #[error("closed by the server")]
    Closed,
    #[error("probe not received")]
    ProbeLost,
}

/// The address of a primary, and the credentials for it. `Display` and `Debug` omit the password.
#[derive(Clone)]
pub(super) struct Address(ConnectionInfo);

pub(super) struct OpenConnection {
    pub(super) connection: MultiplexedConnection,
    /// Reads and writes. Completes when the connection is closed.
    pub(super) driver: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Address {
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        let info = url.into_connection_info().map_err(|error| error.to_string())?;
        if matches!(info.addr(), ConnectionAddr::TcpTls { .. }) {
            return Err("TLS is not built in".to_owned());
        }
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        Ok(Self(info.set_redis_settings(settings)))
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
            match self.0.addr() {
                ConnectionAddr::Unix(path) => {
                    self.handshake(UnixStream::connect(path).await?, config).await
                }
                ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
                    let stream = TcpStream::connect((host.as_str(), *port)).await?;
                    stream.set_nodelay(true)?;
                    self.handshake(stream, config).await
                }
                _ => Err(ConnectionError::Closed),
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
        let settings = self.0.redis_settings();
        let (connection, driver) =
            MultiplexedConnection::new_with_config(settings, stream, config).await?;
        Ok(OpenConnection { connection, driver: Box::pin(driver) })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.addr().fmt(f)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_is_displayed_without_its_password() {
        let address = Address::parse("redis://someone:secret@cache.example:6380/2").unwrap();
        assert_eq!(address.to_string(), "cache.example:6380");
        assert_eq!(format!("{address:?}"), "Address(cache.example:6380)");
    }

    #[test]
    fn parse_fails_when_the_address_is_not_usable() {
        for url in ["", "nonsense", "http://host:1", "rediss://host:6379"] {
            assert!(Address::parse(url).is_err(), "{url}");
        }
    }
}
