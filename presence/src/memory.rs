//! The ports in memory: the executable specification, which a single gateway also runs on.

mod last_seen;
mod leases;

pub use last_seen::MemoryLastSeen;
pub use leases::{LeaseHub, MemoryLeases};

#[cfg(test)]
mod tests {
    #![expect(clippy::unused_async, reason = "other backends open asynchronously")]

    use std::sync::Arc;

    use tokio_util::{
        sync::{CancellationToken, DropGuard},
        task::TaskTracker,
    };

    use super::*;
    use crate::port::{LastSeen, Leases};

    async fn open() -> (DropGuard, Vec<Arc<dyn Leases>>) {
        tokio::time::pause();
        let stop = CancellationToken::new();
        let hub = LeaseHub::start(&TaskTracker::new(), stop.clone());
        (stop.drop_guard(), (0..2).map(|_| Arc::new(hub.leases()) as Arc<dyn Leases>).collect())
    }

    async fn open_last_seen() -> ((), Arc<dyn LastSeen>) {
        ((), Arc::new(MemoryLastSeen::default()))
    }

    crate::leases_contract!(open);
    crate::last_seen_contract!(open_last_seen);
}
