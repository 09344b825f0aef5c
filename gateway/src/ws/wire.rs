//! Reading and writing frames on a socket's connection.
//!
//! An idle socket holds no buffer: reading allocates one when there is something to read, and all
//! waiting frames are written by one system call.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use chat_core::outbox::Transport;
use tokio::time::timeout;

use super::{
    channel::Channel,
    decoder::{Decoder, Incoming, Violation},
    writer::{Progress, Writer},
};
use crate::frame::{put_close, put_ping, put_pong, put_text};

/// How long a client may read nothing while something waits for it.
const STALL_MAX: Duration = Duration::from_secs(20);
/// How long the client may take to read the close frame.
const LINGER: Duration = Duration::from_secs(2);
/// Bytes of frames to collect for one write.
const WRITE_BYTES: usize = 64 * 1024;

/// The close code and reason of a socket, or `None` if the client is gone.
pub(super) type End = Option<(u16, &'static str)>;

/// A connection with its buffers.
pub(super) struct Wire {
    writer: Arc<Writer>,
    decoder: Decoder,
}

impl Wire {
    /// Wraps a connection from which `first` was read already.
    pub(super) fn new(channel: Channel, first: &[u8]) -> Self {
        Self::with_decoder(Decoder::default(), channel, first)
    }

    /// Wraps a connection whose frames this decoder reads.
    pub(super) fn with_decoder(mut decoder: Decoder, channel: Channel, first: &[u8]) -> Self {
        decoder.buffer().extend_from_slice(first);
        channel.take_decrypted(decoder.buffer());
        Self { writer: Arc::new(Writer::new(channel)), decoder }
    }

    /// Returns the writing side, for fan-outs.
    pub(super) fn transport(&self) -> Arc<dyn Transport> {
        self.writer.clone()
    }

    /// Notes whether a reply is about to be written. While it is, events wait for it: they leave by
    /// the same system call.
    pub(super) fn expect_reply(&self, is_expected: bool) {
        self.writer.expect_reply(is_expected);
    }

    /// Returns true if a message has begun and is not complete.
    pub(super) fn is_inside_message(&self) -> bool {
        self.decoder.is_inside()
    }

    /// Waits until there is something to read, and reads it. Cancel-safe.
    pub(super) async fn read(&mut self) -> Result<(), End> {
        let channel = self.writer.channel();
        loop {
            channel.readable().await.map_err(|_| None)?;
            match channel.try_read(self.decoder.buffer()) {
                Ok(Some(0)) | Err(_) => return Err(None),
                Ok(Some(_)) => return Ok(()),
                Ok(None) => self.decoder.release(),
            }
        }
    }

    /// Returns the next complete message or control frame, or `None` if more must be read. Answers
    /// pings.
    pub(super) fn incoming(&mut self) -> Result<Option<Incoming>, End> {
        loop {
            match self.decoder.take() {
                Ok(Some(Incoming::Ping(payload))) => {
                    self.writer.put(|out| put_pong(out, &payload));
                }
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
    pub(super) async fn flush(&self) -> Result<(), End> {
        while self.writer.write().map_err(|_| None)? == Progress::Blocked {
            let writable = Box::pin(timeout(STALL_MAX, self.writer.channel().writable())).await;
            writable.map_err(|_| Some((4008, "fell behind")))?.map_err(|_| None)?;
        }
        Ok(())
    }

    /// Writes events, many in one system call.
    pub(super) async fn events(&self, events: Vec<Bytes>) -> Result<(), End> {
        for event in events {
            if self.event(&event) >= WRITE_BYTES {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// Adds an event, which is encoded as a frame, to the next write. Returns the bytes that wait.
    pub(super) fn event(&self, event: &[u8]) -> usize {
        self.writer.put(|out| out.extend_from_slice(event))
    }

    /// Adds a reply to the next write.
    pub(super) fn reply(&self, reply: &str) {
        self.writer.put(|out| put_text(out, reply.as_bytes()));
    }

    /// Adds a ping to the next write.
    pub(super) fn ping(&self) {
        self.writer.put(put_ping);
    }

    /// Writes a close frame after everything else, and gives the client time to read it before the
    /// connection is dropped.
    pub(super) async fn close(&mut self, code: u16, reason: &str) {
        self.writer.put(|out| put_close(out, code, reason));
        drop(Box::pin(timeout(LINGER, self.finish())).await);
    }

    /// Shuts the writing side down, and reads until the client has shut down its own.
    async fn finish(&mut self) -> Result<(), End> {
        self.flush().await?;
        self.writer.channel().shut_down().map_err(|_| None)?;
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
