//! Reading and writing frames on a socket's TCP stream.
//!
//! An idle socket holds no buffer: reading allocates one when there is something to read, and all
//! waiting frames are written by one system call.

use std::time::Duration;

use bytes::Bytes;
use tokio::{io::AsyncWriteExt, net::TcpStream, time::timeout};

use super::frame::{Decoder, Incoming, Violation, put_close, put_ping, put_pong, put_text};
use crate::metrics;

/// How long a client may read nothing while something waits for it.
const STALL_MAX: Duration = Duration::from_secs(20);
/// How long the client may take to read the close frame.
const LINGER: Duration = Duration::from_secs(2);
/// Bytes to read at once.
const READ_BYTES: usize = 4 * 1024;
/// Bytes of events to collect for one write.
const WRITE_BYTES: usize = 64 * 1024;

/// The close code and reason of a socket, or `None` if the client is gone.
pub(super) type End = Option<(u16, &'static str)>;

/// A stream with its buffers.
pub(super) struct Wire {
    stream: TcpStream,
    decoder: Decoder,
    /// The bytes of the next flush.
    out: Vec<u8>,
    /// How many frames of `out` are not counted yet.
    frames: usize,
}

impl Wire {
    /// Wraps a stream from which `first` was read already.
    pub(super) fn new(stream: TcpStream, first: &[u8]) -> Self {
        let mut decoder = Decoder::default();
        decoder.buffer().extend_from_slice(first);
        Self { stream, decoder, out: Vec::new(), frames: 0 }
    }

    /// Returns true if a message has begun and is not complete.
    pub(super) fn is_inside_message(&self) -> bool {
        self.decoder.is_inside()
    }

    /// Waits until there is something to read, and reads it. Cancel-safe.
    pub(super) async fn read(&mut self) -> Result<(), End> {
        loop {
            self.stream.readable().await.map_err(|_| None)?;
            let buffer = self.decoder.buffer();
            buffer.reserve(READ_BYTES);
            match self.stream.try_read_buf(buffer) {
                Ok(0) => return Err(None),
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    self.decoder.release();
                }
                Err(_) => return Err(None),
            }
        }
    }

    /// Returns the next complete message or control frame, or `None` if more must be read. Answers
    /// pings.
    pub(super) fn incoming(&mut self) -> Result<Option<Incoming>, End> {
        loop {
            match self.decoder.take() {
                Ok(Some(Incoming::Ping(payload))) => self.put(|out| put_pong(out, &payload)),
                Ok(None) => {
                    self.decoder.release();
                    return Ok(None);
                }
                Ok(other) => return Ok(other),
                Err(violation) => return Err(Some(close_for(violation))),
            }
        }
    }

    /// Writes all waiting frames. Fails with 4008 if the client reads nothing for a while. What was
    /// not written is kept, so that a frame is never cut off. Cancel-safe.
    pub(super) async fn flush(&mut self) -> Result<(), End> {
        let mut written = 0;
        while written < self.out.len() {
            match self.stream.try_write(&self.out[written..]) {
                Ok(more) => {
                    metrics::frames(std::mem::take(&mut self.frames), more);
                    written += more;
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    self.out.drain(..std::mem::take(&mut written));
                    let writable = Box::pin(timeout(STALL_MAX, self.stream.writable())).await;
                    writable.map_err(|_| Some((4008, "fell behind")))?.map_err(|_| None)?;
                }
                Err(_) => return Err(None),
            }
        }
        // Freed, not cleared: an idle socket holds no buffer.
        self.out = Vec::new();
        Ok(())
    }

    /// Writes events, many in one system call.
    pub(super) async fn events(&mut self, events: Vec<Bytes>) -> Result<(), End> {
        for event in events {
            self.event(&event);
            if self.out.len() >= WRITE_BYTES {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// Adds an event to the next write.
    pub(super) fn event(&mut self, event: &[u8]) {
        self.put(|out| put_text(out, event));
    }

    /// Adds a reply to the next write.
    pub(super) fn reply(&mut self, reply: &str) {
        self.put(|out| put_text(out, reply.as_bytes()));
    }

    /// Adds a ping to the next write.
    pub(super) fn ping(&mut self) {
        self.put(put_ping);
    }

    fn put(&mut self, frame: impl FnOnce(&mut Vec<u8>)) {
        frame(&mut self.out);
        self.frames += 1;
    }

    /// Writes a close frame after everything else, and gives the client time to read it before the
    /// connection is dropped.
    pub(super) async fn close(&mut self, code: u16, reason: &str) {
        self.put(|out| put_close(out, code, reason));
        drop(Box::pin(timeout(LINGER, self.finish())).await);
    }

    /// Shuts the writing side down, and reads until the client has shut down its own.
    async fn finish(&mut self) -> Result<(), End> {
        self.flush().await?;
        self.stream.shutdown().await.map_err(|_| None)?;
        loop {
            self.read().await?;
            self.decoder.buffer().clear();
        }
    }
}

const fn close_for(violation: Violation) -> (u16, &'static str) {
    let reason = match violation {
        Violation::Framing => "broken framing",
        Violation::Binary => "binary frames are not supported",
        Violation::Encoding => "not UTF-8",
        Violation::TooLarge => "the message is too large",
    };
    (violation.close_code(), reason)
}
