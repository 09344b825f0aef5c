//! A socket's bytes on their way in and out.
//!
//! Nothing is held while nothing is on its way: reading begins with an empty buffer, and everything
//! that waits goes out in one system call.

use std::time::Duration;

use bytes::Bytes;
use tokio::{io::AsyncWriteExt, net::TcpStream, time::timeout};

use super::frame::{Decoder, Incoming, Violation, put_close, put_ping, put_pong, put_text};
use crate::metrics;

/// How long a client may take nothing while something waits for it.
const STALL_MAX: Duration = Duration::from_secs(20);
/// How long the other side may take to read the close frame.
const LINGER: Duration = Duration::from_secs(2);
/// Bytes that are read at once.
const READ_BYTES: usize = 4 * 1024;
/// Bytes of events that are gathered into one write.
const WRITE_BYTES: usize = 64 * 1024;

/// Why a socket ends; `None` says that nobody is there to be told.
pub(super) type End = Option<(u16, &'static str)>;

/// The stream, with the bytes on their way in and out.
pub(super) struct Wire {
    stream: TcpStream,
    decoder: Decoder,
    /// What is to be written with the next flush.
    out: Vec<u8>,
    /// Frames in it that are not counted yet.
    frames: usize,
}

impl Wire {
    /// This stream, of which these bytes have been read already.
    pub(super) fn new(stream: TcpStream, first: &[u8]) -> Self {
        let mut decoder = Decoder::default();
        decoder.buffer().extend_from_slice(first);
        Self { stream, decoder, out: Vec::new(), frames: 0 }
    }

    /// Whether a message has begun and not ended.
    pub(super) fn is_inside(&self) -> bool {
        self.decoder.is_inside()
    }

    /// Reads what is there; waits until something is. Cancel-safe.
    pub(super) async fn read(&mut self) -> Result<(), End> {
        loop {
            self.stream.readable().await.map_err(|_| None)?;
            let buffer = self.decoder.buffer();
            buffer.reserve(READ_BYTES);
            match self.stream.try_read_buf(buffer) {
                Ok(0) => return Err(None),
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => self.decoder.rest(),
                Err(_) => return Err(None),
            }
        }
    }

    /// The next thing that has come whole; pings are answered here.
    pub(super) fn incoming(&mut self) -> Result<Option<Incoming>, End> {
        loop {
            match self.decoder.take() {
                Ok(Some(Incoming::Ping(payload))) => self.put(|out| put_pong(out, &payload)),
                Ok(None) => {
                    self.decoder.rest();
                    return Ok(None);
                }
                Ok(other) => return Ok(other),
                Err(violation) => return Err(Some(refusal(violation))),
            }
        }
    }

    /// Writes what has been gathered. A client that takes nothing for a while has fallen behind;
    /// what it has not taken stays, for half a frame wants its end. Cancel-safe.
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
        // Given back, and not only emptied: an idle socket holds no buffer.
        self.out = Vec::new();
        Ok(())
    }

    /// Puts events into few writes.
    pub(super) async fn events(&mut self, events: Vec<Bytes>) -> Result<(), End> {
        for event in events {
            self.event(&event);
            if self.out.len() >= WRITE_BYTES {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// Puts an event into the next write.
    pub(super) fn event(&mut self, event: &[u8]) {
        self.put(|out| put_text(out, event));
    }

    /// Puts a reply into the next write.
    pub(super) fn reply(&mut self, reply: &str) {
        self.put(|out| put_text(out, reply.as_bytes()));
    }

    /// Puts a ping into the next write.
    pub(super) fn ping(&mut self) {
        self.put(put_ping);
    }

    fn put(&mut self, frame: impl FnOnce(&mut Vec<u8>)) {
        frame(&mut self.out);
        self.frames += 1;
    }

    /// Says why after all that is to be said, and lets the other side read it before the connection
    /// goes.
    pub(super) async fn close(&mut self, code: u16, reason: &str) {
        self.put(|out| put_close(out, code, reason));
        drop(Box::pin(timeout(LINGER, self.say_goodbye())).await);
    }

    /// Ends our side, and reads until the other side has ended its own.
    async fn say_goodbye(&mut self) -> Result<(), End> {
        self.flush().await?;
        self.stream.shutdown().await.map_err(|_| None)?;
        loop {
            self.read().await?;
            self.decoder.buffer().clear();
        }
    }
}

const fn refusal(violation: Violation) -> (u16, &'static str) {
    let reason = match violation {
        Violation::Framing => "broken framing",
        Violation::Binary => "binary frames are not understood",
        Violation::Encoding => "not UTF-8",
        Violation::TooLarge => "the message is too large",
    };
    (violation.close_code(), reason)
}
