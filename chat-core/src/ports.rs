//! What every part of the domain on one gateway shares.

use std::sync::Arc;

use tokio_util::task::TaskTracker;

use crate::{
    directory::Users,
    event::Encode,
    hint::Hint,
    port::{Bus, Channel, Stores},
    revocations::RevokedLogins,
    time::Clock,
};

/// The ports of one gateway, and the owner of its tasks.
#[derive(Debug)]
pub struct Ports {
    /// The truth.
    pub stores: Stores,
    /// Hints to and from other gateways.
    pub bus: Arc<dyn Bus>,
    /// Time and ids.
    pub clock: Arc<dyn Clock>,
    /// The form of events on the wire.
    pub encode: Arc<dyn Encode>,
    /// Logins whose access tokens are refused here.
    pub revoked: RevokedLogins,
    /// Whoever ends the gateway waits for these.
    pub tasks: TaskTracker,
    /// The sessions of each user on this gateway.
    pub(crate) users: Users,
}

impl Ports {
    /// The ports of one gateway, with nobody connected.
    pub fn new(
        stores: Stores,
        bus: Arc<dyn Bus>,
        clock: Arc<dyn Clock>,
        encode: Arc<dyn Encode>,
        revoked: RevokedLogins,
        tasks: TaskTracker,
    ) -> Self {
        Self { stores, bus, clock, encode, revoked, tasks, users: Users::default() }
    }

    /// Sends a hint to the other gateways.
    pub(crate) fn publish(&self, channel: Channel, hint: &Hint) {
        self.bus.publish(channel, hint.encode());
    }
}
