//! Who is here, and when they were last seen.
//!
//! Presence is a lease: what a living gateway renews is here, what is not renewed ends, and nobody
//! has to notice a death. In reading order: [`limits`] are the promised times; [`model`] is what is
//! said about people and their devices, and [`evaluate()`] is the one pure rule between the two;
//! [`steady`] says when an absence may be believed; [`port`] is what is needed from outside;
//! [`Tracker`] is a gateway's part; [`memory`] keeps the ports in this process, as the executable
//! specification, and `contract` holds every backend to them.

pub mod evaluate;
mod jitter;
pub mod limits;
pub mod memory;
pub mod model;
pub mod port;
pub mod steady;
mod tracker;

#[cfg(any(test, feature = "contract"))]
pub mod contract;

pub use evaluate::evaluate;
pub use model::{Activity, Device, Lease, Presence, Reading, Status};
pub use port::{
    Acquaintances, Audience, Change, LastSeen, Leases, LeasesError, Publication, Renewed, Term,
};
pub use tracker::{Hold, Keeping, Parts, TooManyWatched, Tracker, Watcher};
