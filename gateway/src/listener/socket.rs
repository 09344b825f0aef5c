//! A connection that knows when it was last used, and holds its place.
//!
//! It ends so that its last answer is read: closing a socket on which bytes are unread is a reset,
//! which takes from the client what it has not read yet.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep},
};

use super::{HEAD_WAIT_MAX, IDLE_MAX, LINGER_BYTES_MAX, LINGER_MAX, places::Place};

/// Bytes of HTTP/2's PING, which keeps no connection in use.
const PING_BYTES: usize = 17;
/// Bytes that are read at once of what nobody wants any more.
const LINGER_READ_BYTES: usize = 8 * 1024;

/// A TCP connection with its place. After an upgrade, `hyper_util::server::conn::auto::upgrade`'s
/// `downcast` to `TokioIo<Socket>` gives it back.
#[derive(Debug)]
pub struct Socket {
    stream: TcpStream,
    usage: Arc<Usage>,
    place: Place,
    /// Once our side has ended.
    lingering: Option<Box<Lingering>>,
}

/// Waits for the other side's end, and takes what still comes.
#[derive(Debug)]
struct Lingering {
    until: Pin<Box<Sleep>>,
    bytes_left: usize,
}

impl Lingering {
    fn new() -> Self {
        Self { until: Box::pin(sleep(LINGER_MAX)), bytes_left: LINGER_BYTES_MAX }
    }

    /// Ready when the other side has ended, or has had its time.
    fn poll(&mut self, stream: &mut TcpStream, cx: &mut Context<'_>) -> Poll<()> {
        let mut scratch = [0; LINGER_READ_BYTES];
        while self.bytes_left > 0 && self.until.as_mut().poll(cx).is_pending() {
            let mut taken = ReadBuf::new(&mut scratch);
            let read = ready!(Pin::new(&mut *stream).poll_read(cx, &mut taken));
            if read.is_err() || taken.filled().is_empty() {
                break;
            }
            self.bytes_left = self.bytes_left.saturating_sub(taken.filled().len());
        }
        Poll::Ready(())
    }
}

impl Socket {
    pub(super) fn new(stream: TcpStream, place: Place) -> Self {
        Self { stream, usage: Arc::new(Usage::new()), place, lingering: None }
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

    /// So many bytes of an answer were taken.
    fn written(&self, bytes: usize) {
        let mut state = self.lock();
        let is_use = match state.phase {
            // Another head may begin before the answer to the last one is taken.
            Phase::Idle | Phase::Head => bytes > 0,
            Phase::Streams => bytes > PING_BYTES,
            Phase::Beginning | Phase::Busy => false,
        };
        if is_use {
            state.since = Instant::now();
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

    /// Returns when the connection has waited too long. Looks from time to time, so that use costs
    /// no timer: what begins meanwhile has no deadline before the next look.
    pub(super) async fn expired(&self) {
        loop {
            let now = Instant::now();
            let next_look = now + HEAD_WAIT_MAX;
            match self.deadline() {
                Some(deadline) if deadline <= now => return,
                Some(deadline) => tokio::time::sleep_until(deadline.min(next_look)).await,
                None => tokio::time::sleep_until(next_look).await,
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

impl Socket {
    fn note_written(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = written {
            self.usage.written(bytes);
        }
        written
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.note_written(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.note_written(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { stream, lingering, .. } = self.get_mut();
        if lingering.is_none() {
            ready!(Pin::new(&mut *stream).poll_shutdown(cx))?;
        }
        let lingering = lingering.get_or_insert_with(|| Box::new(Lingering::new()));
        lingering.poll(stream, cx).map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn usage(http2: bool) -> Arc<Usage> {
        let usage = Arc::new(Usage::new());
        drop(usage.request(http2));
        usage
    }

    /// How many seconds it lives if so many bytes are written after some of them.
    async fn lifetime(usage: &Usage, after: u64, bytes: usize) -> u64 {
        let begun = Instant::now();
        let writing = async {
            sleep(Duration::from_secs(after)).await;
            usage.written(bytes);
        };
        tokio::join!(usage.expired(), writing);
        begun.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn connection_is_in_use_while_its_answer_is_taken() {
        assert_eq!(lifetime(&usage(false), 60, 1).await, IDLE_MAX.as_secs() + 60);
        assert_eq!(lifetime(&usage(true), 60, 1_000).await, IDLE_MAX.as_secs() + 60);
        let next = usage(false);
        next.read();
        assert_eq!(lifetime(&next, 5, 1).await, HEAD_WAIT_MAX.as_secs() + 5);
    }

    #[tokio::test(start_paused = true)]
    async fn pings_and_greetings_of_our_own_keep_no_connection() {
        assert_eq!(lifetime(&usage(true), 60, PING_BYTES).await, IDLE_MAX.as_secs());
        assert_eq!(lifetime(&Usage::new(), 5, 1_000).await, HEAD_WAIT_MAX.as_secs());
    }
}
