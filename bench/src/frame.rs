//! WebSocket frames (RFC 6455) as a client reads and writes them.
//!
//! Reading only finds where a frame ends. Nothing is copied or decoded.

use anyhow::{Result, bail, ensure};

/// The mask of every frame to the server. It hides nothing here, but the protocol requires one.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
const FIN: u8 = 0x80;
const MASKED: u8 = 0x80;
const TEXT: u8 = 0x1;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xA;
/// Payload lengths that mean "two bytes follow" and "eight bytes follow".
const LENGTH_16: u8 = 126;
const LENGTH_64: u8 = 127;

/// A whole frame from the server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame<'a> {
    /// A complete message.
    Text(&'a [u8]),
    /// A ping to answer with the same bytes.
    Ping(&'a [u8]),
    /// The answer to a ping.
    Pong,
    /// The server closes the connection with this code.
    Close(u16),
}

/// Returns the first frame and its length, or `None` if it is not complete.
pub(crate) fn split(bytes: &[u8]) -> Result<Option<(Frame<'_>, usize)>> {
    let [first, second, rest @ ..] = bytes else { return Ok(None) };
    ensure!(second & MASKED == 0, "the server masked a frame");
    ensure!(first & FIN != 0, "the server split a message");
    let (length, header) = match second & !MASKED {
        LENGTH_16 => {
            let Some(length) = rest.first_chunk() else { return Ok(None) };
            (usize::from(u16::from_be_bytes(*length)), 4)
        }
        LENGTH_64 => {
            let Some(length) = rest.first_chunk() else { return Ok(None) };
            (usize::try_from(u64::from_be_bytes(*length))?, 10)
        }
        length => (usize::from(length), 2),
    };
    let end = header + length;
    let Some(payload) = bytes.get(header..end) else { return Ok(None) };
    let frame = match first & !FIN {
        TEXT => Frame::Text(payload),
        PING => Frame::Ping(payload),
        PONG => Frame::Pong,
        CLOSE => Frame::Close(payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code))),
        other => bail!("a frame with opcode {other} or a reserved bit"),
    };
    Ok(Some((frame, end)))
}

/// Appends a text frame as the server sends it: not masked.
pub(crate) fn append_server_text(out: &mut Vec<u8>, text: &[u8]) -> Result<()> {
    append_header(out, TEXT, 0, text.len())?;
    out.extend_from_slice(text);
    Ok(())
}

/// Appends a masked text frame.
pub(crate) fn append_text(out: &mut Vec<u8>, text: &[u8]) -> Result<()> {
    append_masked(out, TEXT, text)
}

/// Appends the answer to a ping.
pub(crate) fn append_pong(out: &mut Vec<u8>, payload: &[u8]) -> Result<()> {
    append_masked(out, PONG, payload)
}

fn append_masked(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) -> Result<()> {
    append_header(out, opcode, MASKED, payload.len())?;
    out.extend_from_slice(&MASK);
    out.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    Ok(())
}

fn append_header(out: &mut Vec<u8>, opcode: u8, masked: u8, length: usize) -> Result<()> {
    out.push(FIN | opcode);
    if let Some(short) = u8::try_from(length).ok().filter(|short| *short < LENGTH_16) {
        out.push(masked | short);
    } else {
        out.push(masked | LENGTH_16);
        out.extend_from_slice(&u16::try_from(length)?.to_be_bytes());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server_frame(text: &[u8]) -> Vec<u8> {
        let mut frame = Vec::new();
        append_server_text(&mut frame, text).unwrap();
        frame
    }

    #[test]
    fn frame_is_found_only_when_it_is_complete() {
        for length in [0, 1, 125, 126, 127, 300, 65_535] {
            let text = vec![b'x'; length];
            let frame = server_frame(&text);
            for cut in [0, 1, 2, 3, frame.len() / 2] {
                let cut = cut.min(frame.len() - 1);
                assert_eq!(split(&frame[..cut]).unwrap(), None, "{cut} of {length}");
            }
            let two = [frame.as_slice(), &frame].concat();
            assert_eq!(split(&two).unwrap(), Some((Frame::Text(&text), frame.len())));
        }
    }

    #[test]
    fn long_length_is_read_from_eight_bytes() {
        let mut frame = vec![FIN | TEXT, LENGTH_64, 0, 0, 0, 0, 0, 1, 0, 0];
        assert_eq!(split(&frame).unwrap(), None);
        frame.resize(10 + 65_536, b'x');
        let (found, length) = split(&frame).unwrap().unwrap();
        assert_eq!((found, length), (Frame::Text(&frame[10..]), frame.len()));
    }

    #[test]
    fn control_frames_are_distinguished() {
        let close = [FIN | CLOSE, 2, 0x0f, 0xa9];
        assert_eq!(split(&close).unwrap(), Some((Frame::Close(4009), 4)));
        assert_eq!(split(&[FIN | CLOSE, 0]).unwrap(), Some((Frame::Close(1005), 2)));
        assert_eq!(split(&[FIN | PING, 1, 7]).unwrap(), Some((Frame::Ping(&[7]), 3)));
        assert_eq!(split(&[FIN | PONG, 0]).unwrap(), Some((Frame::Pong, 2)));
    }

    #[test]
    fn masked_split_and_unknown_frames_are_refused() {
        let mut masked = Vec::new();
        append_text(&mut masked, b"hello").unwrap();
        for bad in [masked.as_slice(), &[TEXT, 0], &[FIN | 0x2, 0], &[FIN | 0x40 | TEXT, 0]] {
            assert!(split(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn mask_is_undone_with_the_key_in_the_frame() {
        for length in [0, 3, 125, 126, 300] {
            let text: Vec<u8> = (0..=u8::MAX).cycle().take(length).collect();
            let mut frame = Vec::new();
            append_text(&mut frame, &text).unwrap();
            let header = if length < 126 { 2 } else { 4 };
            assert_eq!(frame[1] & MASKED, MASKED);
            let (key, payload) = frame[header..].split_at(4);
            let unmasked: Vec<u8> =
                payload.iter().zip(key.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
            assert_eq!(unmasked, text);
        }
    }
}
