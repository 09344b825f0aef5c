//! Numbers of bytes, such as `64MiB`.
//!
//! The unit is required, and what is written is what was read: the libraries for this accept
//! numbers without a unit and round what they print.

use serde::{Deserialize, Deserializer, Serializer, de::Error};

const UNITS: [(&str, u32); 4] = [("GiB", 30), ("MiB", 20), ("KiB", 10), ("B", 0)];

/// Writes a number of bytes in the largest unit that divides it.
pub(super) fn text(bytes: u64) -> String {
    let divides = |shift: u32| bytes.is_multiple_of(1 << shift) && bytes >> shift > 0;
    let (unit, shift) = UNITS.into_iter().find(|(_, shift)| divides(*shift)).unwrap_or(("B", 0));
    format!("{}{unit}", bytes >> shift)
}

fn parse(text: &str) -> Option<u64> {
    let (digits, shift) =
        UNITS.iter().find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, *shift)))?;
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = digits.parse().ok().filter(|_| is_plain)?;
    number.checked_mul(1 << shift)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
pub(super) fn serialize<S: Serializer>(bytes: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&text(*bytes))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).ok_or_else(|| D::Error::custom("not a number of bytes with a unit"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_is_read_as_it_is_written() {
        for (written, bytes) in [
            ("0B", 0),
            ("1B", 1),
            ("512B", 512),
            ("64KiB", 64 << 10),
            ("1025B", 1025),
            ("64MiB", 64 << 20),
            ("3GiB", 3 << 30),
        ] {
            assert_eq!(parse(written), Some(bytes), "{written}");
            assert_eq!(text(bytes), written);
        }
        assert_eq!(parse("1024MiB"), Some(1 << 30));
    }

    #[test]
    fn size_is_refused_without_unit_or_digits() {
        for bad in ["", "64", "MiB", "+1B", "1.5GiB", "1 MiB", "64MB", "17179869184GiB"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
