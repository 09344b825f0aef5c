//! The domain of Confab, without a socket, a disk or a format.
//!
//! In reading order: [`id`], [`time`], [`limits`] and [`error`] are the small words; [`model`] is
//! what is stored; [`command`] and [`event`] are what comes in and goes out; [`conversation`]
//! decides, appends, folds and feeds; [`session`] is what a transport reads; [`chat`] is the one
//! door; [`accounts`] knows users and log-ins, and `shown` what a name is; [`port`] is what the
//! domain needs from outside, and [`projection`] what each entry changes there besides its log;
//! [`memory`] keeps it in memory and says by example what each port means, and [`contract`] holds
//! every backend to it.

pub mod accounts;
pub mod chat;
pub mod command;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
pub mod conversation;
mod directory;
pub mod error;
pub mod event;
pub mod hint;
pub mod id;
pub mod limiter;
pub mod limits;
pub mod memory;
pub mod model;
pub mod outbox;
pub mod passwords;
pub mod port;
pub mod ports;
pub mod projection;
pub mod revocations;
pub mod session;
mod shown;
pub mod time;
pub mod versioned;
pub mod view;
