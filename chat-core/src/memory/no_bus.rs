//! The bus of a gateway that is alone: it has nobody to tell, and nothing is ever lost.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::mpsc::{self, Receiver, Sender};

use crate::port::{Arrival, Bus, BusError, Channel};

/// No other gateways.
#[derive(Debug)]
pub struct NoBus {
    /// Keeps the stream of arrivals open: it is silent, not ended.
    _silent: Sender<Arrival>,
    arrivals: Mutex<Option<Receiver<Arrival>>>,
}

impl NoBus {
    /// The bus of a gateway that is alone.
    pub fn new() -> Self {
        let (silent, arrivals) = mpsc::channel(1);
        Self { _silent: silent, arrivals: Mutex::new(Some(arrivals)) }
    }
}

impl Default for NoBus {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Bus for NoBus {
    fn publish(&self, _: Channel, _: Bytes) {}

    async fn subscribe(&self, _: &[Channel]) -> Result<(), BusError> {
        Ok(())
    }

    async fn unsubscribe(&self, _: &[Channel]) {}

    fn arrivals(&self) -> Option<Receiver<Arrival>> {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn has_others(&self) -> bool {
        false
    }

    fn is_up(&self) -> bool {
        true
    }

    fn is_current(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn bus_of_one_gateway_is_silent_and_does_not_end() {
        let bus = NoBus::new();
        let mut arrivals = bus.arrivals().unwrap();
        assert!(bus.arrivals().is_none());
        bus.subscribe(&[Channel::Gateways]).await.unwrap();
        bus.publish(Channel::Gateways, Bytes::from_static(b"anybody?"));
        let waited = tokio::time::timeout(std::time::Duration::from_secs(60), arrivals.recv());
        assert!(waited.await.is_err());
        assert!(bus.is_up() && bus.is_current());
    }
}
