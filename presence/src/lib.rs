//! Presence: who is online, and when the others were last seen.
//!
//! Presence is a lease. A device counts while its gateway renews its lease, so nobody has to notice
//! that a gateway died. In reading order: [`limits`] has the promised times; [`model`] describes
//! people and their devices, and [`evaluate()`] is the pure rule that derives one from the other;
//! [`heartbeats`] decides when an absence may be believed; [`port`] is what presence needs from
//! outside; [`Tracker`] is a gateway's part; [`memory`] implements the ports in this process and is
//! the executable specification; `contract` tests every backend of the ports.

pub mod evaluate;
pub mod heartbeats;
mod jitter;
pub mod limits;
pub mod memory;
pub mod model;
pub mod port;
mod tracker;

#[cfg(any(test, feature = "contract"))]
pub mod contract;

pub use evaluate::evaluate;
pub use model::{Activity, Device, Lease, Presence, Reading, Status};
pub use port::{
    Acquaintances, Change, LastSeen, Leases, LeasesError, PresenceListener, Publication, Renewal,
    Term,
};
pub use tracker::{Hold, LastSeenPolicy, TooManyWatched, Tracker, TrackerParts, Watcher};
