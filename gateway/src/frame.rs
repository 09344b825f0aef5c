//! Writes WebSocket frames (RFC 6455). Frames of a server are not masked, so that an event is the same
//! bytes for every reader.

use bytes::Bytes;

/// The first byte of an unfragmented text frame.
const TEXT: u8 = 0x81;

/// Bytes of the longest header.
const HEADER_BYTES_MAX: usize = 10;

/// Appends a text frame.
pub fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    put(out, TEXT, text);
}

/// Returns a text frame with the text that `write` appends to its buffer. Nothing is copied.
pub fn text_frame(capacity: usize, write: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut buffer = Vec::with_capacity(HEADER_BYTES_MAX + capacity);
    buffer.resize(HEADER_BYTES_MAX, 0);
    write(&mut buffer);
    let (header, length) = header(TEXT, buffer.len() - HEADER_BYTES_MAX);
    let start = HEADER_BYTES_MAX - length;
    buffer[start..HEADER_BYTES_MAX].copy_from_slice(&header[..length]);
    Bytes::from(buffer).slice(start..)
}

/// Returns the text of a frame that [`text_frame`] made.
pub fn text_of(frame: &[u8]) -> &[u8] {
    let length = match frame.get(1) {
        Some(127) => 10,
        Some(126) => 4,
        Some(_) | None => 2,
    };
    frame.get(length..).unwrap_or_default()
}

/// Appends a binary frame.
#[cfg(feature = "fuzzing")]
pub fn put_binary(out: &mut Vec<u8>, payload: &[u8]) {
    put(out, 0x82, payload);
}

/// Appends a ping.
pub fn put_ping(out: &mut Vec<u8>) {
    put(out, 0x89, &[]);
}

/// Appends a pong.
pub fn put_pong(out: &mut Vec<u8>, payload: &[u8]) {
    put(out, 0x8A, payload);
}

/// Appends a close frame.
pub fn put_close(out: &mut Vec<u8>, code: u16, reason: &str) {
    let mut payload = code.to_be_bytes().to_vec();
    payload.extend_from_slice(reason.as_bytes());
    put(out, 0x88, &payload);
}

/// Appends an unfragmented frame.
pub fn put(out: &mut Vec<u8>, first: u8, payload: &[u8]) {
    let (header, length) = header(first, payload.len());
    out.reserve(length + payload.len());
    out.extend_from_slice(&header[..length]);
    out.extend_from_slice(payload);
}

/// Returns the header of an unmasked frame, and the header's length.
fn header(first: u8, payload: usize) -> ([u8; HEADER_BYTES_MAX], usize) {
    let mut header = [first; HEADER_BYTES_MAX];
    match (u8::try_from(payload), u16::try_from(payload)) {
        (Ok(small @ ..=125), _) => {
            header[1] = small;
            (header, 2)
        }
        (_, Ok(medium)) => {
            header[1] = 126;
            header[2..4].copy_from_slice(&medium.to_be_bytes());
            (header, 4)
        }
        _ => {
            header[1] = 127;
            header[2..].copy_from_slice(&(payload as u64).to_be_bytes());
            (header, HEADER_BYTES_MAX)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_frame_is_the_same_as_a_text_put_into_a_buffer() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            let text = "x".repeat(length).into_bytes();
            let mut put = Vec::new();
            put_text(&mut put, &text);
            let frame = text_frame(0, |buffer| buffer.extend_from_slice(&text));
            assert_eq!(frame, put);
            assert_eq!(text_of(&frame), text);
        }
    }
}
