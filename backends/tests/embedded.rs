//! The embedded store keeps the promises of all store ports.
#![expect(clippy::unwrap_used, reason = "a test may end so")]

use std::sync::Arc;

use backends::embedded::{Embedded, EmbeddedConfig};
use chat_core::port::Stores;
use presence::LastSeen;
use tempfile::TempDir;

#[expect(clippy::unused_async, reason = "the contract also opens stores that it has to connect to")]
async fn open() -> ((Embedded, TempDir), Vec<Stores>) {
    let dir = tempfile::tempdir().unwrap();
    let embedded = Embedded::open(&EmbeddedConfig::new(dir.path())).unwrap();
    let stores = vec![embedded.stores(), embedded.stores()];
    ((embedded, dir), stores)
}

chat_core::store_contract!(open);

#[expect(clippy::unused_async, reason = "as above")]
async fn open_last_seen() -> ((Embedded, TempDir), Arc<dyn LastSeen>) {
    let dir = tempfile::tempdir().unwrap();
    let embedded = Embedded::open(&EmbeddedConfig::new(dir.path())).unwrap();
    let last_seen = embedded.last_seen();
    ((embedded, dir), last_seen)
}

presence::last_seen_contract!(open_last_seen);
