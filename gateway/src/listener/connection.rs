//! Serves one connection until it is closed.

use std::{convert::Infallible, net::IpAddr, pin::pin, sync::Arc};

use axum::{Router, body::Body};
use http::{Request, Version};
use hyper::{body::Incoming, rt::Executor, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use rustls::ServerConfig;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Service;

use super::{
    HEAD_BYTES_MAX, IDLE_MAX, Network, Peer, STREAM_BYTES_MAX, STREAMS_MAX,
    socket::{AnswerBody, Socket},
};

/// Bytes of a request's head on HTTP/2, counted as RFC 9113 counts them.
const HEAD_LIST_BYTES_MAX: u32 = 16 * 1024;

/// Runs the streams of HTTP/2 connections on the tasks that a drain waits for.
#[derive(Debug, Clone)]
struct StreamExecutor(TaskTracker);

impl<F> Executor<F> for StreamExecutor
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    fn execute(&self, stream: F) {
        self.0.spawn(stream);
    }
}

/// Serves requests until the client disconnects, waits too long, or the gateway drains.
pub(super) async fn serve(
    socket: Socket,
    tls: Option<Arc<ServerConfig>>,
    address: IpAddr,
    proxies: Arc<[Network]>,
    router: Router,
    tasks: TaskTracker,
    drain: CancellationToken,
) {
    let usage = socket.usage();
    let Some(socket) = secured(socket, tls, &drain).await else { return };
    let service = service_fn(|request: Request<Incoming>| {
        let in_progress = usage.request(request.version() == Version::HTTP_2);
        let peer = Peer::of(address, request.headers(), &proxies);
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        let mut router = router.clone();
        let usage = Arc::clone(&usage);
        async move {
            let response = router.call(request).await?;
            drop(in_progress);
            Ok::<_, Infallible>(response.map(|body| AnswerBody::new(body, &usage)))
        }
    });
    let builder = builder(tasks);
    let mut serving = pin!(builder.serve_connection_with_upgrades(TokioIo::new(socket), service));
    let mut expired = pin!(usage.expired());
    let mut draining = pin!(drain.cancelled());
    let mut is_draining = false;
    loop {
        // Cancel-safe: all three futures are pinned outside the loop.
        tokio::select! {
            biased;
            served = serving.as_mut() => {
                if let Err(error) = served {
                    tracing::debug!(%error, "connection failed");
                }
                return;
            }
            () = expired.as_mut() => return,
            () = draining.as_mut(), if !is_draining => {
                is_draining = true;
                serving.as_mut().graceful_shutdown();
            }
        }
    }
}

/// Does TLS's handshake if the listener has a certificate. Returns `None` if it fails, takes too long
/// or the gateway drains.
async fn secured(
    socket: Socket,
    tls: Option<Arc<ServerConfig>>,
    drain: &CancellationToken,
) -> Option<Socket> {
    let Some(config) = tls else { return Some(socket) };
    let usage = socket.usage();
    // Dropping a handshake drops its connection.
    tokio::select! {
        biased;
        accepted = socket.accept_tls(config) => match accepted {
            Ok(socket) => Some(socket),
            Err(error) => {
                tracing::debug!(%error, "TLS handshake failed");
                None
            }
        },
        () = usage.expired() => None,
        () = drain.cancelled() => None,
    }
}

/// Builds connections without hyper's own deadline for heads: [`Usage`](super::socket::Usage) has
/// one for heads and another for idle connections.
fn builder(tasks: TaskTracker) -> Builder<StreamExecutor> {
    let mut builder = Builder::new(StreamExecutor(tasks));
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_buf_size(HEAD_BYTES_MAX)
        .half_close(false);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(HEAD_LIST_BYTES_MAX)
        .max_concurrent_streams(STREAMS_MAX)
        .initial_stream_window_size(64 * 1024)
        .initial_connection_window_size(256 * 1024)
        .max_send_buf_size(STREAM_BYTES_MAX)
        .keep_alive_interval(IDLE_MAX / 3)
        .keep_alive_timeout(IDLE_MAX / 3);
    builder
}
