//! A bus whose subscriptions follow a test's instructions.

use std::{collections::HashSet, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::mpsc::Receiver;

use super::{Call, Faults};
use crate::{
    memory::MemoryBus,
    port::{Arrival, Bus, BusError, Channel},
};

/// A gateway's bus that waits at gates and knows what the gateway subscribes to.
#[derive(Debug)]
pub struct FaultyBus {
    inner: MemoryBus,
    faults: Arc<Faults>,
    channels: Mutex<HashSet<Channel>>,
}

impl FaultyBus {
    pub(super) fn new(inner: MemoryBus, faults: Arc<Faults>) -> Self {
        Self { inner, faults, channels: Mutex::default() }
    }

    /// Returns the bus inside, to cut the gateway off.
    pub const fn inner(&self) -> &MemoryBus {
        &self.inner
    }

    /// Returns the channels that the gateway subscribes to.
    pub fn channels(&self) -> HashSet<Channel> {
        self.channels.lock().clone()
    }
}

#[async_trait]
impl Bus for FaultyBus {
    fn publish(&self, channel: Channel, payload: Bytes) {
        self.inner.publish(channel, payload);
    }

    async fn subscribe(&self, channels: &[Channel]) -> Result<(), BusError> {
        self.faults.begin(Call::Subscribe).await;
        self.channels.lock().extend(channels);
        self.inner.subscribe(channels).await
    }

    async fn unsubscribe(&self, channels: &[Channel]) {
        self.faults.begin(Call::Unsubscribe).await;
        self.channels.lock().retain(|channel| !channels.contains(channel));
        self.inner.unsubscribe(channels).await;
    }

    fn arrivals(&self) -> Option<Receiver<Arrival>> {
        self.inner.arrivals()
    }

    fn has_others(&self) -> bool {
        self.inner.has_others()
    }

    fn is_up(&self) -> bool {
        self.inner.is_up()
    }

    fn is_current(&self) -> bool {
        self.inner.is_current()
    }
}
