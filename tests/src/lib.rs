//! The test harness: real processes, clients of the documented protocol, and a checker of histories.
//!
//! In reading order: [`process`] (a child process with a log and signals), [`gateway`], [`redis`] and
//! [`cassandra`] (servers), [`certificates`], [`client`] (HTTP, users, WebSocket), [`session`] (one scenario over every
//! transport), [`stage`] (a gateway with users), [`checker`] (which promise a recorded history
//! breaks), [`cluster`] and [`crowd`] (several gateways with many users), [`drill`] (the same with
//! figures), [`campaign`] (many short schedules of random faults, also through a [`proxy`]), [`attack`]
//! (one gateway, attackers, and users who must not notice them).
//!
//! It uses the product's protocol and command line only and links none of its crates.

pub mod attack;
pub mod campaign;
pub mod cassandra;
pub mod certificates;
pub mod chance;
pub mod client;
pub mod cluster;
pub mod crowd;
pub mod drill;
mod figures;
pub mod files;
pub mod gateway;
pub mod images;
mod maven;
pub mod opensearch;
pub mod patience;
mod people;
pub mod process;
pub mod proxy;
pub mod record;
pub mod redis;
pub mod s3;
pub mod servers;
pub mod session;
pub mod shape;
pub mod stage;

pub use ::checker;
pub use anyhow::{Context, Result, bail, ensure};
pub use serde_json::{Value, json};
