//! Everything that talks to a disk or to a server that is not ours.

pub mod blobs;
pub mod embedded;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
pub mod redis;
pub mod scylla;
pub mod search;
pub mod tls;
