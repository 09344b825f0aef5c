//! Who may wait for a password worker.
//!
//! A password takes tens of milliseconds, so the queue in front of the workers is the first thing that
//! a flood of log-ins fills. No network may take more than a part of it, and another part is for those
//! who have logged in from the same place before.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use parking_lot::Mutex;

/// The part of the queue for one address, or one /64 of IPv6.
const ADDRESS_DIVISOR: usize = 8;
/// The part of the queue for a /24, /56 or /48.
const NETWORK_DIVISOR: usize = 4;
/// The part of the queue for those who have logged in from the same place before.
const KNOWN_DIVISOR: usize = 4;

/// The places of all who hash a password or wait for that.
#[derive(Debug)]
pub(super) struct PasswordPlaces {
    max: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    total: usize,
    by_network: HashMap<Prefix, usize>,
}

/// A network, and its length in bits.
type Prefix = (IpAddr, u8);

/// A place in the queue, until dropped.
#[derive(Debug)]
pub struct PasswordPlace {
    places: Arc<PasswordPlaces>,
    networks: Vec<Prefix>,
}

impl PasswordPlaces {
    /// Makes a queue with this many places.
    pub(super) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { max, taken: Mutex::default() })
    }

    /// Takes a place for a caller from this address. Returns `None` if the queue, or the part of it
    /// for one of the caller's networks, is full. A known caller is not counted for the networks.
    pub(super) fn take(self: &Arc<Self>, address: IpAddr, is_known: bool) -> Option<PasswordPlace> {
        let networks = if is_known { Vec::new() } else { networks(address) };
        let reserved = if is_known { 0 } else { self.max / KNOWN_DIVISOR };
        let mut taken = self.taken.lock();
        let shares = [ADDRESS_DIVISOR, NETWORK_DIVISOR, NETWORK_DIVISOR];
        let is_full = networks.iter().zip(shares).any(|(network, divisor)| {
            let count = taken.by_network.get(network).copied().unwrap_or_default();
            count >= (self.max / divisor).max(1)
        });
        if is_full || taken.total + reserved >= self.max {
            return None;
        }
        taken.total += 1;
        for network in &networks {
            *taken.by_network.entry(*network).or_default() += 1;
        }
        Some(PasswordPlace { places: Arc::clone(self), networks })
    }
}

impl Drop for PasswordPlace {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock();
        taken.total -= 1;
        for network in &self.networks {
            let Some(count) = taken.by_network.get_mut(network) else { continue };
            *count -= 1;
            if *count == 0 {
                taken.by_network.remove(network);
            }
        }
    }
}

/// Returns the networks of an address, the smallest first.
fn networks(address: IpAddr) -> Vec<Prefix> {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let network = |bits: u8| {
                let mask = u32::MAX << (32 - bits);
                (Ipv4Addr::from(u32::from(v4) & mask).into(), bits)
            };
            vec![network(32), network(24)]
        }
        IpAddr::V6(v6) => {
            let network = |bits: u8| {
                let mask = u128::MAX << (128 - bits);
                (Ipv6Addr::from(u128::from(v6) & mask).into(), bits)
            };
            vec![network(64), network(56), network(48)]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v6(site: u16, subnet: u16) -> IpAddr {
        Ipv6Addr::new(0x2001, 0xdb8, site, subnet, 0, 0, 0, 1).into()
    }

    fn v4(network: u8, host: u8) -> IpAddr {
        Ipv4Addr::new(192, 0, network, host).into()
    }

    #[test]
    fn no_network_takes_the_places_of_others() {
        let places = PasswordPlaces::new(64);
        let flood: Vec<_> =
            (0..200).filter_map(|subnet| places.take(v6(1, subnet * 256), false)).collect();
        assert_eq!(flood.len(), 16, "a quarter for a /48");
        let address: Vec<_> = (0..100).filter_map(|_| places.take(v4(2, 1), false)).collect();
        assert_eq!(address.len(), 8, "an eighth for an address");
        let network: Vec<_> =
            (0..100).filter_map(|host| places.take(v4(2, host + 2), false)).collect();
        assert_eq!(network.len(), 8, "a quarter for a /24, with the address above");
        assert!(places.take(v6(9, 1), false).is_some());
        drop((flood, address, network));
        assert_eq!(places.taken.lock().total, 0);
        assert!(places.taken.lock().by_network.is_empty());
    }

    #[test]
    fn known_callers_have_places_that_a_flood_cannot_take() {
        let places = PasswordPlaces::new(64);
        let flood: Vec<_> = (0..1_000).filter_map(|site| places.take(v6(site, 0), false)).collect();
        assert_eq!(flood.len(), 48);
        let known: Vec<_> = (0..100).filter_map(|_| places.take(v4(2, 1), true)).collect();
        assert_eq!(known.len(), 16);
    }

    #[test]
    fn small_queue_has_a_place_for_everybody() {
        let places = PasswordPlaces::new(2);
        drop(places.take(v4(2, 1), false).unwrap());
        drop(places.take(v4(2, 1), true).unwrap());
    }
}
