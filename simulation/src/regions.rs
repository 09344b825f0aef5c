//! Two regions and a witness that decide one log: the protocol of `docs/two-regions.md`.
//!
//! This is a model of a design that the product does not implement. It is deterministic: gateways and
//! clients run in one thread with simulated time, and a seed chooses the faults.
//!
//! In reading order: [`replica`] is the log in one place, and all rules that keep it safe. `network`
//! carries requests between places, late or not at all. `gateway` sends, confirms, reads and takes
//! over. `clients` use it, `faults` break it, and [`run`] judges what happened. [`waits`] measures how
//! long a client waits.

mod clients;
mod faults;
mod gateway;
mod network;
pub mod replica;
pub mod run;
pub mod waits;
