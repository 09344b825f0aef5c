//! A bus of several Redis primaries that counts.
//!
//! It places channels by the product's own ring, and delivers a hint to every subscriber, the
//! publisher included, as Redis does. When a primary is lost and comes back, each gateway subscribes
//! again to its channels there, and learns that hints were lost, as the product's `Subscriber` does.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use async_trait::async_trait;
use backends::redis::{Ring, channel_name};
use bytes::Bytes;
use chat_core::port::{Arrival, Bus, BusError, Channel};
use parking_lot::Mutex;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Unread arrivals of a gateway. Nothing is lost in a run, or the counts would be wrong.
const ARRIVALS_MAX: usize = 1_000_000;

/// What a primary did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct PrimaryCounts {
    /// Published hints.
    pub(crate) published: u64,
    /// Hints that gateways received.
    pub(crate) received: u64,
    /// Requests for a channel.
    pub(crate) subscribed: u64,
    /// Subscriptions of all gateways now.
    pub(crate) subscriptions: u64,
}

#[derive(Debug)]
struct Broker {
    ring: Ring,
    counts: Vec<PrimaryCounts>,
    subscribers: HashMap<Channel, Vec<usize>>,
    arrivals: Vec<Sender<Arrival>>,
}

/// All primaries of a fleet.
#[derive(Debug, Clone)]
pub(crate) struct Primaries(Arc<Mutex<Broker>>);

impl Primaries {
    pub(crate) fn new(count: usize) -> Self {
        Self(Arc::new(Mutex::new(Broker {
            ring: ring(count),
            counts: vec![PrimaryCounts::default(); count],
            subscribers: HashMap::new(),
            arrivals: Vec::new(),
        })))
    }

    /// Adds a gateway.
    pub(crate) fn bus(&self) -> CountingBus {
        let (sender, receiver) = channel(ARRIVALS_MAX);
        let mut broker = self.0.lock();
        broker.arrivals.push(sender);
        let number = broker.arrivals.len() - 1;
        drop(broker);
        CountingBus { primaries: self.clone(), number, receiver: Mutex::new(Some(receiver)) }
    }

    /// Returns the counts of each primary.
    pub(crate) fn counts(&self) -> Vec<PrimaryCounts> {
        self.0.lock().counts.clone()
    }

    /// Returns the sum of all primaries.
    pub(crate) fn total(&self) -> PrimaryCounts {
        self.counts().into_iter().fold(PrimaryCounts::default(), |sum, one| PrimaryCounts {
            published: sum.published + one.published,
            received: sum.received + one.received,
            subscribed: sum.subscribed + one.subscribed,
            subscriptions: sum.subscriptions + one.subscriptions,
        })
    }

    /// Removes the subscriptions of a gateway that has ended.
    pub(crate) fn remove(&self, gateway: usize) {
        let mut broker = self.0.lock();
        let mut subscribers = std::mem::take(&mut broker.subscribers);
        for (channel, gateways) in &mut subscribers {
            let before = gateways.len();
            gateways.retain(|one| *one != gateway);
            let primary = broker.primary_of(*channel);
            broker.counts[primary].subscriptions -= (before - gateways.len()) as u64;
        }
        broker.subscribers = subscribers;
    }

    /// Loses a primary and starts it again, empty.
    pub(crate) fn restart(&self, primary: usize) {
        let mut broker = self.0.lock();
        let again: u64 = broker
            .subscribers
            .iter()
            .filter(|(channel, _)| broker.primary_of(**channel) == primary)
            .map(|(_, gateways)| gateways.len() as u64)
            .sum();
        broker.counts[primary].subscribed += again;
        for arrivals in &broker.arrivals {
            // A gateway that has ended does not read any more.
            drop(arrivals.try_send(Arrival::Lost));
        }
    }
}

/// Returns the ring of this many primaries.
pub(crate) fn ring(count: usize) -> Ring {
    let addresses: Vec<_> = (0..count).map(|one| format!("redis-{one}:6379")).collect();
    Ring::new(addresses.iter().map(String::as_str))
}

impl Broker {
    fn primary_of(&self, channel: Channel) -> usize {
        self.ring.index_of(&channel_name(channel))
    }
}

/// One gateway's connections to all primaries.
#[derive(Debug)]
pub(crate) struct CountingBus {
    primaries: Primaries,
    number: usize,
    receiver: Mutex<Option<Receiver<Arrival>>>,
}

#[async_trait]
impl Bus for CountingBus {
    fn publish(&self, channel: Channel, payload: Bytes) {
        let mut broker = self.primaries.0.lock();
        let primary = broker.primary_of(channel);
        let gateways = broker.subscribers.get(&channel).cloned().unwrap_or_default();
        broker.counts[primary].published += 1;
        broker.counts[primary].received += gateways.len() as u64;
        for gateway in gateways {
            let arrival = Arrival::Hint { channel, payload: payload.clone() };
            drop(broker.arrivals[gateway].try_send(arrival));
        }
    }

    async fn subscribe(&self, channels: &[Channel]) -> Result<(), BusError> {
        let mut broker = self.primaries.0.lock();
        for channel in channels.iter().collect::<HashSet<_>>() {
            let primary = broker.primary_of(*channel);
            let gateways = broker.subscribers.entry(*channel).or_default();
            let is_new = !gateways.contains(&self.number);
            if is_new {
                gateways.push(self.number);
            }
            broker.counts[primary].subscribed += 1;
            broker.counts[primary].subscriptions += u64::from(is_new);
        }
        Ok(())
    }

    async fn unsubscribe(&self, channels: &[Channel]) {
        let mut broker = self.primaries.0.lock();
        for channel in channels {
            let primary = broker.primary_of(*channel);
            let gateways = broker.subscribers.entry(*channel).or_default();
            let before = gateways.len();
            gateways.retain(|one| *one != self.number);
            let removed = before - gateways.len();
            broker.counts[primary].subscriptions -= removed as u64;
        }
    }

    fn arrivals(&self) -> Option<Receiver<Arrival>> {
        self.receiver.lock().take()
    }

    fn has_others(&self) -> bool {
        true
    }

    fn is_up(&self) -> bool {
        true
    }

    fn is_current(&self) -> bool {
        true
    }
}
