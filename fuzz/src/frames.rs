//! The bytes of a WebSocket: they decode the same however they arrive, and as tungstenite decodes them.
//!
//! The first byte of an input is the size of each read.

use std::io::{self, Read, Write};

use chat_core::limits::FRAME_BYTES_MAX;
use gateway::{
    frame::{put_text, text_frame, text_of},
    ws::decoder::{Decoder, Incoming, Violation},
};
use tokio_tungstenite::tungstenite::{
    Error, Message, WebSocket,
    error::ProtocolError,
    protocol::{Role, WebSocketConfig},
};

/// Bytes of the longest header.
const HEADER_BYTES_MAX: usize = 14;

/// The code of a close frame without one.
const NORMAL: u16 = 1000;

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End<V> {
    /// The last message or frame is not complete.
    Incomplete,
    Closed(u16),
    Refused(V),
}

pub(crate) fn check(input: &[u8]) {
    let Some((size, bytes)) = input.split_first() else { return };
    let decoded = decode(bytes.chunks(bytes.len().max(1)));
    assert_eq!(decode(bytes.chunks(usize::from(*size).max(1))), decoded, "reads of {size} bytes");
    let (messages, end) = decoded;
    let (expected, expected_end) = reference(Role::Server, bytes);
    assert_eq!(messages, expected[..messages.len().min(expected.len())], "{expected:?}");
    check_end(end, messages.len(), &expected, expected_end);
    for message in &messages {
        if let Incoming::Text(text) = message {
            check_written(text);
        }
    }
}

/// Decodes what these reads bring. Stops where the gateway would.
fn decode<'a>(reads: impl Iterator<Item = &'a [u8]>) -> (Vec<Incoming>, End<Violation>) {
    let mut decoder = Decoder::default();
    let mut messages = Vec::new();
    for read in reads {
        decoder.buffer().extend_from_slice(read);
        loop {
            match decoder.take() {
                Ok(Some(Incoming::Close(code))) => return (messages, End::Closed(code)),
                Ok(Some(message)) => {
                    check_size(&message);
                    messages.push(message);
                }
                Ok(None) => break,
                Err(violation) => return (messages, End::Refused(violation)),
            }
        }
        let kept = decoder.buffer().len();
        assert!(kept < HEADER_BYTES_MAX + FRAME_BYTES_MAX, "{kept} bytes are kept");
        assert!(kept == 0 || decoder.is_inside());
    }
    (messages, End::Incomplete)
}

fn check_size(message: &Incoming) {
    match message {
        Incoming::Text(text) => assert!(text.len() <= FRAME_BYTES_MAX),
        Incoming::Ping(payload) => assert!(payload.len() <= 125),
        Incoming::Binary(_) => panic!("the gateway accepts no binary messages"),
        Incoming::Pong | Incoming::Close(_) => {}
    }
}

/// Compares the ends. The decoder refuses a frame at its header, where tungstenite may wait for the
/// payload, and a binary message, which tungstenite accepts.
fn check_end(ours: End<Violation>, count: usize, expected: &[Incoming], theirs: End<Error>) {
    let is_last = expected.len() == count;
    match (ours, theirs) {
        (End::Closed(code), End::Closed(expected)) => {
            assert!(is_last);
            assert_eq!(code, expected);
        }
        (End::Refused(Violation::Binary), _) => {}
        // Tungstenite answers a close frame that it refuses, and reports it as closed.
        (End::Refused(Violation::Framing | Violation::Encoding), End::Closed(_))
        | (End::Refused(_), End::Refused(_) | End::Incomplete)
        | (End::Incomplete, End::Incomplete) => assert!(is_last),
        (ours, theirs) => panic!("{ours:?}, but tungstenite: {theirs:?}"),
    }
}

/// Decodes the bytes with tungstenite.
fn reference(role: Role, bytes: &[u8]) -> (Vec<Incoming>, End<Error>) {
    let config = WebSocketConfig::default()
        .max_message_size(Some(FRAME_BYTES_MAX))
        .max_frame_size(Some(FRAME_BYTES_MAX));
    let mut socket = WebSocket::from_raw_socket(Connection(bytes), role, Some(config));
    let mut messages = Vec::new();
    loop {
        let message = match socket.read() {
            Ok(Message::Text(text)) => Incoming::Text(text.to_string()),
            Ok(Message::Binary(bytes)) => Incoming::Binary(bytes.into()),
            Ok(Message::Ping(payload)) => Incoming::Ping(payload),
            Ok(Message::Pong(_)) => Incoming::Pong,
            Ok(Message::Close(frame)) => {
                let code = frame.map_or(NORMAL, |frame| frame.code.into());
                return (messages, End::Closed(code));
            }
            Ok(Message::Frame(_)) => panic!("tungstenite reads whole messages"),
            Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => {
                return (messages, End::Incomplete);
            }
            Err(error) => return (messages, End::Refused(error)),
        };
        messages.push(message);
    }
}

/// Checks that a client reads a text as the gateway writes it.
fn check_written(text: &str) {
    let mut frame = Vec::new();
    put_text(&mut frame, text.as_bytes());
    let (messages, _) = reference(Role::Client, &frame);
    assert_eq!(messages, [Incoming::Text(text.to_owned())]);
    let shared = text_frame(text.len(), |buffer| buffer.extend_from_slice(text.as_bytes()));
    assert_eq!(shared, frame);
    assert_eq!(text_of(&shared), text.as_bytes());
}

/// A connection that brings these bytes. What is written is lost.
struct Connection<'a>(&'a [u8]);

impl Read for Connection<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Connection<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
