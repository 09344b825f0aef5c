//! Opening a connection: address, TCP_NODELAY, greeting in RESP3, all within one deadline.
//!
//! The connection is the `redis` crate's multiplexed one, without its manager, which gives up after
//! a few attempts, and without its tasks: the driver is a future that the owner of the connection
//! polls, and with which the connection ends.

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

/// How long connecting and greeting may take together.
const CONNECT_WITHIN: Duration = Duration::from_secs(1);

/// Why a connection was given up, or not made.
#[derive(Debug, thiserror::Error)]
pub(super) enum Doubt {
    /// The server cannot be reached.
    #[error("not reached: {0}")]
    Unreached(#[from] std::io::Error),
    /// The server, or its password, says no.
    #[error("{0}")]
    Refused(#[from] RedisError),
    /// No answer in time.
    #[error("no answer in time")]
    Silent,
    /// The server hung up.
    #[error("closed by the server")]
    Closed,
    /// What was published here was not heard here.
    #[error("probe not heard")]
    Unheard,
}

/// Where a primary is and how it is greeted.
#[derive(Clone)]
pub(super) struct Address {
    settings: ConnectionInfo,
}

/// An open connection.
pub(super) struct Line {
    pub(super) connection: MultiplexedConnection,
    /// Reads and writes; ends when the connection does.
    pub(super) driver: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Address {
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        let settings = url.into_connection_info().map_err(|error| error.to_string())?;
        if matches!(settings.addr(), ConnectionAddr::TcpTls { .. }) {
            return Err("TLS is not built in".to_owned());
        }
        let greeting = settings.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        Ok(Self { settings: settings.set_redis_settings(greeting) })
    }

    /// Connects; what the server pushes goes to `pushes`, which must not block.
    pub(super) async fn dial<F>(&self, pushes: F) -> Result<Line, Doubt>
    where
        F: Fn(PushInfo) -> Result<(), ()> + Send + Sync + 'static,
    {
        let config = AsyncConnectionConfig::new()
            .set_push_sender(pushes)
            .set_connection_timeout(None)
            .set_response_timeout(None);
        timeout(CONNECT_WITHIN, self.open(config)).await.unwrap_or(Err(Doubt::Silent))
    }

    async fn open(&self, config: AsyncConnectionConfig) -> Result<Line, Doubt> {
        match self.settings.addr() {
            ConnectionAddr::Unix(path) => {
                self.greet(UnixStream::connect(path).await?, config).await
            }
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
                let stream = TcpStream::connect((host.as_str(), *port)).await?;
                stream.set_nodelay(true)?;
                self.greet(stream, config).await
            }
            _ => Err(Doubt::Closed),
        }
    }

    async fn greet<S>(&self, stream: S, config: AsyncConnectionConfig) -> Result<Line, Doubt>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let settings = self.settings.redis_settings();
        let (connection, driver) =
            MultiplexedConnection::new_with_config(settings, stream, config).await?;
        Ok(Line { connection, driver: Box::pin(driver) })
    }
}

/// Without the password.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.settings.addr().fmt(f)
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
    fn address_is_shown_without_its_password() {
        let address = Address::parse("redis://someone:secret@cache.example:6380/2").unwrap();
        assert_eq!(address.to_string(), "cache.example:6380");
        assert_eq!(format!("{address:?}"), "Address(cache.example:6380)");
    }

    #[test]
    fn addresses_that_cannot_be_used_are_refused() {
        for url in ["", "nonsense", "http://host:1", "rediss://host:6379"] {
            assert!(Address::parse(url).is_err(), "{url}");
        }
    }
}
