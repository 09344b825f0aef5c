//! AAC without a container: frames that say their length (ISO 13818-7, section 6.2).

use super::Length;

/// Samples of a block.
const BLOCK: u64 = 1_024;

/// Counts the frames.
pub(super) fn length(bytes: &[u8]) -> Option<Length> {
    let first = Frame::read(bytes)?;
    let (mut rest, mut blocks) = (bytes, 0);
    while let Some(frame) = Frame::read(rest).filter(|frame| frame.rate == first.rate) {
        blocks += frame.blocks;
        rest = rest.get(frame.bytes..).unwrap_or_default();
    }
    Some(Length { units: blocks * BLOCK, units_per_second: first.rate })
}

struct Frame {
    bytes: usize,
    blocks: u64,
    rate: u64,
}

impl Frame {
    /// Reads the header. `None` also for a frame that says that it is shorter than its header.
    fn read(at: &[u8]) -> Option<Self> {
        const RATES: [u64; 13] = [
            96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025,
            8_000, 7_350,
        ];
        let [sync, kind, rate, high, middle, low, blocks] = *at.first_chunk()?;
        let rate = *RATES.get(usize::from((rate >> 2) & 0xF))?;
        let bytes = u32::from_be_bytes([0, high & 3, middle, low]) >> 5;
        let is_frame = sync == 0xFF && kind & 0xF6 == 0xF0 && bytes >= 7;
        let bytes = usize::try_from(bytes).ok()?;
        is_frame.then_some(Self { bytes, blocks: u64::from(blocks & 3) + 1, rate })
    }
}
