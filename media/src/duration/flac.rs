//! FLAC: the first block says how many samples follow (RFC 9639, section 8.2).

use super::Length;
use crate::input::Input;

pub(super) fn length(bytes: &[u8]) -> Option<Length> {
    stream_info(&bytes[4.min(bytes.len())..])
}

/// Reads the first block, which Ogg has too.
pub(super) fn stream_info(block: &[u8]) -> Option<Length> {
    let mut input = Input::new(block);
    let kind = input.byte()? & 0x7F;
    // The length of the block, and the sizes of other blocks and frames.
    input.take(3 + 10)?;
    let bits = input.be64()?;
    let is_first = kind == 0;
    // 20 bits for the rate, 8 for channels and depth, 36 for the number of samples.
    is_first.then_some(Length { units: bits & 0xF_FFFF_FFFF, units_per_second: bits >> 44 })
}
