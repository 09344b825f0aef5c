//! The accept loop: TCP connections in, with or without TLS, HTTP/1.1 and HTTP/2 requests out to a router.
//!
//! In reading order: [`Network`] and [`Peer`] identify the client, [`ConnectionLimiter`] bounds the
//! number of connections, [`Certificate`] and [`Stream`] are TLS, [`Socket`] records when a connection
//! was last used, and [`connection`] serves one. A connection that does not send a whole request head in time is closed. An idle one
//! is closed later. An upgraded one belongs to the code that upgraded it and keeps its permit until
//! it is dropped.

mod certificate;
mod connection;
mod limiter;
mod network;
mod peer;
mod socket;
mod stream;

use std::{io, sync::Arc, time::Duration};

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use self::{
    certificate::{Certificate, CertificateError},
    limiter::{ConnectionLimiter, ConnectionPermit},
    network::{InvalidNetwork, Network, limited_as},
    peer::Peer,
    socket::Socket,
    stream::Stream,
};
use crate::protocol::millis;

/// Time from the start of a connection, or from the first byte of a later request, until the
/// request's head is complete. TLS's handshake is part of it.
pub const HEAD_WAIT_MAX: Duration = Duration::from_secs(10);
/// Time between two requests on a connection.
pub const IDLE_MAX: Duration = Duration::from_secs(75);
/// Time that the client has to read our last answer and close its side.
const LINGER_MAX: Duration = Duration::from_secs(2);
/// Bytes that are read and discarded in that time.
const LINGER_BYTES_MAX: usize = 4 << 20;
/// Bytes of a request's head.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Requests in progress on one HTTP/2 connection.
pub const STREAMS_MAX: u32 = 32;
/// Bytes of one answer that wait in an HTTP/2 connection.
const STREAM_BYTES_MAX: usize = 16 * 1024;
/// Time in which a client must have read an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// Pause after the first failed `accept`. It doubles up to [`ACCEPT_PAUSE_MAX`].
const ACCEPT_PAUSE_MIN: Duration = Duration::from_millis(10);
/// Longest pause after a failed `accept`.
const ACCEPT_PAUSE_MAX: Duration = Duration::from_secs(1);

/// A bound listener and the router that it serves.
#[derive(Debug)]
pub struct Listener {
    tcp: TcpListener,
    router: Router,
    limiter: Arc<ConnectionLimiter>,
    certificate: Option<Arc<Certificate>>,
}

impl Listener {
    /// Serves this router on a bound socket.
    pub const fn new(tcp: TcpListener, router: Router, limiter: Arc<ConnectionLimiter>) -> Self {
        Self { tcp, router, limiter, certificate: None }
    }

    /// Accepts only TLS, with this certificate.
    #[must_use]
    pub fn with_tls(self, certificate: Option<Arc<Certificate>>) -> Self {
        Self { certificate, ..self }
    }

    /// Accepts connections until `drain` is cancelled. Connections that are open then end after the
    /// request in progress. They run on `tasks`.
    pub async fn serve(self, tasks: TaskTracker, drain: CancellationToken) {
        let mut pause = ACCEPT_PAUSE_MIN;
        while let Some(accepted) = drain.run_until_cancelled(self.tcp.accept()).await {
            let (stream, address) = match accepted {
                Ok(accepted) => accepted,
                Err(error) if is_of_one_connection(&error) => continue,
                Err(error) => {
                    tracing::warn!(%error, pause_ms = millis(pause), "accept failed");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(ACCEPT_PAUSE_MAX);
                    continue;
                }
            };
            pause = ACCEPT_PAUSE_MIN;
            let Some(permit) = self.limiter.acquire(address.ip()) else { continue };
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "connection closed before it was served");
                continue;
            }
            tasks.spawn(connection::serve(
                Socket::new(stream, permit),
                self.certificate.as_ref().map(|certificate| certificate.config()),
                address.ip(),
                self.limiter.proxies(),
                self.router.clone(),
                tasks.clone(),
                drain.clone(),
            ));
        }
    }
}

/// Returns true if the error belongs to the connection that was accepted, not to the listener.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind as E;
    matches!(error.kind(), E::ConnectionAborted | E::ConnectionReset | E::ConnectionRefused)
}

#[cfg(test)]
pub(crate) mod tests;
