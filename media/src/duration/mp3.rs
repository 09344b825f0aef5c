//! MP3: a header with the number of frames, or all frames counted (ISO 11172-3, section 2.4).

use super::Length;
use crate::input::Input;

/// Before the sound there may be a tag, and before its first frame some bytes of rubbish.
pub(super) fn length(bytes: &[u8]) -> Option<Length> {
    let mut sound = after_tag(bytes);
    let first = loop {
        if let Some(frame) = Frame::read(sound) {
            break frame;
        }
        sound = sound.get(1..)?;
    };
    let frames = announced_frames(sound, &first).unwrap_or_else(|| count_frames(sound, &first));
    Some(Length { units: frames * first.samples, units_per_second: first.rate.into() })
}

/// Skips an ID3v2 tag. Its length has 7 bits in each byte.
fn after_tag(bytes: &[u8]) -> &[u8] {
    let mut input = Input::new(bytes);
    let is_tagged = input.take(3) == Some(b"ID3");
    let Some([_version, _revision, _flags, a, b, c, d]) = input.array().filter(|_| is_tagged)
    else {
        return bytes;
    };
    let length = [a, b, c, d].iter().fold(0, |sum, bits| (sum << 7) | usize::from(bits & 0x7F));
    input.take(length);
    input.rest()
}

/// What the four bytes before a frame say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Frame {
    bytes: usize,
    samples: u64,
    rate: u32,
    /// Where the first frame may have a header with the number of frames.
    side_bytes: usize,
}

impl Frame {
    fn read(at: &[u8]) -> Option<Self> {
        /// In kbit/s, for the first version and for the later ones.
        const BIT_RATES: [[u32; 15]; 2] = [
            [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
            [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
        ];
        const RATES: [u32; 3] = [44_100, 48_000, 32_000];
        let [sync, kind, sizes, channels] = *at.first_chunk()?;
        let is_layer_3 = sync == 0xFF && kind & 0xE6 == 0xE2;
        let version = (kind >> 3) & 3;
        let (is_first, divisor) = match version {
            3 => (true, 1),
            2 => (false, 2),
            0 => (false, 4),
            _ => return None,
        };
        let bit_rate = *BIT_RATES[usize::from(!is_first)].get(usize::from(sizes >> 4))?;
        let rate = RATES.get(usize::from((sizes >> 2) & 3))? / divisor;
        if !is_layer_3 || bit_rate == 0 {
            return None;
        }
        let samples: u32 = if is_first { 1_152 } else { 576 };
        let padding = u32::from((sizes >> 1) & 1);
        let bytes = usize::try_from(samples / 8 * bit_rate * 1_000 / rate + padding).ok()?;
        let is_mono = channels >> 6 == 3;
        let side_bytes = match (is_first, is_mono) {
            (true, false) => 32,
            (true, true) | (false, false) => 17,
            (false, true) => 9,
        };
        Some(Self { bytes, samples: samples.into(), rate, side_bytes })
    }
}

/// Reads the number of frames from the first frame, where encoders with a variable bit rate put it.
fn announced_frames(sound: &[u8], first: &Frame) -> Option<u64> {
    let xing = &sound[(4 + first.side_bytes).min(sound.len())..];
    let mut input = Input::new(xing);
    if [*b"Xing", *b"Info"].contains(&input.array()?) {
        let has_frames = input.be32()? & 1 != 0;
        return input.be32().filter(|_| has_frames).map(u64::from);
    }
    let mut input = Input::new(&sound[(4 + 32).min(sound.len())..]);
    if input.array()? != *b"VBRI" {
        return None;
    }
    input.take(10)?;
    input.be32().map(u64::from)
}

/// Counts the frames that have the rate of the first one.
fn count_frames(sound: &[u8], first: &Frame) -> u64 {
    let (mut rest, mut frames) = (sound, 0);
    while !rest.is_empty() {
        let frame = Frame::read(rest).filter(|frame| frame.rate == first.rate);
        frames += u64::from(frame.is_some());
        let bytes = frame.map_or(1, |frame| frame.bytes);
        rest = rest.get(bytes..).unwrap_or_default();
    }
    frames
}
