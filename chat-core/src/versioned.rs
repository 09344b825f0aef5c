//! Binary records: one version byte, then the value in postcard's format.
//!
//! Stores and hints use it. Postcard writes fields and enum variants in the order in which they
//! are declared, without names: reordering either changes the format. The tests of [`crate::model`]
//! pin the bytes. A change of format needs a new version.

use serde::{Serialize, de::DeserializeOwned};

/// The version that [`encode`] writes, and the only one that [`decode`] reads.
pub const VERSION: u8 = 1;

/// The size in bytes that most records do not exceed.
const TYPICAL_BYTES: usize = 256;

/// Why bytes could not be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The version byte names a version that this program does not know.
    #[error("unknown format version {0}")]
    UnknownVersion(u8),
    /// The bytes are damaged, cut off, followed by others, or break a rule of the type.
    #[error("malformed record")]
    Malformed,
}

/// Encodes a record.
///
/// # Panics
/// If the type asks serde for something that postcard cannot write, such as a sequence of unknown
/// length. No derived type does.
pub fn encode<T: Serialize + ?Sized>(record: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(TYPICAL_BYTES);
    bytes.push(VERSION);
    postcard::to_extend(record, bytes).expect("postcard writes every derived type")
}

/// Encodes a record, and passes the bytes on. A record of ordinary size needs no memory of its own.
///
/// # Panics
/// As [`encode`].
pub fn with_encoded<T: Serialize + ?Sized, R>(record: &T, use_bytes: impl FnOnce(&[u8]) -> R) -> R {
    let mut buffer = [VERSION; TYPICAL_BYTES];
    match postcard::to_slice(record, &mut buffer[1..]).map(|encoded| encoded.len()) {
        Ok(length) => use_bytes(&buffer[..=length]),
        Err(_) => use_bytes(&encode(record)),
    }
}

/// Decodes a record that [`encode`] wrote, and nothing else: all bytes must belong to it.
///
/// Never panics. Allocates in proportion to the length of `bytes`, whatever lengths they claim.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    match bytes.split_first() {
        None => Err(DecodeError::Malformed),
        Some((&VERSION, encoded)) => match postcard::take_from_bytes(encoded) {
            Ok((record, [])) => Ok(record),
            Ok(_) | Err(_) => Err(DecodeError::Malformed),
        },
        Some((version, _)) => Err(DecodeError::UnknownVersion(*version)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_encode_give_the_same_bytes_when_records_are_small_or_large() {
        for length in [0, 1, TYPICAL_BYTES - 4, TYPICAL_BYTES - 3, TYPICAL_BYTES, 10_000] {
            let record = "x".repeat(length);
            assert_eq!(with_encoded(&record, <[u8]>::to_vec), encode(&record), "{length}");
        }
    }

    #[test]
    fn decode_refuses_an_unknown_version_by_number() {
        assert_eq!(decode::<u64>(&[VERSION, 7]), Ok(7));
        assert_eq!(decode::<u64>(&[VERSION + 1, 7]), Err(DecodeError::UnknownVersion(2)));
    }

    #[test]
    fn decode_refuses_missing_and_surplus_bytes() {
        let whole = encode(&(7_u64, "seven"));
        assert_eq!(decode(&whole), Ok((7_u64, "seven".to_owned())));
        for length in 0..whole.len() {
            assert_eq!(decode::<(u64, String)>(&whole[..length]), Err(DecodeError::Malformed));
        }
        let surplus = [&whole[..], &[0]].concat();
        assert_eq!(decode::<(u64, String)>(&surplus), Err(DecodeError::Malformed));
    }

    #[test]
    fn decode_does_not_trust_a_claimed_length() {
        let claims_u64_max = [&[VERSION][..], &[0xFF; 9], &[1]].concat();
        assert_eq!(decode::<Vec<[u64; 16]>>(&claims_u64_max), Err(DecodeError::Malformed));
        assert_eq!(decode::<String>(&claims_u64_max), Err(DecodeError::Malformed));
    }
}
