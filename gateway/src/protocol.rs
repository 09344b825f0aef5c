//! The wire format `confab.v1.json`: one type for each thing that clients send or get.
//!
//! `docs/protocol.md` describes it. In reading order: [`value`] has single values and [`read`] turns
//! JSON objects into types. [`users`], [`sessions`], [`conversations`], [`invites`], [`messages`],
//! [`attachments`], [`search`] and [`poll`] are the bodies and answers of REST, [`list`] their lists. [`command`], [`hello`] and [`reply`] are the
//! WebSocket's. [`entry`] and [`event`] belong to all transports.
//!
//! These types check shapes. The domain checks content, such as the length of a text. No input causes
//! a panic.

pub mod attachments;
pub mod command;
pub mod conversations;
pub mod entry;
pub mod event;
pub mod hello;
pub mod invites;
pub mod list;
pub mod messages;
pub mod poll;
pub mod read;
pub mod reply;
pub(crate) mod schema;
pub mod search;
pub mod sessions;
pub mod users;
pub mod value;

#[cfg(test)]
mod tests;

pub use self::{
    command::{ClientCommand, Unreadable, parse},
    event::{JsonEncode, presence_event},
    hello::{ClientName, Hello},
    reply::{Empty, reply, reply_error, reply_ok},
    value::millis,
};
use serde::Serialize;

/// The WebSocket's subprotocol.
pub const SUBPROTOCOL: &str = "confab.v1.json";

/// Writes a value as JSON. Cannot fail for the types of this module, whose maps have string keys.
pub(crate) fn write_json(json: &mut Vec<u8>, value: &impl Serialize) {
    if let Err(error) = serde_json::to_writer(json, value) {
        tracing::error!(%error, "value has no JSON form");
    }
}
