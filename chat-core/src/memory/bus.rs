//! A bus in memory: one hub, any number of gateways on it, and the faults of a real one on demand.
//!
//! Without faults nothing is lost but what a gateway leaves unread: then `Lost` stands in its queue
//! for all that had no place. With [`BusFaults`] a seeded chooser drops, doubles and delays hints,
//! each gateway for itself and in silence, as a network would. No task and no timer is involved:
//! a delayed hint comes after a number of later ones, or when [`MemoryHub::settle`] says so.

#[cfg(test)]
mod tests;

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::chooser::Chooser;
use crate::port::{Arrival, Bus, BusError, Channel};

/// Arrivals that wait for one gateway, when nobody says.
pub const ARRIVALS_MAX: usize = 4_096;

/// What goes wrong, each in thousandths of the hints that one gateway is to get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BusFaults {
    /// Dropped.
    pub drop_permille: u32,
    /// Delivered twice; the second may be delayed.
    pub double_permille: u32,
    /// Delayed, and so reordered.
    pub delay_permille: u32,
    /// By how many later publications, at the most.
    pub delay_max: u32,
    /// Delivered to the gateway that published, too.
    pub echo_permille: u32,
}

/// What any number of gateways in this process share.
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
    /// A hub without faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// A hub with faults, the same ones for the same seed.
    pub fn with_faults(seed: u64, faults: BusFaults) -> Self {
        let hub = Hub { faults, chooser: Chooser::new(seed), ..Hub::default() };
        Self(Arc::new(Mutex::new(hub)))
    }

    /// Other faults from now on.
    pub fn set_faults(&self, faults: BusFaults) {
        self.lock().faults = faults;
    }

    /// One more gateway's bus.
    pub fn bus(&self) -> MemoryBus {
        self.bus_with_max(ARRIVALS_MAX)
    }

    /// As [`Self::bus`], with another bound of what may wait.
    pub fn bus_with_max(&self, arrivals_max: usize) -> MemoryBus {
        // The last place is `Lost`'s.
        let (sender, receiver) = mpsc::channel(arrivals_max.max(1) + 1);
        let mut hub = self.lock();
        hub.gateways_made += 1;
        let number = hub.gateways_made;
        let channels = HashSet::new();
        hub.gateways.push(Gateway { number, channels, arrivals: sender, is_up: true });
        drop(hub);
        MemoryBus {
            hub: self.clone(),
            number,
            arrivals: Mutex::new(Some(receiver)),
            dropped: AtomicU64::new(0),
        }
    }

    /// Cuts every gateway off: nothing passes.
    pub fn cut_off(&self) {
        self.lock().gateways.iter_mut().for_each(|gateway| gateway.is_up = false);
    }

    /// Ends the cut: every gateway that was cut off hears `Lost`.
    pub fn heal(&self) {
        self.lock().gateways.iter_mut().for_each(Gateway::heal);
    }

    /// Delivers what is delayed.
    pub fn settle(&self) {
        self.lock().deliver_until(u64::MAX);
    }

    fn lock(&self) -> MutexGuard<'_, Hub> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
        let (hint, now) = (Arrival::Hint { channel, payload: payload.clone() }, self.published);
        for gateway in &mut self.gateways {
            let own = gateway.number == from;
            if own && !self.chooser.one_of(self.faults.echo_permille) {
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

/// When one copy of a hint arrives: at once, or after so many later publications.
enum Timing {
    Now,
    After(u32),
}

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
    /// Puts a hint into the queue. In the place that is left last, `Lost` stands for it and for
    /// all that follow until there is room again.
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

    /// A full queue ends with a `Lost` that has not been read: it stands for this one, too.
    fn push(&self, arrival: Arrival) {
        if let Err(error) = self.arrivals.try_send(arrival) {
            tracing::trace!(%error, "hint dropped");
        }
    }
}

/// One gateway's bus on a [`MemoryHub`].
#[derive(Debug)]
pub struct MemoryBus {
    hub: MemoryHub,
    number: u64,
    arrivals: Mutex<Option<Receiver<Arrival>>>,
    dropped: AtomicU64,
}

impl MemoryBus {
    /// Cuts this gateway off: it neither hears nor is heard.
    pub fn cut_off(&self) {
        if let Some(gateway) = self.hub.lock().gateway(self.number) {
            gateway.is_up = false;
        }
    }

    /// Ends the cut: this gateway hears `Lost`. The others do not learn what they missed of it.
    pub fn heal(&self) {
        if let Some(gateway) = self.hub.lock().gateway(self.number) {
            gateway.heal();
        }
    }

    /// How many hints were not sent because this gateway was cut off.
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
        let gateway = hub.gateway(self.number).ok_or_else(|| BusError("no such gateway".into()))?;
        gateway.channels.extend(channels);
        if gateway.is_up { Ok(()) } else { Err(BusError("cut off".into())) }
    }

    async fn unsubscribe(&self, channels: &[Channel]) {
        if let Some(gateway) = self.hub.lock().gateway(self.number) {
            gateway.channels.retain(|channel| !channels.contains(channel));
        }
    }

    fn arrivals(&self) -> Option<Receiver<Arrival>> {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner).take()
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

/// The gateway has gone, and its place on the hub with it.
impl Drop for MemoryBus {
    fn drop(&mut self) {
        self.hub.lock().gateways.retain(|gateway| gateway.number != self.number);
    }
}
