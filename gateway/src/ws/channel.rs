//! The connection below a socket, which is read and written without waiting.
//!
//! Over TLS, the socket's task and fan-outs share the state of the encryption behind a lock. What is
//! encrypted and not sent yet waits there, and nothing else is encrypted before it has left.

use std::io::{self, BufRead, Read, Write};

use bytes::BytesMut;
use parking_lot::{Mutex, MutexGuard};
use rustix::net::{Shutdown, shutdown};
use rustls::ServerConnection;
use tokio::{io::Interest, net::TcpStream};

use crate::listener::Stream;

/// Bytes to read at once.
const READ_BYTES: usize = 4 * 1024;

/// A connection with or without TLS.
#[derive(Debug)]
pub(super) enum Channel {
    Plain(TcpStream),
    Tls(Box<TlsChannel>),
}

#[derive(Debug)]
pub(super) struct TlsChannel {
    tcp: TcpStream,
    session: Mutex<ServerConnection>,
}

impl From<TcpStream> for Channel {
    fn from(tcp: TcpStream) -> Self {
        Self::Plain(tcp)
    }
}

impl From<Stream> for Channel {
    fn from(stream: Stream) -> Self {
        match stream {
            Stream::Plain(tcp) => Self::Plain(tcp),
            Stream::Tls(stream) => {
                let (tcp, session) = stream.into_inner();
                Self::Tls(Box::new(TlsChannel { tcp, session: Mutex::new(session) }))
            }
        }
    }
}

impl Channel {
    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => &tls.tcp,
        }
    }

    /// Waits until there may be something to read. Cancel-safe.
    pub(super) async fn readable(&self) -> io::Result<()> {
        self.tcp().readable().await
    }

    /// Waits until the client may receive more. Cancel-safe.
    pub(super) async fn writable(&self) -> io::Result<()> {
        self.tcp().writable().await
    }

    /// Appends what was decrypted before the connection became a channel.
    pub(super) fn take_decrypted(&self, buffer: &mut BytesMut) {
        if let Self::Tls(tls) = self {
            take_decrypted(&mut tls.session.lock(), buffer);
        }
    }

    /// Reads once. Returns how many bytes came, 0 at the end of the stream, or `None` if there is
    /// nothing to read.
    pub(super) fn try_read(&self, buffer: &mut BytesMut) -> io::Result<Option<usize>> {
        match self {
            Self::Plain(tcp) => try_read_plain(tcp, buffer),
            Self::Tls(tls) => tls.try_read(buffer),
        }
    }

    /// Writes a part of the bytes, at least one. Fails with `WouldBlock` if the client must read
    /// first. Over TLS, bytes may be taken and not sent yet: see [`Self::try_flush`].
    pub(super) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.try_write(bytes),
            Self::Tls(tls) => tls.try_write(bytes),
        }
    }

    /// Sends what was taken. Fails with `WouldBlock` if the client must read first.
    pub(super) fn try_flush(&self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Tls(tls) => tls.flush(&mut tls.try_lock()?),
        }
    }

    /// Closes this side.
    pub(super) fn shut_down(&self) -> io::Result<()> {
        if let Self::Tls(tls) = self {
            let mut session = tls.session.lock();
            session.send_close_notify();
            match tls.flush(&mut session) {
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(shutdown(self.tcp(), Shutdown::Write)?)
    }
}

/// Reads once, without TLS.
///
/// A read that does not fill the buffer has taken everything. Then the stream is marked as not
/// readable, which spares the read that would only find nothing. The mark is not set if more has
/// arrived meanwhile.
fn try_read_plain(tcp: &TcpStream, buffer: &mut BytesMut) -> io::Result<Option<usize>> {
    buffer.reserve(READ_BYTES);
    let room = buffer.capacity() - buffer.len();
    let mut read = None;
    let attempt = tcp.try_io(Interest::READABLE, || {
        let count = tcp.try_read_buf(buffer)?;
        read = Some(count);
        if count < room { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
    });
    match attempt {
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
        Ok(()) | Err(_) => Ok(read),
    }
}

impl TlsChannel {
    /// Reads until something is decrypted. Nothing decrypted is left in the session, because more may
    /// never arrive to wake the reader.
    fn try_read(&self, buffer: &mut BytesMut) -> io::Result<Option<usize>> {
        let mut session = self.session.lock();
        let before = buffer.len();
        loop {
            match session.read_tls(&mut Tcp(&self.tcp)) {
                // Without TLS's own end. The frames above it have a close of their own.
                Ok(0) => return Ok(Some(0)),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error),
            }
            let processed = session.process_new_packets();
            take_decrypted(&mut session, buffer);
            // An answer of TLS itself, such as an alert. If it cannot leave now, it leaves with the
            // next write.
            let sent = self.flush(&mut session);
            let has_ended = processed.map_err(io::Error::other)?.peer_has_closed();
            if buffer.len() > before || has_ended {
                return Ok(Some(buffer.len() - before));
            }
            match sent {
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
    }

    /// Encrypts and sends as much as the client can receive now.
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut session = self.try_lock()?;
        let mut taken = 0;
        loop {
            match self.flush(&mut session) {
                Ok(()) if taken == bytes.len() => return Ok(taken),
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && taken > 0 => {
                    return Ok(taken);
                }
                Err(error) => return Err(error),
            }
            match session.writer().write(&bytes[taken..])? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                more => taken += more,
            }
        }
    }

    /// Fails with `WouldBlock` while the socket's task decrypts: a fan-out must not wait for that.
    fn try_lock(&self) -> io::Result<MutexGuard<'_, ServerConnection>> {
        self.session.try_lock().ok_or_else(|| io::ErrorKind::WouldBlock.into())
    }

    fn flush(&self, session: &mut MutexGuard<'_, ServerConnection>) -> io::Result<()> {
        while session.wants_write() {
            session.write_tls(&mut Tcp(&self.tcp))?;
        }
        Ok(())
    }
}

fn take_decrypted(session: &mut ServerConnection, buffer: &mut BytesMut) {
    let mut reader = session.reader();
    // An error means that nothing is left.
    while let Ok(decrypted) = reader.fill_buf() {
        let count = decrypted.len();
        if count == 0 {
            break;
        }
        buffer.extend_from_slice(decrypted);
        reader.consume(count);
    }
}

/// The TCP stream as TLS reads and writes it: without waiting.
struct Tcp<'a>(&'a TcpStream);

impl Read for Tcp<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }
}

impl Write for Tcp<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn write_vectored(&mut self, bytes: &[io::IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
