//! Reading stored values.

use chat_core::{error::StoreError, model::Seq};

/// How a read treats lightweight transactions in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadMode {
    /// Reads at a quorum: sees everything that was acknowledged.
    Quorum,
    /// Reads serially: first completes or discards what is in flight in the partition, so that a
    /// write which this read does not see will never appear.
    Serial,
}

/// Reads a stored number, which is never negative.
pub(super) fn read_u64(value: i64) -> Result<u64, StoreError> {
    u64::try_from(value).map_err(corrupt)
}

/// Reads a stored seq.
pub(super) fn read_seq(value: i64) -> Result<Seq, StoreError> {
    read_u64(value).map(Seq::new)
}

/// The error for stored values that do not fit the schema or break a promise.
pub(super) fn corrupt(error: impl std::fmt::Display) -> StoreError {
    StoreError::Corrupt(error.to_string())
}
