//! Hints between gateways. The bus may lose, repeat and reorder; the store is the truth.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::mpsc::Receiver;

use crate::id::{ConversationId, UserId};

/// What a hint is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    /// A conversation: entries, receipts, typing.
    Conversation(ConversationId),
    /// A user: conversations added, log-outs, its own receipts on other devices.
    User(UserId),
    /// All gateways: revoked logins.
    Gateways,
}

/// What came over the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival {
    /// A hint, untrusted in shape.
    Hint {
        /// Where it was published.
        channel: Channel,
        /// What was published.
        payload: Bytes,
    },
    /// Hints may have been lost since the last arrival: ask the store.
    Lost,
}

/// Why the bus did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("bus unavailable: {0}")]
pub struct BusError(pub String);

/// Hints between gateways.
#[async_trait]
pub trait Bus: Send + Sync + fmt::Debug {
    /// Sends a hint to the other gateways that subscribe to the channel. Never waits; what cannot
    /// be sent is dropped and counted. A gateway may hear its own hints.
    fn publish(&self, channel: Channel, payload: Bytes);

    /// Subscribes; when it returns `Ok`, what others publish from now on arrives unless lost. After
    /// an error the bus goes on trying by itself, and reports `Lost` when it has succeeded.
    async fn subscribe(&self, channels: &[Channel]) -> Result<(), BusError>;

    /// Ends subscriptions; hints may come for a while longer.
    async fn unsubscribe(&self, channels: &[Channel]);

    /// The one stream of what arrives. `None` after the first call.
    fn arrivals(&self) -> Option<Receiver<Arrival>>;

    /// Returns false if this gateway is the only one, so that there is nothing to receive.
    fn has_others(&self) -> bool;

    /// Whether hints pass now; while they do not, gateways look into the store more often.
    fn is_up(&self) -> bool;
}
