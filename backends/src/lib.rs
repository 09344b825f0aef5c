//! Everything that talks to a disk or to a server that is not ours.

pub mod embedded;
pub mod redis;
pub mod scylla;
pub mod tls;
