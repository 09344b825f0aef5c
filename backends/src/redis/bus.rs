//! The bus: hints between gateways as messages of Redis.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use chat_core::port::{Arrival, Bus, BusError, Channel};
use tokio::sync::mpsc::Receiver;

use super::{
    primaries::Primaries,
    topic::{Topic, channel_name},
};

#[derive(Debug)]
pub(super) struct RedisBus(pub(super) Arc<Primaries>);

#[async_trait]
impl Bus for RedisBus {
    fn publish(&self, channel: Channel, payload: Bytes) {
        let name = channel_name(channel);
        self.0.of(&name).publish(name, payload);
    }

    async fn subscribe(&self, channels: &[Channel]) -> Result<(), BusError> {
        self.0.subscribe(channels.iter().copied().map(Topic::Hints)).await.map_err(BusError)
    }

    async fn unsubscribe(&self, channels: &[Channel]) {
        self.0.unsubscribe(channels.iter().copied().map(Topic::Hints)).await;
    }

    fn arrivals(&self) -> Option<Receiver<Arrival>> {
        self.0.shared.hints.take_receiver()
    }

    fn has_others(&self) -> bool {
        true
    }

    fn is_up(&self) -> bool {
        self.0.all.iter().all(|primary| primary.is_up())
    }

    fn is_current(&self) -> bool {
        self.0.all.iter().all(|primary| primary.is_current())
    }
}
