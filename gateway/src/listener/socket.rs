//! A connection that knows when it was last used, and holds its place.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::Instant,
};

use super::{HEAD_WAIT_MAX, IDLE_MAX, places::Place};

/// A TCP connection with its place. After an upgrade, `hyper_util::server::conn::auto::upgrade`'s
/// `downcast` to `TokioIo<Socket>` gives it back.
#[derive(Debug)]
pub struct Socket {
    stream: TcpStream,
    usage: Arc<Usage>,
    place: Place,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, place: Place) -> Self {
        Self { stream, usage: Arc::new(Usage::new()), place }
    }

    pub(super) fn usage(&self) -> Arc<Usage> {
        Arc::clone(&self.usage)
    }

    /// The connection alone, for whoever writes to it directly.
    pub const fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// The connection, and the place that it keeps as long as it lives.
    pub fn into_parts(self) -> (TcpStream, Place) {
        (self.stream, self.place)
    }
}

/// When a connection was last used, and for what.
#[derive(Debug)]
pub(super) struct Usage(Mutex<State>);

#[derive(Debug)]
struct State {
    phase: Phase,
    since: Instant,
    /// Requests in progress.
    requests: u32,
}

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The first head, since the beginning.
    Beginning,
    /// The rest of another head, since its first byte.
    Head,
    /// The first byte of another head, since the last answer.
    Idle,
    /// Another request on HTTP/2, since the last answer.
    Streams,
    /// Our answer.
    Busy,
}

impl Usage {
    fn new() -> Self {
        Self(Mutex::new(State { phase: Phase::Beginning, since: Instant::now(), requests: 0 }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes have come.
    fn read(&self) {
        let mut state = self.lock();
        if state.phase == Phase::Idle {
            (state.phase, state.since) = (Phase::Head, Instant::now());
        }
    }

    /// A request begins; its end is the returned value's.
    pub(super) fn request(self: &Arc<Self>, http2: bool) -> Request {
        let mut state = self.lock();
        state.phase = Phase::Busy;
        state.requests += 1;
        drop(state);
        Request { usage: Arc::clone(self), http2 }
    }

    fn answered(&self, http2: bool) {
        let mut state = self.lock();
        state.requests = state.requests.saturating_sub(1);
        if state.requests == 0 {
            // HTTP/2 sends other frames between requests: they are no beginning of a head.
            state.phase = if http2 { Phase::Streams } else { Phase::Idle };
            state.since = Instant::now();
        }
    }

    /// When the connection is to end if nothing changes; `None` while a request is in progress.
    fn deadline(&self) -> Option<Instant> {
        let state = self.lock();
        match state.phase {
            Phase::Beginning | Phase::Head => Some(state.since + HEAD_WAIT_MAX),
            Phase::Idle | Phase::Streams => Some(state.since + IDLE_MAX),
            Phase::Busy => None,
        }
    }

    /// Returns when the connection has waited too long. Looks again at each deadline, so that use
    /// costs no timer.
    pub(super) async fn expired(&self) {
        loop {
            match self.deadline() {
                Some(deadline) if deadline <= Instant::now() => return,
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => tokio::time::sleep(HEAD_WAIT_MAX).await,
            }
        }
    }
}

/// A request in progress.
#[derive(Debug)]
pub(super) struct Request {
    usage: Arc<Usage>,
    http2: bool,
}

impl Drop for Request {
    fn drop(&mut self) {
        self.usage.answered(self.http2);
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.usage.read();
        }
        polled
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
