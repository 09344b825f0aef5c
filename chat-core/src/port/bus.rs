//! The bus that carries hints between gateways. It may lose, repeat and reorder them.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::mpsc::Receiver;

use crate::id::{ConversationId, UserId};

/// The topic of a hint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    /// A conversation: its entries, receipts and typing.
    Conversation(ConversationId),
    /// A user: conversations that the user was added to, and receipts from the user's devices.
    User(UserId),
    /// All gateways: ended logins.
    Gateways,
}

/// What a gateway receives from the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival {
    /// A hint. Its bytes are not trusted.
    Hint {
        /// The channel that it was published on.
        channel: Channel,
        /// The published bytes.
        payload: Bytes,
    },
    /// Hints may have been lost since the last arrival, so the gateway must read the store.
    Lost,
}

/// The bus could not subscribe.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("bus unavailable: {0}")]
pub struct BusError(pub String);

/// Carries hints between gateways.
#[async_trait]
pub trait Bus: Send + Sync + fmt::Debug {
    /// Sends a hint to the other gateways that subscribe to the channel. Never waits: a hint that
    /// cannot be sent is dropped and counted. A gateway may receive its own hints.
    fn publish(&self, channel: Channel, payload: Bytes);

    /// Subscribes to channels. After `Ok`, what others publish from now on arrives unless it is
    /// lost. After an error the bus retries by itself, and sends [`Arrival::Lost`] once it has
    /// subscribed.
    async fn subscribe(&self, channels: &[Channel]) -> Result<(), BusError>;

    /// Ends subscriptions. Hints may still arrive for a short time.
    async fn unsubscribe(&self, channels: &[Channel]);

    /// Returns the stream of everything that arrives, or `None` after the first call.
    fn arrivals(&self) -> Option<Receiver<Arrival>>;

    /// Returns false if this gateway is the only one, so that there is nothing to receive.
    fn has_others(&self) -> bool;

    /// Returns true while the bus is connected. While it is not, gateways read the store more
    /// often.
    fn is_up(&self) -> bool;

    /// Returns true if a recent probe proved that hints arrive. Every hint that others published
    /// before the probe is then in the stream of arrivals, or [`Arrival::Lost`] covers it.
    ///
    /// The proof expires after a fraction of a second, so this turns false before
    /// [`Self::is_up`]. While it is false, heads known from hints may be outdated and must be read
    /// from the store.
    fn is_current(&self) -> bool;
}
