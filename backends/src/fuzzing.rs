//! Entrances to private parsers, for fuzz targets.

use presence::Reading;

pub use crate::embedded::{RECORDS, reencode};

/// Returns the number in a commit record of the embedded store, or `None` if it is damaged.
pub fn commit_record(record: &[u8]) -> Option<u64> {
    crate::embedded::read_commit_record(record).ok()
}

/// Returns the name of a topic in Redis as a gateway writes it, or `None` for any other name.
pub fn topic(name: &[u8]) -> Option<String> {
    crate::redis::Topic::parse(name).map(|topic| topic.to_string())
}

/// Returns a user's devices from the fields and values that Redis returned. The leases are given as
/// gateway, whether it is alive, and the time of its last renewal.
pub fn devices(fields: Vec<Vec<u8>>, leases: Vec<(String, bool, String)>) -> Vec<Reading> {
    crate::redis::readings(&(true, vec![fields], leases))
}
