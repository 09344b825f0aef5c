//! The domain of Confab, without a socket, a disk or a wire format.
//!
//! In reading order: [`id`], [`time`], [`random`], [`limits`] and [`error`] are the basic types. [`model`] is
//! what is stored. [`command`] and [`event`] are what comes in and goes out, and [`chat`] is the one
//! entrance. [`write`] carries a command to a log; `feed` delivers entries to the [`outbox`] of each
//! session, and a [`session`] is what a transport reads. [`accounts`] has users and logins, and
//! [`search`] finds messages. [`port`]
//! is what the domain needs from outside, and [`projection`] what an entry changes besides its log.
//! [`memory`] implements the ports in memory. [`hint`] is what gateways send each other, and
//! [`versioned`] encodes records and hints. For tests, [`contract`] checks every implementation of a
//! port, [`faults`] makes ports fail, and
//! [`planted`] has defects to be found.

pub mod accounts;
pub mod attachments;
mod boundaries;
pub mod budget;
pub mod chat;
pub mod command;
pub mod consent;
mod context;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod conversation;
mod directory;
mod display_name;
mod emoji;
pub mod error;
pub mod event;
#[cfg(any(test, feature = "contract"))]
pub mod faults;
mod feed;
pub mod hint;
pub mod id;
pub mod id_map;
pub mod limiter;
pub mod limits;
mod log;
pub mod memory;
pub mod model;
pub mod name_words;
pub mod outbox;
pub mod passwords;
pub mod planted;
pub mod port;
pub mod ports;
pub mod projection;
pub mod random;
pub mod revocations;
pub mod search;
pub mod session;
mod sharded;
pub mod time;
mod users;
pub mod versioned;
pub mod view;
mod visible;
pub mod write;
