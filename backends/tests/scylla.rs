//! The contract suites of the store ports and of last-seen times, on a CQL store.
#![expect(clippy::unwrap_used, reason = "a failed test may panic")]

#[expect(dead_code, reason = "this test file uses a part of it")]
#[path = "scylla/keyspace.rs"]
mod keyspace;

use std::sync::Arc;

use backends::scylla::Scylla;
use chat_core::{memory::MemoryStores, port::Stores};
use presence::{memory::MemoryLastSeen, port::LastSeen};

use crate::keyspace::TestKeyspace;

/// Connects two gateways to the keyspace that all tests share. Without a server, the suite runs on
/// the store in memory.
async fn open() -> (Option<[Scylla; 2]>, Vec<Stores>) {
    let Some(keyspace) = TestKeyspace::shared("contract", 4_096).await else {
        return (None, vec![MemoryStores::new()]);
    };
    let gateways = [keyspace.connect().await, keyspace.connect().await];
    let stores = gateways.iter().map(Scylla::stores).collect();
    (Some(gateways), stores)
}

async fn open_last_seen() -> (Option<Scylla>, Arc<dyn LastSeen>) {
    let Some(keyspace) = TestKeyspace::shared("contract", 4_096).await else {
        return (None, Arc::new(MemoryLastSeen::default()));
    };
    let gateway = keyspace.connect().await;
    let last_seen = gateway.last_seen();
    (Some(gateway), last_seen)
}

mod stores {
    use super::*;

    chat_core::store_contract!(open);
}

mod last_seen {
    use super::*;

    presence::last_seen_contract!(open_last_seen);
}
