//! What every backend of presence has to keep, as tests: a port's promises are functions in the
//! file of its name, each named for what it promises and listed by a macro that makes tests of them.
#![expect(clippy::unwrap_used, reason = "these are tests, for other crates' use")]

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

/// An id that no other test has.
fn fresh<Id: From<Snowflake>>() -> Id {
    Id::from(CLOCK.fresh_id())
}

const fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}
