//! The bus of a single gateway, which has no others to send hints to.

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::mpsc::{self, Receiver, Sender};

use crate::port::{Arrival, Bus, BusError, Channel};

/// A bus without other gateways. It delivers nothing.
#[derive(Debug)]
pub struct NoBus {
    /// Keeps the stream of arrivals open. It must not end.
    _sender: Sender<Arrival>,
    arrivals: Mutex<Option<Receiver<Arrival>>>,
}

impl NoBus {
    /// Makes the bus of a single gateway.
    pub fn new() -> Self {
        let (sender, arrivals) = mpsc::channel(1);
        Self { _sender: sender, arrivals: Mutex::new(Some(arrivals)) }
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
        self.arrivals.lock().take()
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
    async fn arrivals_stay_open_and_empty() {
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
