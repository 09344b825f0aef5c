//! The contracts of presence's ports, as tests for every backend. Each promise of a port is a
//! function in the file of the port's name. A macro turns them into tests.
#![expect(clippy::unwrap_used, reason = "tests for use by other crates")]

pub mod last_seen;
pub mod leases;

use std::sync::LazyLock;

use chat_core::{
    id::Snowflake,
    time::{Clock, SystemClock, Timestamp},
};

/// The tests of one process share a clock, so that no two of them make the same id.
static CLOCK: LazyLock<SystemClock> =
    LazyLock::new(|| SystemClock::new(u16::try_from(std::process::id() % 1_024).unwrap()));

/// Returns an id that no other test has.
fn fresh<Id: From<Snowflake>>() -> Id {
    Id::from(CLOCK.fresh_id())
}

const fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}
