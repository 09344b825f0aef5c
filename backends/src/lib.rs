//! Everything that talks to a disk or to a server that is not ours.
//!
//! What opens a server returns a boxed future. Otherwise each crate that awaits it compiles the driver again.

pub mod blobs;
pub mod embedded;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
pub mod redis;
pub mod scylla;
pub mod search;
pub mod tls;
