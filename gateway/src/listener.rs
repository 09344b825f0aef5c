//! The accept loop: TCP connections in, HTTP/1.1 and HTTP/2 requests out to a router.
//!
//! In reading order: [`Network`] and [`peer`](self::peer) say who is at the other end, [`places`]
//! bounds how many there may be, [`socket`] is a connection that knows when it was last used, and
//! [`connection`] serves one. What holds: a connection that sends no whole request head in time ends;
//! one that is idle ends later; one that is upgraded belongs to whoever upgraded it, and keeps its
//! place until it is dropped.

mod connection;
mod network;
mod peer;
mod places;
mod socket;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use self::{
    network::{InvalidNetwork, Network, share_of},
    peer::Peer,
    places::{Place, Places},
    socket::Socket,
};

/// From its beginning (or, later, from its first byte) until a request's head is whole.
pub const HEAD_WAIT_MAX: Duration = Duration::from_secs(10);
/// Between two requests.
pub const IDLE_MAX: Duration = Duration::from_secs(75);
/// How long the other side may take to read our end, and to end its own.
const LINGER_MAX: Duration = Duration::from_secs(2);
/// Bytes that may come in that time.
const LINGER_BYTES_MAX: usize = 4 << 20;
/// Bytes of a request's head.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Requests in progress on an HTTP/2 connection.
pub const STREAMS_MAX: u32 = 64;
/// Pause after an `accept` that failed for want of something, doubled up to the maximum.
const ACCEPT_PAUSE_MIN: Duration = Duration::from_millis(10);
const ACCEPT_PAUSE_MAX: Duration = Duration::from_secs(1);

/// A bound listener and what it serves.
#[derive(Debug)]
pub struct Listener {
    tcp: TcpListener,
    router: Router,
    places: Arc<Places>,
}

impl Listener {
    /// Serves this router on a socket that is bound.
    pub const fn new(tcp: TcpListener, router: Router, places: Arc<Places>) -> Self {
        Self { tcp, router, places }
    }

    /// Takes connections until `drain`; those that are there then end after the request in
    /// progress. They run on `tasks`.
    pub async fn serve(self, tasks: TaskTracker, drain: CancellationToken) {
        let mut pause = ACCEPT_PAUSE_MIN;
        while let Some(accepted) = drain.run_until_cancelled(self.tcp.accept()).await {
            match accepted {
                Ok((stream, address)) => {
                    pause = ACCEPT_PAUSE_MIN;
                    self.take(stream, address, &tasks, &drain);
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, pause_ms = crate::protocol::millis(pause), "accept failed");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(ACCEPT_PAUSE_MAX);
                }
            }
        }
    }

    fn take(
        &self,
        stream: TcpStream,
        address: SocketAddr,
        tasks: &TaskTracker,
        drain: &CancellationToken,
    ) {
        let Some(place) = self.places.take(address.ip()) else { return };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "connection ended at once");
            return;
        }
        let socket = Socket::new(stream, place);
        let router = self.router.clone();
        let (proxies, drain) = (self.places.proxies(), drain.clone());
        let owner = tasks.clone();
        tasks.spawn(connection::serve(socket, address.ip(), proxies, router, owner, drain));
    }
}

/// An error of the connection that was to be accepted, not of accepting.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind as E;
    matches!(error.kind(), E::ConnectionAborted | E::ConnectionReset | E::ConnectionRefused)
}

#[cfg(test)]
mod tests;
