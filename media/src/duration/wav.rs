//! Wave: RIFF chunks with a rate and the samples.

use super::Length;
use crate::input::Input;

pub(super) fn length(bytes: &[u8]) -> Option<Length> {
    let mut input = Input::new(bytes);
    input.take(12)?;
    let mut bytes_per_second = None;
    loop {
        let name = input.array()?;
        let length = input.le32()?;
        match &name {
            b"fmt " => bytes_per_second = rate(Input::new(input.take_long(length.into())?)),
            b"data" => {
                // A program that streams writes a length before it knows it.
                let rest = u64::try_from(input.rest().len()).ok()?;
                let units = if length == 0 { rest } else { rest.min(length.into()) };
                return Some(Length { units, units_per_second: bytes_per_second?.into() });
            }
            _ => drop(input.take_long(length.into())?),
        }
        if length % 2 == 1 {
            input.byte()?;
        }
    }
}

/// Reads the bytes for each second, after the format, the channels and the rate of samples.
fn rate(mut format: Input<'_>) -> Option<u32> {
    format.take(8)?;
    format.le32()
}
