//! Stored values: what is decoded is written and decoded as the same record.
//!
//! The first byte of an input chooses the record. The last choice is a commit record.

use backends::fuzzing::{RECORDS, commit_record, reencode};

use super::memory::bounded;

/// Bytes that decoding and encoding may allocate for each byte of a value.
const FACTOR: usize = 512;
/// Bytes that they may allocate for any value.
const BASE_BYTES: usize = 4_096;

pub(crate) fn check(input: &[u8]) {
    let Some((kind, value)) = input.split_first() else { return };
    let kind = usize::from(*kind) % (RECORDS.len() + 1);
    let Some(name) = RECORDS.get(kind) else {
        assert!(commit_record(value).is_none() || value.len() == 32);
        return;
    };
    let bytes_max = BASE_BYTES + FACTOR * value.len();
    let Some(written) = bounded(bytes_max, || reencode(name, value)) else { return };
    assert!(written.len() <= value.len(), "{name}: {} bytes from {}", written.len(), value.len());
    assert_eq!(reencode(name, &written).as_deref(), Some(&*written), "{name}");
}
