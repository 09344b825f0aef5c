//! How long a recording is, from its headers or from the times in it. Nothing is decoded.
//!
//! Browsers record WebM, Ogg and MPEG-4 without a length in the header, because they write it before
//! they know. So the times of what follows are read, too. Each format needs a page of code here; crates
//! that read all of them either lack WebM or decode and allocate by what a file claims.

mod adts;
mod boxes;
mod flac;
mod mp3;
mod mp4;
mod ogg;
mod wav;
mod webm;

use crate::{Kind, sniff};

/// Returns the length of a recording in milliseconds, or `None` if its bytes do not tell.
///
/// Reads each byte a fixed number of times at most, and allocates next to nothing. A WebM recording
/// without a length counts up to the start of its last packet, which browsers make 20 to 60 ms long.
pub fn audio_duration(bytes: &[u8]) -> Option<u32> {
    let length = match sniff(bytes) {
        Kind::Mp3 => mp3::length(bytes),
        Kind::Ogg => ogg::length(bytes),
        Kind::Flac => flac::length(bytes),
        Kind::Wav => wav::length(bytes),
        Kind::Aac => adts::length(bytes),
        Kind::M4a | Kind::Mp4 => mp4::length(bytes),
        Kind::Webm => webm::length(bytes),
        Kind::Other | Kind::Png | Kind::Jpeg | Kind::Gif | Kind::Webp => None,
    };
    length?.milliseconds()
}

/// A length in units such as samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Length {
    units: u64,
    units_per_second: u64,
}

impl Length {
    /// Returns the length, rounded. `None` for no time at all, and for more than 49 days.
    fn milliseconds(self) -> Option<u32> {
        let rate = u128::from(self.units_per_second);
        let rounded = (u128::from(self.units) * 1_000 + rate / 2).checked_div(rate)?;
        u32::try_from(rounded).ok().filter(|milliseconds| *milliseconds > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(units: u64, units_per_second: u64) -> Option<u32> {
        Length { units, units_per_second }.milliseconds()
    }

    #[test]
    fn length_is_rounded_and_bounded() {
        assert_eq!(ms(48_000, 48_000), Some(1_000));
        assert_eq!(ms(1, 1_999), Some(1));
        assert_eq!(ms(0, 48_000), None);
        assert_eq!(ms(48_000, 0), None);
        assert_eq!(ms(u64::MAX, 1), None);
    }
}
