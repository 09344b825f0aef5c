//! The wire format: JSON in both directions, as `docs/protocol.md` says to the letter.
//!
//! In reading order: [`value`] is single values, [`fields`] takes an object apart so that each fault
//! names its member, [`body`] is what clients send over REST, [`command`] a frame of theirs;
//! [`entry`], [`answer`], [`event`] and [`reply`] are what they get. Shape only: what a text may be
//! is the domain's to say. No input makes this panic, and nothing here keeps a buffer it was given.

pub mod answer;
pub mod body;
pub mod command;
pub mod entry;
pub mod event;
pub mod fields;
pub mod poll;
pub mod reply;
pub mod value;

#[cfg(test)]
mod tests;

pub use command::{ClientCommand, ClientName, Hello, Unreadable, parse};
pub use event::{JsonEncode, presence_event};
pub use reply::{Empty, reply, reply_error, reply_ok};
use serde::Serialize;

/// The WebSocket's subprotocol.
pub const SUBPROTOCOL: &str = "confab.v1.json";

/// Writes a value of ours: writing to memory does not fail, and our maps have texts for keys.
pub(crate) fn write_json(out: &mut Vec<u8>, value: &impl Serialize) {
    if let Err(error) = serde_json::to_writer(out, value) {
        tracing::error!(%error, "value has no JSON form");
    }
}
