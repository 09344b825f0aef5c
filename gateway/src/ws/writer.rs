//! The writing side of a socket, which its task shares with fan-outs.

use std::{
    io,
    sync::atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;
use chat_core::outbox::{Sent, Transport};
use parking_lot::Mutex;

use super::channel::Channel;
use crate::metrics;

/// The most bytes that a fan-out passes on. The client may take none of them, and then they wait
/// here.
pub(super) const DIRECT_BYTES_MAX: usize = 64 * 1024;

/// The writing side of a socket.
#[derive(Debug)]
pub(super) struct Writer {
    channel: Channel,
    unwritten: Mutex<Unwritten>,
    expects_reply: AtomicBool,
}

/// Frames for the next write.
#[derive(Debug, Default)]
struct Unwritten {
    bytes: Vec<u8>,
    /// How many of the frames are not counted yet.
    frames: usize,
}

/// How far a write has got.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Everything is written.
    Done,
    /// The client must read first.
    Blocked,
}

impl Writer {
    pub(super) fn new(channel: Channel) -> Self {
        Self { channel, unwritten: Mutex::default(), expects_reply: AtomicBool::new(false) }
    }

    pub(super) const fn channel(&self) -> &Channel {
        &self.channel
    }

    /// Notes whether the socket's task is about to write a reply. While it is, fan-outs leave their
    /// events to it: both then leave by one system call.
    pub(super) fn expect_reply(&self, is_expected: bool) {
        self.expects_reply.store(is_expected, Ordering::Relaxed);
    }

    /// Adds a frame to the next write. Returns how many bytes wait for it.
    pub(super) fn put(&self, frame: impl FnOnce(&mut Vec<u8>)) -> usize {
        let mut unwritten = self.unwritten.lock();
        frame(&mut unwritten.bytes);
        unwritten.frames += 1;
        unwritten.bytes.len()
    }

    /// Writes as many bytes as the client can receive now, and keeps the rest.
    pub(super) fn write(&self) -> io::Result<Progress> {
        let mut unwritten = self.unwritten.lock();
        if unwritten.bytes.is_empty() {
            return self.flush();
        }
        let mut written = 0;
        while written < unwritten.bytes.len() {
            match self.channel.try_write(&unwritten.bytes[written..]) {
                Ok(more) => {
                    metrics::frames(std::mem::take(&mut unwritten.frames), more);
                    written += more;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    unwritten.bytes.drain(..written);
                    return Ok(Progress::Blocked);
                }
                Err(error) => return Err(error),
            }
        }
        // Freed, not cleared: an idle socket holds no buffer.
        unwritten.bytes = Vec::new();
        self.flush()
    }

    /// Sends what the channel has taken.
    fn flush(&self) -> io::Result<Progress> {
        match self.channel.try_flush() {
            Ok(()) => Ok(Progress::Done),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Progress::Blocked),
            Err(error) => Err(error),
        }
    }
}

impl Transport for Writer {
    fn try_send(&self, events: &Bytes, count: usize) -> Sent {
        if self.expects_reply.load(Ordering::Relaxed) || events.len() > DIRECT_BYTES_MAX {
            return Sent::Nothing;
        }
        // The socket's task holds the lock only while it has something to write itself.
        let Some(mut unwritten) = self.unwritten.try_lock() else { return Sent::Nothing };
        if !unwritten.bytes.is_empty() {
            return Sent::Nothing;
        }
        match self.channel.try_write(events) {
            Ok(written) => {
                metrics::frames(count, written);
                // The socket's task finds an error when it flushes.
                if written == events.len() && self.channel.try_flush().is_ok() {
                    return Sent::All;
                }
                unwritten.bytes.extend_from_slice(&events[written..]);
                Sent::Partly
            }
            // The socket's task finds an error when it writes.
            Err(_) => Sent::Nothing,
        }
    }
}
