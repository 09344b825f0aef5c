//! A connection that records when it was last used and holds its permit.
//!
//! It lingers when it is closed, so that the client can read the last answer. Closing a socket with
//! unread bytes sends a reset, and a reset discards what the client has not read yet.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use parking_lot::Mutex;
use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep},
};

use super::{
    ANSWER_WITHIN, HEAD_WAIT_MAX, IDLE_MAX, LINGER_BYTES_MAX, LINGER_MAX, Stream,
    limiter::ConnectionPermit,
};

/// Bytes of HTTP/2's PING frame, which does not count as use of a connection.
const PING_BYTES: usize = 17;
/// Bytes of an answer that renew its deadline. Only answers that are longer, such as files, have several
/// deadlines.
const RENEWING_BYTES: usize = 1 << 20;
/// Bytes that are read at once while lingering.
const LINGER_READ_BYTES: usize = 8 * 1024;

/// A connection with its permit. After an upgrade, `downcast` of
/// `hyper_util::server::conn::auto::upgrade` to `TokioIo<Socket>` returns it.
#[derive(Debug)]
pub struct Socket {
    stream: Stream,
    usage: Arc<Usage>,
    permit: ConnectionPermit,
    /// Set when our side is closed.
    lingering: Option<Box<Lingering>>,
}

/// Waits until the client closes its side, and discards what it still sends.
#[derive(Debug)]
struct Lingering {
    until: Pin<Box<Sleep>>,
    bytes_left: usize,
}

impl Lingering {
    fn new() -> Self {
        Self { until: Box::pin(sleep(LINGER_MAX)), bytes_left: LINGER_BYTES_MAX }
    }

    /// Completes when the client has closed its side, sent too much, or used up its time.
    fn poll(&mut self, stream: &mut TcpStream, cx: &mut Context<'_>) -> Poll<()> {
        let mut scratch = [0; LINGER_READ_BYTES];
        while self.bytes_left > 0 && self.until.as_mut().poll(cx).is_pending() {
            let mut discarded = ReadBuf::new(&mut scratch);
            let read = ready!(Pin::new(&mut *stream).poll_read(cx, &mut discarded));
            if read.is_err() || discarded.filled().is_empty() {
                break;
            }
            self.bytes_left = self.bytes_left.saturating_sub(discarded.filled().len());
        }
        Poll::Ready(())
    }
}

impl Socket {
    pub(super) fn new(stream: TcpStream, permit: ConnectionPermit) -> Self {
        let stream = Stream::Plain(stream);
        Self { stream, usage: Arc::new(Usage::new()), permit, lingering: None }
    }

    /// Returns the connection after TLS's handshake. Its deadline has not moved.
    pub(super) async fn accept_tls(self, config: Arc<ServerConfig>) -> io::Result<Self> {
        let Self { stream, usage, permit, lingering } = self;
        let stream = match stream {
            Stream::Plain(tcp) => Stream::accept_tls(tcp, config).await?,
            Stream::Tls(_) => stream,
        };
        Ok(Self { stream, usage, permit, lingering })
    }

    pub(super) fn usage(&self) -> Arc<Usage> {
        Arc::clone(&self.usage)
    }

    /// Returns the stream and the permit, which must be kept as long as the stream.
    pub fn into_parts(self) -> (Stream, ConnectionPermit) {
        (self.stream, self.permit)
    }
}

/// When a connection was last used, and what it waits for.
#[derive(Debug)]
pub(super) struct Usage(Mutex<State>);

#[derive(Debug)]
struct State {
    phase: Phase,
    since: Instant,
    /// Requests in progress.
    requests: u32,
    /// When each answer that the client has not read completely began.
    answers: Vec<Instant>,
}

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The first request's head, since the connection was accepted.
    FirstHead,
    /// The rest of a later request's head, since its first byte.
    Head,
    /// The first byte of the next head, since the last answer.
    Idle,
    /// The next request on HTTP/2, since the last answer.
    Streams,
    /// The answer of a handler, which has no deadline here.
    Answer,
}

impl Usage {
    fn new() -> Self {
        Self(Mutex::new(State {
            phase: Phase::FirstHead,
            since: Instant::now(),
            requests: 0,
            answers: Vec::new(),
        }))
    }

    fn record_read(&self) {
        let mut state = self.0.lock();
        if state.phase == Phase::Idle {
            state.phase = Phase::Head;
            state.since = Instant::now();
        }
    }

    fn record_written(&self, bytes: usize) {
        let mut state = self.0.lock();
        let is_use = match state.phase {
            // The next head may start before the client has read the whole answer.
            Phase::Idle | Phase::Head => bytes > 0,
            Phase::Streams => bytes > PING_BYTES,
            Phase::FirstHead | Phase::Answer => false,
        };
        if is_use {
            state.since = Instant::now();
        }
    }

    /// Records a request. It is in progress until the returned guard is dropped.
    pub(super) fn request(self: &Arc<Self>, http2: bool) -> RequestGuard {
        let mut state = self.0.lock();
        state.phase = Phase::Answer;
        state.requests += 1;
        drop(state);
        RequestGuard { usage: Arc::clone(self), http2 }
    }

    fn record_answered(&self, http2: bool) {
        let mut state = self.0.lock();
        state.requests = state.requests.saturating_sub(1);
        if state.requests == 0 {
            // On HTTP/2, bytes between two requests may be other frames than a head.
            state.phase = if http2 { Phase::Streams } else { Phase::Idle };
            state.since = Instant::now();
        }
    }

    /// Returns when the connection expires, or `None` while only handlers are at work.
    fn deadline(&self) -> Option<Instant> {
        let state = self.0.lock();
        let next = match state.phase {
            Phase::FirstHead | Phase::Head => Some(state.since + HEAD_WAIT_MAX),
            Phase::Idle | Phase::Streams => Some(state.since + IDLE_MAX),
            Phase::Answer => None,
        };
        let unread = state.answers.iter().min().map(|began| *began + ANSWER_WITHIN);
        next.into_iter().chain(unread).min()
    }

    /// Completes when the connection has waited too long. It checks periodically, so that requests
    /// do not have to reset a timer. No wait that starts between two checks can expire before the
    /// second one.
    pub(super) async fn expired(&self) {
        loop {
            let now = Instant::now();
            let next_check = now + HEAD_WAIT_MAX;
            match self.deadline() {
                Some(deadline) if deadline <= now => return,
                Some(deadline) => tokio::time::sleep_until(deadline.min(next_check)).await,
                None => tokio::time::sleep_until(next_check).await,
            }
        }
    }
}

/// Guard that ends a request in progress when it is dropped.
#[derive(Debug)]
pub(super) struct RequestGuard {
    usage: Arc<Usage>,
    http2: bool,
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        self.usage.record_answered(self.http2);
    }
}

/// The body of an answer. A connection on which a client leaves one unread for too long is closed,
/// however often it reads a little.
#[derive(Debug)]
pub(super) struct AnswerBody {
    body: Body,
    usage: Arc<Usage>,
    began: Option<Instant>,
    /// Bytes passed on since then.
    sent: usize,
}

impl AnswerBody {
    pub(super) fn new(body: Body, usage: &Arc<Usage>) -> Self {
        let began = (!body.is_end_stream()).then(Instant::now);
        usage.0.lock().answers.extend(began);
        Self { body, usage: Arc::clone(usage), began, sent: 0 }
    }

    /// Gives a client that has taken this much of a long answer as much time for the rest.
    fn record_sent(&mut self, bytes: usize) {
        self.sent += bytes;
        if self.sent < RENEWING_BYTES {
            return;
        }
        self.sent = 0;
        let mut state = self.usage.0.lock();
        if let Some(began) = state.answers.iter_mut().find(|began| Some(**began) == self.began) {
            *began = Instant::now();
            self.began = Some(*began);
        }
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        let mut state = self.usage.0.lock();
        if let Some(index) = state.answers.iter().position(|began| Some(*began) == self.began) {
            state.answers.swap_remove(index);
        }
    }
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let Some(Ok(frame)) = &frame {
            self.record_sent(frame.data_ref().map_or(0, Bytes::len));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
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
            self.usage.record_read();
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
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        if let Poll::Ready(Ok(bytes)) = written {
            self.usage.record_written(bytes);
        }
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        if let Poll::Ready(Ok(bytes)) = written {
            self.usage.record_written(bytes);
        }
        written
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
        lingering.poll(stream.tcp(), cx).map(Ok)
    }
}

#[cfg(test)]
mod tests;
