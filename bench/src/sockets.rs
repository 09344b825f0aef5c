//! Many connections on one thread, with epoll.
//!
//! All sockets share one read buffer. A socket keeps bytes of its own only while a frame is
//! incomplete or the kernel's send buffer is full, so a delivery costs one `read` and no allocation.

use std::{
    io::{ErrorKind, Read, Write},
    mem::MaybeUninit,
    net::{Shutdown, SocketAddr, TcpStream},
    os::fd::OwnedFd,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use rustix::{
    event::{
        Timespec,
        epoll::{self, Event, EventData, EventFlags},
    },
    io::Errno,
    net::{self, AddressFamily, SocketFlags, SocketType, sockopt},
};
use tokio::time::Instant;

use crate::{
    frame::{self, Frame},
    http::{self, Answer},
};

/// Bytes of the read buffer that all sockets share.
const READ_BYTES: usize = 256 * 1024;
/// Sockets of one wait.
const READY_MAX: usize = 512;

/// The protocol that a socket reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Answers to HTTP requests. An answer 101 changes to `Frames`.
    Http,
    /// WebSocket frames.
    Frames,
    /// Nothing: this side has closed it.
    Closed,
}

/// What a socket received.
#[derive(Debug)]
pub(crate) enum Received<'a> {
    /// An answer to an HTTP request.
    Answer(Answer<'a>),
    /// A text frame.
    Text(&'a [u8]),
}

/// Connections, numbered from 0 in the order in which they were made.
#[derive(Debug)]
pub(crate) struct Sockets {
    epoll: OwnedFd,
    all: Vec<Socket>,
    buffer: Box<[u8]>,
}

#[derive(Debug)]
struct Socket {
    stream: TcpStream,
    stage: Stage,
    /// The beginning of a frame or answer whose end has not arrived.
    partial: Vec<u8>,
    /// Bytes for which the kernel had no room.
    unsent: Vec<u8>,
    bytes_read: u64,
}

/// A socket's place in the epoll set.
#[derive(Clone, Copy)]
struct Interest<'a> {
    epoll: &'a OwnedFd,
    number: usize,
}

impl Sockets {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            all: Vec::new(),
            buffer: vec![0; READ_BYTES].into(),
        })
    }

    pub(crate) const fn len(&self) -> usize {
        self.all.len()
    }

    /// Returns how many bytes this socket has received.
    pub(crate) fn bytes_read(&self, number: usize) -> u64 {
        self.all[number].bytes_read
    }

    /// Starts a connection and returns its number. What is sent before it stands is sent then.
    pub(crate) fn connect(&mut self, address: SocketAddr, stage: Stage) -> Result<usize> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = net::socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
        sockopt::set_tcp_nodelay(&socket, true)?;
        match net::connect(&socket, &address) {
            Ok(()) | Err(Errno::INPROGRESS) => {}
            Err(error) => return Err(error).context("connecting"),
        }
        let number = self.all.len();
        epoll::add(&self.epoll, &socket, EventData::new_u64(number as u64), EventFlags::IN)?;
        let stream = TcpStream::from(socket);
        let (partial, unsent) = (Vec::new(), Vec::new());
        self.all.push(Socket { stream, stage, partial, unsent, bytes_read: 0 });
        Ok(number)
    }

    /// Closes a connection, without a closing handshake. Its number is not used again.
    pub(crate) fn close(&mut self, number: usize) -> Result<()> {
        let socket = &mut self.all[number];
        epoll::delete(&self.epoll, &socket.stream)?;
        socket.stage = Stage::Closed;
        // Fails only if the server has closed it too.
        socket.stream.shutdown(Shutdown::Both).unwrap_or_default();
        Ok(())
    }

    /// Sends bytes, now or when the kernel has room.
    pub(crate) fn send(&mut self, number: usize, bytes: &[u8]) -> Result<()> {
        let interest = Interest { epoll: &self.epoll, number };
        self.all[number].send(interest, bytes).with_context(|| format!("socket {number}"))
    }

    /// Waits up to `timeout`, in whole milliseconds, and passes on what has arrived, with the
    /// socket's number and the time of the read. Fails if a connection has ended.
    pub(crate) fn wait(
        &mut self,
        timeout: Duration,
        mut on: impl FnMut(usize, Received<'_>, Instant) -> Result<()>,
    ) -> Result<()> {
        let whole = Duration::from_millis(u64::try_from(timeout.as_millis())?);
        let timeout = Timespec::try_from(whole)?;
        let mut room = [const { MaybeUninit::<Event>::uninit() }; READY_MAX];
        let ready = match epoll::wait(&self.epoll, &mut room, Some(&timeout)) {
            Ok((ready, _)) => ready,
            Err(Errno::INTR) => return Ok(()),
            Err(error) => return Err(error).context("waiting for sockets"),
        };
        for event in ready {
            let (number, flags) = (usize::try_from(event.data.u64())?, event.flags);
            let interest = Interest { epoll: &self.epoll, number };
            let socket = &mut self.all[number];
            if flags.contains(EventFlags::OUT) {
                socket.send_rest(interest).with_context(|| format!("socket {number}"))?;
            }
            if flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR) {
                let mut on = |received: Received<'_>, at| on(number, received, at);
                let read = socket.read(interest, &mut self.buffer, &mut on);
                read.with_context(|| format!("socket {number}"))?;
            }
        }
        Ok(())
    }
}

impl Socket {
    fn send(&mut self, interest: Interest<'_>, bytes: &[u8]) -> Result<()> {
        if !self.unsent.is_empty() {
            self.unsent.extend_from_slice(bytes);
            return Ok(());
        }
        let written = self.write(bytes)?;
        if written < bytes.len() {
            self.unsent.extend_from_slice(&bytes[written..]);
            interest.set(&self.stream, EventFlags::IN | EventFlags::OUT)?;
        }
        Ok(())
    }

    fn send_rest(&mut self, interest: Interest<'_>) -> Result<()> {
        let unsent = std::mem::take(&mut self.unsent);
        let written = self.write(&unsent)?;
        self.unsent.extend_from_slice(&unsent[written..]);
        if self.unsent.is_empty() {
            interest.set(&self.stream, EventFlags::IN)?;
        }
        Ok(())
    }

    /// Writes as much as the kernel takes and returns how much that was.
    fn write(&self, bytes: &[u8]) -> Result<usize> {
        let mut written = 0;
        while written < bytes.len() {
            match (&self.stream).write(&bytes[written..]) {
                Ok(count) => written += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error).context("writing"),
            }
        }
        Ok(written)
    }

    fn read(
        &mut self,
        interest: Interest<'_>,
        buffer: &mut [u8],
        on: &mut impl FnMut(Received<'_>, Instant) -> Result<()>,
    ) -> Result<()> {
        let count = match (&self.stream).read(buffer) {
            Ok(0) => bail!("the server closed the connection"),
            Ok(count) => count,
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
            {
                return Ok(());
            }
            Err(error) => return Err(error).context("reading"),
        };
        let at = Instant::now();
        let arrived = &buffer[..count];
        self.bytes_read += count as u64;
        if self.partial.is_empty() {
            let used = self.split(interest, arrived, at, on)?;
            self.partial.extend_from_slice(&arrived[used..]);
        } else {
            let mut joined = std::mem::take(&mut self.partial);
            joined.extend_from_slice(arrived);
            let used = self.split(interest, &joined, at, on)?;
            joined.drain(..used);
            self.partial = joined;
        }
        Ok(())
    }

    /// Passes on every whole frame or answer, and returns how many bytes they have.
    fn split(
        &mut self,
        interest: Interest<'_>,
        bytes: &[u8],
        at: Instant,
        on: &mut impl FnMut(Received<'_>, Instant) -> Result<()>,
    ) -> Result<usize> {
        let mut used = 0;
        while let Some(length) = match self.stage {
            Stage::Http => self.split_answer(&bytes[used..], at, on)?,
            Stage::Frames => self.split_frame(interest, &bytes[used..], at, on)?,
            Stage::Closed => None,
        } {
            used += length;
        }
        Ok(used)
    }

    /// Passes on the first answer and returns its length, or `None` if it is not complete.
    fn split_answer(
        &mut self,
        bytes: &[u8],
        at: Instant,
        on: &mut impl FnMut(Received<'_>, Instant) -> Result<()>,
    ) -> Result<Option<usize>> {
        let Some((answer, length)) = http::split(bytes)? else { return Ok(None) };
        if answer.status == 101 {
            self.stage = Stage::Frames;
        }
        on(Received::Answer(answer), at)?;
        Ok(Some(length))
    }

    /// Passes on the first frame and returns its length, or `None` if it is not complete.
    fn split_frame(
        &mut self,
        interest: Interest<'_>,
        bytes: &[u8],
        at: Instant,
        on: &mut impl FnMut(Received<'_>, Instant) -> Result<()>,
    ) -> Result<Option<usize>> {
        let Some((frame, length)) = frame::split(bytes)? else { return Ok(None) };
        match frame {
            Frame::Text(text) => on(Received::Text(text), at)?,
            Frame::Ping(payload) => self.answer_ping(interest, payload)?,
            Frame::Pong => {}
            Frame::Close(code) => bail!("the server closed the WebSocket with {code}"),
        }
        Ok(Some(length))
    }

    fn answer_ping(&mut self, interest: Interest<'_>, payload: &[u8]) -> Result<()> {
        let mut pong = Vec::new();
        frame::append_pong(&mut pong, payload)?;
        self.send(interest, &pong)
    }
}

impl Interest<'_> {
    fn set(self, stream: &TcpStream, flags: EventFlags) -> Result<()> {
        let data = EventData::new_u64(self.number as u64);
        Ok(epoll::modify(self.epoll, stream, data, flags)?)
    }
}
