//! The ports in this process: the executable specification, and what one gateway alone runs on.

mod last_seen;
mod leases;

pub use last_seen::MemoryLastSeen;
pub use leases::{MemoryHub, MemoryLeases};
