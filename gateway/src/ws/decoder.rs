//! Reads WebSocket frames (RFC 6455). The decoder holds no memory while a socket is idle.

use std::io::Cursor;

use bytes::{Buf, Bytes, BytesMut};
use chat_core::limits::FRAME_BYTES_MAX;
use tokio_tungstenite::tungstenite::protocol::frame::{
    FrameHeader,
    coding::{CloseCode, Control, Data, OpCode},
};

/// Bytes of a control frame's payload.
const CONTROL_BYTES_MAX: u64 = 125;

/// The code of a close frame without one.
const NORMAL: u16 = 1000;

/// A message or control frame from a client.
#[derive(Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A complete message.
    Text(String),
    /// A complete binary message, from a decoder that accepts it.
    Binary(Vec<u8>),
    /// A ping to answer.
    Ping(Bytes),
    /// The answer to one of our pings.
    Pong,
    /// The client closes the connection with this code.
    Close(u16),
}

/// Why a client's bytes are refused. Each violation has its close code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Framing that RFC 6455 does not allow.
    #[error("broken framing")]
    Framing,
    /// A binary message.
    #[error("a binary message")]
    Binary,
    /// Text that is not UTF-8.
    #[error("text that is not UTF-8")]
    Encoding,
    /// A message over the bound.
    #[error("a message over the bound")]
    TooLarge,
}

impl Violation {
    /// Returns the close code for this violation.
    pub const fn close_code(self) -> u16 {
        match self {
            Self::Framing => 1002,
            Self::Binary => 1003,
            Self::Encoding => 1007,
            Self::TooLarge => 1009,
        }
    }
}

/// The messages that a decoder accepts.
#[derive(Debug, Clone, Copy)]
pub struct Accepted {
    /// The bound on a message's bytes.
    pub bytes_max: usize,
    /// True if messages may be binary.
    pub binary: bool,
}

impl Default for Accepted {
    /// Returns what the gateway accepts.
    fn default() -> Self {
        Self { bytes_max: FRAME_BYTES_MAX, binary: false }
    }
}

/// Decodes a client's bytes. Holds memory only while a message is incomplete.
#[derive(Debug, Default)]
pub struct Decoder {
    accepted: Accepted,
    buffer: BytesMut,
    /// The fragments of an incomplete message.
    message: Option<Fragments>,
}

/// The fragments of an incomplete message.
#[derive(Debug)]
struct Fragments {
    is_text: bool,
    bytes: Vec<u8>,
    /// How many bytes are known to be UTF-8. They are not checked again: there may be many small
    /// fragments.
    checked: usize,
}

impl Fragments {
    const fn new(is_text: bool) -> Self {
        Self { is_text, bytes: Vec::new(), checked: 0 }
    }

    /// Adds a fragment. Fails as soon as the bytes of a text cannot be the beginning of UTF-8.
    fn add(&mut self, fragment: &[u8]) -> Result<(), Violation> {
        self.bytes.extend_from_slice(fragment);
        if self.is_text {
            self.checked += valid_utf8_bytes(&self.bytes[self.checked..])?;
        }
        Ok(())
    }

    fn end(self) -> Result<Incoming, Violation> {
        if !self.is_text {
            return Ok(Incoming::Binary(self.bytes));
        }
        String::from_utf8(self.bytes).map(Incoming::Text).map_err(|_| Violation::Encoding)
    }
}

impl Decoder {
    /// Creates a decoder of these messages.
    pub fn accepting(accepted: Accepted) -> Self {
        Self { accepted, ..Self::default() }
    }

    /// Returns the buffer for the next bytes.
    pub const fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// Returns true if a message or a frame has begun and is not complete.
    pub fn is_inside(&self) -> bool {
        self.message.is_some() || !self.buffer.is_empty()
    }

    /// Frees the buffer if it is empty.
    pub fn release(&mut self) {
        if self.buffer.is_empty() {
            self.buffer = BytesMut::new();
        }
    }

    /// Returns the next complete message or control frame, or `None` if more bytes are needed.
    pub fn take(&mut self) -> Result<Option<Incoming>, Violation> {
        while let Some((header, payload)) = self.frame()? {
            let complete = match header.opcode {
                OpCode::Control(control) => Some(Self::control(control, payload)?),
                OpCode::Data(data) => self.data(data, header.is_final, &payload)?,
            };
            if complete.is_some() {
                return Ok(complete);
            }
        }
        Ok(None)
    }

    /// Returns the next complete frame, unmasked.
    fn frame(&mut self) -> Result<Option<(FrameHeader, BytesMut)>, Violation> {
        let mut cursor = Cursor::new(&self.buffer[..]);
        let parsed = FrameHeader::parse(&mut cursor).map_err(|_| Violation::Framing)?;
        let Some((header, length)) = parsed else { return Ok(None) };
        let start = usize::try_from(cursor.position()).map_err(|_| Violation::Framing)?;
        let mask = header.mask.ok_or(Violation::Framing)?;
        self.allow(&header, length)?;
        let length = usize::try_from(length).map_err(|_| Violation::TooLarge)?;
        if self.buffer.len() < start + length {
            return Ok(None);
        }
        self.buffer.advance(start);
        let mut payload = self.buffer.split_to(length);
        for (byte, key) in payload.iter_mut().zip(mask.iter().cycle()) {
            *byte ^= key;
        }
        Ok(Some((header, payload)))
    }

    /// Fails if a frame with this header is not allowed now. Called before its payload has arrived.
    fn allow(&self, header: &FrameHeader, length: u64) -> Result<(), Violation> {
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(Violation::Framing);
        }
        match header.opcode {
            OpCode::Control(_) if length > CONTROL_BYTES_MAX || !header.is_final => {
                Err(Violation::Framing)
            }
            OpCode::Control(_) => Ok(()),
            OpCode::Data(Data::Binary) if !self.accepted.binary => Err(Violation::Binary),
            OpCode::Data(Data::Text | Data::Binary) if self.message.is_some() => {
                Err(Violation::Framing)
            }
            OpCode::Data(Data::Continue) if self.message.is_none() => Err(Violation::Framing),
            OpCode::Data(Data::Reserved(_)) => Err(Violation::Framing),
            OpCode::Data(Data::Text | Data::Binary | Data::Continue) => {
                let held = self.message.as_ref().map_or(0, |message| message.bytes.len()) as u64;
                let is_small = held.saturating_add(length) <= self.accepted.bytes_max as u64;
                if is_small { Ok(()) } else { Err(Violation::TooLarge) }
            }
        }
    }

    fn control(control: Control, payload: BytesMut) -> Result<Incoming, Violation> {
        match control {
            Control::Ping => Ok(Incoming::Ping(payload.freeze())),
            Control::Pong => Ok(Incoming::Pong),
            Control::Close => close_code(&payload).map(Incoming::Close),
            Control::Reserved(_) => Err(Violation::Framing),
        }
    }

    fn data(
        &mut self,
        data: Data,
        is_final: bool,
        payload: &[u8],
    ) -> Result<Option<Incoming>, Violation> {
        if is_final && data == Data::Text {
            let text = std::str::from_utf8(payload).map_err(|_| Violation::Encoding)?;
            return Ok(Some(Incoming::Text(text.to_owned())));
        }
        let is_text = data == Data::Text;
        self.message.get_or_insert_with(|| Fragments::new(is_text)).add(payload)?;
        if !is_final {
            return Ok(None);
        }
        self.message.take().map(Fragments::end).transpose()
    }
}

/// Returns how many of these bytes are valid UTF-8. The last character may be incomplete.
fn valid_utf8_bytes(bytes: &[u8]) -> Result<usize, Violation> {
    #[cfg(test)]
    tests::CHECKED_BYTES.with(|checked| checked.set(checked.get() + bytes.len()));
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.len()),
        Err(error) if error.error_len().is_some() => Err(Violation::Encoding),
        Err(error) => Ok(error.valid_up_to()),
    }
}

/// Returns the code of a close frame. Its payload is empty, or an allowed code and a reason in UTF-8.
fn close_code(payload: &[u8]) -> Result<u16, Violation> {
    let (code, reason) = match payload {
        [] => return Ok(NORMAL),
        [high, low, reason @ ..] => (u16::from_be_bytes([*high, *low]), reason),
        [_] => return Err(Violation::Framing),
    };
    if !CloseCode::from(code).is_allowed() {
        return Err(Violation::Framing);
    }
    std::str::from_utf8(reason).map(|_| code).map_err(|_| Violation::Encoding)
}

#[cfg(test)]
pub(super) mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::frame::put;

    const MASK: [u8; 4] = [1, 2, 3, 4];

    std::thread_local! {
        /// How many bytes were checked for being UTF-8.
        pub(super) static CHECKED_BYTES: Cell<usize> = const { Cell::new(0) };
    }

    /// Returns a frame as a client sends it.
    pub(in crate::ws) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = Vec::new();
        put(&mut frame, first, payload);
        let header = frame.len() - payload.len();
        frame[1] |= 0x80;
        let mut out = frame[..header].to_vec();
        out.extend_from_slice(&MASK);
        out.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, key)| byte ^ key));
        out
    }

    fn decoded(bytes: &[u8]) -> Result<Vec<Incoming>, Violation> {
        let mut decoder = Decoder::default();
        let mut all = Vec::new();
        // Byte by byte, because a read can end at any byte.
        for byte in bytes {
            decoder.buffer().extend_from_slice(&[*byte]);
            while let Some(incoming) = decoder.take()? {
                all.push(incoming);
            }
        }
        Ok(all)
    }

    fn text(text: &str) -> Incoming {
        Incoming::Text(text.to_owned())
    }

    #[test]
    fn messages_of_every_length_class_are_decoded() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            let message = "x".repeat(length);
            assert_eq!(decoded(&masked(0x81, message.as_bytes())), Ok(vec![text(&message)]));
        }
    }

    #[test]
    fn fragments_become_one_message_despite_control_frames() {
        let mut bytes = masked(0x01, "he\u{e9}".as_bytes().split_last().unwrap().1);
        bytes.extend(masked(0x89, b"p"));
        bytes.extend(masked(0x80, &["\u{e9}".as_bytes()[1]]));
        let expected = vec![Incoming::Ping(Bytes::from_static(b"p")), text("he\u{e9}")];
        assert_eq!(decoded(&bytes), Ok(expected));
    }

    #[test]
    fn empty_fragments_are_not_checked_again_and_again() {
        let text = "\u{e9}".repeat(30_000);
        let (begun, rest) = text.as_bytes().split_at(text.len() - 1);
        let mut decoder = Decoder::default();
        decoder.buffer().extend_from_slice(&masked(0x01, begun));
        assert_eq!(decoder.take(), Ok(None));
        CHECKED_BYTES.set(0);
        let empty = masked(0x00, b"");
        for _ in 0..200_000 {
            decoder.buffer().extend_from_slice(&empty);
            assert_eq!(decoder.take(), Ok(None));
        }
        assert!(CHECKED_BYTES.get() <= 200_000 * 3, "{}", CHECKED_BYTES.get());
        decoder.buffer().extend_from_slice(&masked(0x80, rest));
        assert_eq!(decoder.take(), Ok(Some(Incoming::Text(text))));
    }

    #[test]
    fn each_violation_of_the_protocol_has_its_name() {
        let unmasked = vec![0x81, 1, b'x'];
        for (bytes, violation) in [
            (unmasked, Violation::Framing),
            (masked(0xC1, b"x"), Violation::Framing),
            (masked(0x80, b"x"), Violation::Framing),
            (masked(0x83, b"x"), Violation::Framing),
            (masked(0x8B, b"x"), Violation::Framing),
            (masked(0x09, b"x"), Violation::Framing),
            (masked(0x89, &[0; 126]), Violation::Framing),
            (masked(0x88, &[3]), Violation::Framing),
            (masked(0x88, &1005_u16.to_be_bytes()), Violation::Framing),
            ([masked(0x01, b"x"), masked(0x81, b"x")].concat(), Violation::Framing),
            (masked(0x82, b"x"), Violation::Binary),
            (masked(0x81, &[0xFF]), Violation::Encoding),
            (masked(0x01, &[b'a', 0xFF, b'b']), Violation::Encoding),
        ] {
            assert_eq!(decoded(&bytes), Err(violation), "{bytes:?}");
        }
    }

    #[test]
    fn oversized_message_is_refused_at_its_header() {
        let header = &masked(0x81, &vec![0; FRAME_BYTES_MAX + 1])[..14];
        assert_eq!(decoded(header), Err(Violation::TooLarge));
        let mut bytes = masked(0x01, &vec![b'a'; FRAME_BYTES_MAX]);
        bytes.extend_from_slice(&masked(0x80, b"b")[..6]);
        assert_eq!(decoded(&bytes), Err(Violation::TooLarge));
    }

    #[test]
    fn binary_fragments_are_one_message_when_binary_is_accepted() {
        let mut decoder = Decoder::accepting(Accepted { bytes_max: 3, binary: true });
        decoder.buffer().extend_from_slice(&masked(0x02, &[0xFF, 0xFE]));
        assert_eq!(decoder.take(), Ok(None));
        decoder.buffer().extend_from_slice(&masked(0x80, &[0xFD]));
        assert_eq!(decoder.take(), Ok(Some(Incoming::Binary(vec![0xFF, 0xFE, 0xFD]))));
        decoder.buffer().extend_from_slice(&masked(0x82, &[0; 4]));
        assert_eq!(decoder.take(), Err(Violation::TooLarge));
    }

    #[test]
    fn idle_decoder_holds_no_memory() {
        let mut decoder = Decoder::default();
        decoder.buffer().extend_from_slice(&masked(0x81, b"hello"));
        assert_eq!(decoder.take(), Ok(Some(text("hello"))));
        assert!(!decoder.is_inside());
        decoder.release();
        assert_eq!(decoder.buffer().capacity(), 0);
    }
}
