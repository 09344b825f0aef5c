//! How many connections there may be, in total and from one address.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{Network, network::share_of};
use crate::{config::Limits, metrics};

/// Counts connections against their bounds.
#[derive(Debug)]
pub struct Places {
    limits: Limits,
    proxies: Arc<[Network]>,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    total: u32,
    by_address: HashMap<IpAddr, u32>,
}

/// One connection's place, given back when it is dropped.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    /// `None` for a trusted proxy.
    share: Option<IpAddr>,
}

impl Places {
    /// Within these limits; trusted proxies count in the total only.
    pub fn new(limits: Limits, proxies: Arc<[Network]>) -> Self {
        Self { limits, proxies, taken: Mutex::default() }
    }

    /// Whose connections count in the total only, and whose `X-Forwarded-For` is believed.
    pub(super) fn proxies(&self) -> Arc<[Network]> {
        Arc::clone(&self.proxies)
    }

    /// How many connections there are, upgraded ones too.
    pub fn taken(&self) -> u32 {
        self.lock().total
    }

    /// A place for a connection from this address, if there is one.
    pub(super) fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let is_exempt = self.proxies.iter().any(|network| network.contains(address));
        let share = (!is_exempt).then(|| share_of(address));
        let refused = self.lock().take(share, self.limits).err();
        if let Some(bound) = refused {
            metrics::connection_refused(bound);
            return None;
        }
        Some(Place { places: Arc::clone(self), share })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    fn take(&mut self, share: Option<IpAddr>, limits: Limits) -> Result<(), &'static str> {
        if self.total >= limits.connections.get() {
            return Err("total");
        }
        if let Some(address) = share {
            let taken = self.by_address.entry(address).or_default();
            if *taken >= limits.connections_per_address.get() {
                return Err("address");
            }
            *taken += 1;
        }
        self.total += 1;
        Ok(())
    }

    fn give_back(&mut self, share: Option<IpAddr>) {
        self.total = self.total.saturating_sub(1);
        let Some(address) = share else { return };
        if let Some(taken) = self.by_address.get_mut(&address) {
            *taken = taken.saturating_sub(1);
            if *taken == 0 {
                self.by_address.remove(&address);
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.lock().give_back(self.share);
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn places(connections: u32, connections_per_address: u32) -> Arc<Places> {
        let number = |value| NonZeroU32::new(value).unwrap();
        let limits = Limits {
            connections: number(connections),
            connections_per_address: number(connections_per_address),
        };
        Arc::new(Places::new(limits, Arc::new(["10.0.0.0/8".parse().unwrap()])))
    }

    #[test]
    fn place_is_there_again_when_its_connection_is_gone() {
        let places = places(2, 2);
        let from = |text: &str| places.take(text.parse().unwrap());
        let one = from("192.0.2.1").unwrap();
        let two = from("192.0.2.2").unwrap();
        assert!(from("192.0.2.3").is_none());
        drop(one);
        assert!(from("192.0.2.3").is_some());
        drop(two);
        assert_eq!(places.taken(), 0);
        assert!(places.lock().by_address.is_empty());
    }

    #[test]
    fn one_address_takes_its_share_and_a_proxy_as_much_as_there_is() {
        let places = places(10, 2);
        let from = |text: &str| places.take(text.parse().unwrap());
        let _held = (from("192.0.2.1").unwrap(), from("192.0.2.1").unwrap());
        assert!(from("192.0.2.1").is_none());
        assert!(from("192.0.2.2").is_some());
        let proxied: Vec<_> = (0..8).map(|_| from("10.0.0.1").unwrap()).collect();
        assert!(from("10.0.0.1").is_none());
        assert_eq!(proxied.len(), 8);
    }
}
