//! Gateways, clients and faults in one thread, from one seed.
//!
//! One run is a fleet of real [`chat_core::chat::Chat`] gateways on one store and one bus, and people
//! who use them over sockets and polls. The seed chooses the fleet, the faults and every step, time is
//! simulated, and so the same seed makes the same history. The checker judges that history.
//!
//! In reading order: [`plan`] is what a seed enables. `world` has everything that a run shares:
//! `site` is one gateway, `store` what they share, `trouble` makes its store calls fail, `buckets`
//! splits logs as a CQL store does, `clock` steps, `wire` encodes events, `record` writes the
//! history. `people` act, also with their `logins`, their `device`s read, `chaos` breaks things.
//! `settle` repairs them and asks for everything, and [`run`] puts it together.
//!
//! [`regions`] is a model of its own: two regions that decide one log.

mod buckets;
mod chaos;
mod clock;
mod commands;
mod device;
mod logins;
mod people;
pub mod plan;
mod record;
pub mod regions;
pub mod run;
mod settle;
mod site;
mod store;
mod trouble;
mod truth;
mod wire;
mod world;
