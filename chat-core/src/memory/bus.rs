//! A bus in memory: one hub for any number of gateways, with optional faults.
//!
//! Without faults a gateway loses hints only if it does not read them. Its queue then ends with one
//! [`Arrival::Lost`] for all hints that had no room. With [`BusFaults`], seeded chance drops,
//! repeats and delays hints, separately for each gateway and without notice, as a network would. No
//! task or timer is involved: a delayed hint arrives after a number of later ones, or at
//! [`MemoryHub::settle`].

#[cfg(test)]
mod tests;

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::chooser::Chooser;
use crate::port::{Arrival, Bus, BusError, Channel};

/// The default maximum of unread arrivals of one gateway.
pub const ARRIVALS_MAX: usize = 4_096;

/// The probabilities of faults, in thousandths of the hints for one gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BusFaults {
    /// How often a hint is dropped.
    pub drop_permille: u32,
    /// How often a hint is delivered twice. Each copy may be delayed.
    pub double_permille: u32,
    /// How often a hint is delayed, which reorders it.
    pub delay_permille: u32,
    /// The maximum number of later publications that a delayed hint waits for.
    pub delay_max: u32,
    /// How often a hint is also delivered to the gateway that published it.
    pub echo_permille: u32,
}

/// A hub for any number of gateways in this process.
#[derive(Debug, Clone, Default)]
pub struct MemoryHub(Arc<Mutex<Hub>>);

#[derive(Debug, Default)]
struct Hub {
    faults: BusFaults,
    chooser: Chooser,
    gateways: Vec<Gateway>,
    gateways_made: u64,
    published: u64,
    delayed: Vec<Delayed>,
}

#[derive(Debug)]
struct Gateway {
    number: u64,
    channels: HashSet<Channel>,
    arrivals: Sender<Arrival>,
    is_up: bool,
}

#[derive(Debug)]
struct Delayed {
    until: u64,
    gateway: u64,
    hint: Arrival,
}

impl MemoryHub {
    /// Makes a hub without faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a hub with faults, which are the same for the same seed.
    pub fn with_faults(seed: u64, faults: BusFaults) -> Self {
        let hub = Hub { faults, chooser: Chooser::new(seed), ..Hub::default() };
        Self(Arc::new(Mutex::new(hub)))
    }

    /// Replaces the faults from now on.
    pub fn set_faults(&self, faults: BusFaults) {
        self.lock().faults = faults;
    }

    /// Adds a gateway and returns its bus.
    pub fn bus(&self) -> MemoryBus {
        self.bus_with_max(ARRIVALS_MAX)
    }

    /// Adds a gateway with another limit of unread arrivals than [`Self::bus`].
    pub fn bus_with_max(&self, arrivals_max: usize) -> MemoryBus {
        // One more place, for `Lost`.
        let (sender, receiver) = mpsc::channel(arrivals_max.max(1) + 1);
        let mut hub = self.lock();
        hub.gateways_made += 1;
        let number = hub.gateways_made;
        hub.gateways.push(Gateway {
            number,
            channels: HashSet::new(),
            arrivals: sender,
            is_up: true,
        });
        drop(hub);
        MemoryBus {
            hub: self.clone(),
            number,
            arrivals: Mutex::new(Some(receiver)),
            dropped: AtomicU64::new(0),
        }
    }

    /// Disconnects every gateway, so that no hints pass.
    pub fn cut_off(&self) {
        self.lock().gateways.iter_mut().for_each(|gateway| gateway.is_up = false);
    }

    /// Reconnects every gateway. Those that were disconnected receive [`Arrival::Lost`].
    pub fn heal(&self) {
        self.lock().gateways.iter_mut().for_each(Gateway::heal);
    }

    /// Delivers all delayed hints.
    pub fn settle(&self) {
        self.lock().deliver_until(u64::MAX);
    }

    fn lock(&self) -> MutexGuard<'_, Hub> {
        self.0.lock()
    }
}

impl Hub {
    fn gateway(&mut self, number: u64) -> Option<&mut Gateway> {
        self.gateways.iter_mut().find(|gateway| gateway.number == number)
    }

    fn is_up(&self, number: u64) -> bool {
        self.gateways.iter().any(|gateway| gateway.number == number && gateway.is_up)
    }

    fn publish(&mut self, from: u64, channel: Channel, payload: &Bytes) {
        self.published += 1;
        let hint = Arrival::Hint { channel, payload: payload.clone() };
        let now = self.published;
        for gateway in &mut self.gateways {
            let is_publisher = gateway.number == from;
            if is_publisher && !self.chooser.one_of(self.faults.echo_permille) {
                continue;
            }
            for timing in timings(&mut self.chooser, self.faults) {
                match timing {
                    Timing::Now => gateway.offer(&hint),
                    Timing::After(later) => self.delayed.push(Delayed {
                        until: now + u64::from(later),
                        gateway: gateway.number,
                        hint: hint.clone(),
                    }),
                }
            }
        }
        self.deliver_until(now);
    }

    fn deliver_until(&mut self, now: u64) {
        let (mut due, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.delayed).into_iter().partition(|one| one.until <= now);
        self.delayed = later;
        due.sort_by_key(|one| one.until);
        for Delayed { gateway, hint, .. } in due {
            if let Some(gateway) = self.gateway(gateway) {
                gateway.offer(&hint);
            }
        }
    }
}

/// When a copy of a hint arrives: now, or after a number of later publications.
enum Timing {
    Now,
    After(u32),
}

/// Returns the timing of each copy of a hint; none if it is dropped.
fn timings(chooser: &mut Chooser, faults: BusFaults) -> impl Iterator<Item = Timing> {
    let count = match (chooser.one_of(faults.drop_permille), chooser.one_of(faults.double_permille))
    {
        (true, _) => 0,
        (false, true) => 2,
        (false, false) => 1,
    };
    let mut timings = [Timing::Now, Timing::Now];
    for timing in &mut timings {
        if chooser.one_of(faults.delay_permille) {
            *timing = Timing::After(1 + chooser.below(faults.delay_max));
        }
    }
    timings.into_iter().take(count)
}

impl Gateway {
    /// Queues a hint if the gateway is connected and subscribes to its channel. The last free place
    /// gets `Lost` instead, which covers all hints until there is room again.
    fn offer(&self, hint: &Arrival) {
        let Arrival::Hint { channel, .. } = hint else { return };
        if !self.is_up || !self.channels.contains(channel) {
            return;
        }
        if self.arrivals.capacity() > 1 {
            self.push(hint.clone());
        } else {
            self.push(Arrival::Lost);
        }
    }

    fn heal(&mut self) {
        if !self.is_up {
            self.is_up = true;
            self.push(Arrival::Lost);
        }
    }

    /// Queues an arrival. A full queue ends with an unread `Lost`, which covers this one too.
    fn push(&self, arrival: Arrival) {
        if let Err(error) = self.arrivals.try_send(arrival) {
            tracing::trace!(%error, "hint dropped");
        }
    }
}

/// One gateway's connection to a [`MemoryHub`].
#[derive(Debug)]
pub struct MemoryBus {
    hub: MemoryHub,
    number: u64,
    arrivals: Mutex<Option<Receiver<Arrival>>>,
    dropped: AtomicU64,
}

impl MemoryBus {
    /// Disconnects this gateway: it neither sends nor receives hints.
    pub fn cut_off(&self) {
        if let Some(gateway) = self.hub.lock().gateway(self.number) {
            gateway.is_up = false;
        }
    }

    /// Reconnects this gateway, which receives [`Arrival::Lost`]. The others are not told that they
    /// missed its hints.
    pub fn heal(&self) {
        if let Some(gateway) = self.hub.lock().gateway(self.number) {
            gateway.heal();
        }
    }

    /// Returns how many hints were not sent because this gateway was disconnected.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Bus for MemoryBus {
    fn publish(&self, channel: Channel, payload: Bytes) {
        let mut hub = self.hub.lock();
        if hub.is_up(self.number) {
            hub.publish(self.number, channel, &payload);
        } else {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    async fn subscribe(&self, channels: &[Channel]) -> Result<(), BusError> {
        let mut hub = self.hub.lock();
        let gateway =
            hub.gateway(self.number).ok_or_else(|| BusError("gateway not found".into()))?;
        gateway.channels.extend(channels);
        if gateway.is_up { Ok(()) } else { Err(BusError("disconnected".into())) }
    }

    async fn unsubscribe(&self, channels: &[Channel]) {
        if let Some(gateway) = self.hub.lock().gateway(self.number) {
            gateway.channels.retain(|channel| !channels.contains(channel));
        }
    }

    fn arrivals(&self) -> Option<Receiver<Arrival>> {
        self.arrivals.lock().take()
    }

    fn has_others(&self) -> bool {
        true
    }

    fn is_up(&self) -> bool {
        self.hub.lock().is_up(self.number)
    }

    fn is_current(&self) -> bool {
        self.is_up()
    }
}

/// Removes the gateway from the hub.
impl Drop for MemoryBus {
    fn drop(&mut self) {
        self.hub.lock().gateways.retain(|gateway| gateway.number != self.number);
    }
}
