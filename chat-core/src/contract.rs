//! Contract tests: what every implementation of a port must do.
//!
//! Each file has the tests of one port. A macro lists them and makes a test of each in the crate
//! that implements the port. Words in parentheses, such as "(lost-write)", name the anomalies that
//! a test rules out; the checker of the end-to-end tests uses the same names.
#![expect(clippy::unwrap_used, reason = "these are tests, which other crates run")]

mod fixtures;
mod stores;

pub mod accounts;
pub mod blobs;
pub mod bus;
pub mod consents;
pub mod conversations;
pub mod cursors;
pub mod erase;
pub mod invites;
pub mod limiter;
pub mod log;
pub mod log_depth;
pub mod log_race;
pub mod logins;
pub mod members;
pub mod overlays;
pub mod replies;
pub mod search;
pub mod uploads;
