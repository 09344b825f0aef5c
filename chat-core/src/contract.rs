//! What every backend has to keep, as tests: a port's promises are functions in the file of its
//! name, each named for what it promises and listed by a macro that makes tests of them.
#![expect(clippy::unwrap_used, reason = "these are tests, for other crates' use")]

mod scene;
mod stores;

pub mod accounts;
pub mod bus;
pub mod conversations;
pub mod cursors;
pub mod erase;
pub mod limiter;
pub mod log;
pub mod log_depth;
pub mod log_race;
pub mod logins;
pub mod members;
pub mod overlays;
pub mod replies;
