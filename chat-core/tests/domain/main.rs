//! The domain on memory ports and paused time: several gateways on one store.
#![expect(clippy::unwrap_used, reason = "tests")]

mod acquaintance;
mod bounds;
mod busy;
mod conversations;
mod doubtful;
mod fanout;
mod faults;
mod feeds;
mod founding;
mod hooked;
mod late;
mod leaving;
mod openings;
mod pictures;
mod race;
mod removals;
mod rights;
mod scene;
mod sessions;
mod stale_heads;
mod upkeep;
