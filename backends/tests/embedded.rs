//! The embedded store keeps the promises of all store ports.
#![expect(clippy::unwrap_used, reason = "a test may end so")]

use backends::embedded::{Embedded, EmbeddedConfig};
use chat_core::port::Stores;
use tempfile::TempDir;

#[expect(clippy::unused_async, reason = "the contract waits for stores that have to be reached")]
async fn open() -> ((Embedded, TempDir), Vec<Stores>) {
    let dir = tempfile::tempdir().unwrap();
    let embedded = Embedded::open(&EmbeddedConfig::new(dir.path())).unwrap();
    let stores = vec![embedded.stores(), embedded.stores()];
    ((embedded, dir), stores)
}

chat_core::store_contract!(open);
