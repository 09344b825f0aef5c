//! Ogg: pages that say how many samples were complete at their end (RFC 3533, RFC 7845).

use super::{Length, flac};
use crate::input::Input;

const CAPTURE: &[u8; 4] = b"OggS";
/// The flag of the first page of a stream.
const BEGINNING: u8 = 0x02;
/// The position of a page on which no packet ends.
const NO_POSITION: u64 = u64::MAX;
/// Opus counts in 48 kHz, whatever was recorded.
const OPUS_RATE: u64 = 48_000;

pub(super) fn length(bytes: &[u8]) -> Option<Length> {
    let (serial, sound) = first_sound(bytes)?;
    let last = last_position(bytes, serial)?;
    let units = last.saturating_sub(sound.samples_before);
    Some(Length { units, units_per_second: sound.rate })
}

struct Page<'a> {
    flags: u8,
    position: u64,
    serial: u32,
    body: &'a [u8],
}

impl<'a> Page<'a> {
    fn read(input: &mut Input<'a>) -> Option<Self> {
        let (capture, [_version, flags]) = (input.array()?, input.array()?);
        let position = u64::from_le_bytes(input.array()?);
        let serial = input.le32()?;
        // The number of the page, and its checksum.
        input.take(8)?;
        let segments = input.byte()?;
        let sizes = input.take(segments.into())?;
        let body = input.take(sizes.iter().map(|size| usize::from(*size)).sum())?;
        (&capture == CAPTURE).then_some(Self { flags, position, serial, body })
    }
}

/// The sound of a stream.
struct Sound {
    rate: u64,
    /// Samples that are decoded and not played.
    samples_before: u64,
}

/// Returns the serial number of the first stream with sound. The first pages of all streams come first.
fn first_sound(bytes: &[u8]) -> Option<(u32, Sound)> {
    let mut input = Input::new(bytes);
    loop {
        let page = Page::read(&mut input).filter(|page| page.flags & BEGINNING != 0)?;
        if let Some(sound) = sound(page.body) {
            return Some((page.serial, sound));
        }
    }
}

fn sound(first_packet: &[u8]) -> Option<Sound> {
    if let Some(rest) = first_packet.strip_prefix(b"OpusHead") {
        let mut rest = Input::new(rest);
        let [_version, _channels] = rest.array()?;
        return Some(Sound { rate: OPUS_RATE, samples_before: rest.le16()?.into() });
    }
    let rate = if let Some(rest) = first_packet.strip_prefix(b"\x01vorbis") {
        let mut rest = Input::new(rest);
        rest.take(5)?;
        rest.le32()?.into()
    } else if let Some(rest) = first_packet.strip_prefix(b"Speex   ") {
        let mut rest = Input::new(rest);
        rest.take(28)?;
        rest.le32()?.into()
    } else {
        // Two bytes of version, two for the number of headers, and FLAC's own name.
        let rest = first_packet.strip_prefix(b"\x7FFLAC")?.get(8..)?;
        flac::stream_info(rest)?.units_per_second
    };
    Some(Sound { rate, samples_before: 0 })
}

/// Searches for the stream's last page from the end.
fn last_position(bytes: &[u8], serial: u32) -> Option<u64> {
    let pages = memchr::memmem::rfind_iter(bytes, CAPTURE);
    let positions = pages.filter_map(|at| Page::read(&mut Input::new(&bytes[at..])));
    let of_stream = positions.filter(|page| page.serial == serial);
    of_stream.map(|page| page.position).find(|position| *position != NO_POSITION)
}
