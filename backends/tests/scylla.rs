//! A CQL store keeps the promises of all store ports, and those of last seen.
#![expect(clippy::unwrap_used, reason = "a test may end so")]

#[expect(dead_code, reason = "this file of tests uses some of it")]
#[path = "scylla/stage.rs"]
mod stage;

use std::sync::Arc;

use backends::scylla::Scylla;
use chat_core::{memory::MemoryStores, port::Stores};
use presence::{memory::MemoryLastSeen, port::LastSeen};

use crate::stage::Stage;

/// Two gateways on one keyspace, which all promises share. The reference in memory stands in for a
/// server that is missing.
async fn open() -> (Option<[Scylla; 2]>, Vec<Stores>) {
    let Some(stage) = Stage::shared("contract", 4_096).await else {
        return (None, vec![MemoryStores::new()]);
    };
    let gateways = [stage.connect().await, stage.connect().await];
    let stores = gateways.iter().map(Scylla::stores).collect();
    (Some(gateways), stores)
}

async fn open_last_seen() -> (Option<Scylla>, Arc<dyn LastSeen>) {
    let Some(stage) = Stage::shared("contract", 4_096).await else {
        return (None, Arc::new(MemoryLastSeen::default()));
    };
    let gateway = stage.connect().await;
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
