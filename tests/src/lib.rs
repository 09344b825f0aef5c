//! The harness: real processes, clients that speak the protocol page, and a checker of histories.
//!
//! In reading order: [`process`] (a child with a log, signals and an end), [`gateway`], [`redis`]
//! and [`cassandra`] (the servers a test needs), [`client`] (HTTP, users, WebSocket), [`session`]
//! (one scenario over every transport), [`stage`] (a gateway with people on it), [`checker`]
//! (which promise a recorded history breaks), [`cluster`] and [`crowd`] (several gateways, and many
//! people on them), [`drill`] (the same with figures).
//!
//! It knows the product by its protocol and its command line only: no crate of it is linked here.

pub mod cassandra;
pub mod chance;
pub mod checker;
pub mod client;
pub mod cluster;
pub mod crowd;
pub mod drill;
pub mod gateway;
pub mod patience;
pub mod process;
pub mod record;
pub mod redis;
pub mod servers;
pub mod session;
pub mod shape;
pub mod stage;

pub use anyhow::{Context, Result, bail, ensure};
pub use serde_json::{Value, json};
