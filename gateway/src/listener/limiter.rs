//! Bounds the number of connections, in total and from one address.

use std::{collections::HashMap, fmt, net::IpAddr, sync::Arc};

use metrics::{Gauge, counter, gauge};
use parking_lot::Mutex;

use super::{Network, limited_as};
use crate::config::Limits;

/// Counts open connections and refuses those above the limits.
pub struct ConnectionLimiter {
    limits: Limits,
    proxies: Arc<[Network]>,
    counts: Mutex<Counts>,
    open: Gauge,
}

#[derive(Debug, Default)]
struct Counts {
    total: u32,
    by_address: HashMap<IpAddr, u32>,
}

impl fmt::Debug for ConnectionLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionLimiter").field("counts", &self.counts).finish_non_exhaustive()
    }
}

/// Permission for one connection, returned when it is dropped.
#[derive(Debug)]
pub struct ConnectionPermit {
    limiter: Arc<ConnectionLimiter>,
    /// The address whose limit it counts against, or `None` for a trusted proxy.
    address: Option<IpAddr>,
}

impl ConnectionLimiter {
    /// Applies these limits to the listener of this name, which labels the metric. Connections of
    /// trusted proxies count only towards the total.
    pub fn new(limits: Limits, proxies: Arc<[Network]>, listener: &'static str) -> Self {
        let open = gauge!("confab_connections", "listener" => listener);
        Self { limits, proxies, counts: Mutex::default(), open }
    }

    /// Returns the trusted proxies, whose `X-Forwarded-For` is believed.
    pub(super) fn proxies(&self) -> Arc<[Network]> {
        Arc::clone(&self.proxies)
    }

    /// Returns a permit for a connection from this address, or `None` at a limit.
    pub(super) fn acquire(self: &Arc<Self>, address: IpAddr) -> Option<ConnectionPermit> {
        let is_proxy = self.proxies.iter().any(|network| network.contains(address));
        let address = (!is_proxy).then(|| limited_as(address));
        let added = self.counts.lock().add(address, self.limits);
        match added {
            Ok(()) => {
                self.open.increment(1.0);
                Some(ConnectionPermit { limiter: Arc::clone(self), address })
            }
            Err(bound) => {
                counter!("confab_connections_refused_total", "bound" => bound).increment(1);
                None
            }
        }
    }

    /// Returns the number of open connections, including upgraded ones.
    #[cfg(test)]
    pub(super) fn open(&self) -> u32 {
        self.counts.lock().total
    }
}

impl Counts {
    /// Adds a connection, or returns the name of the limit that is reached.
    fn add(&mut self, address: Option<IpAddr>, limits: Limits) -> Result<(), &'static str> {
        if self.total >= limits.connections.get() {
            return Err("total");
        }
        if let Some(address) = address {
            let count = self.by_address.entry(address).or_default();
            if *count >= limits.connections_per_address.get() {
                return Err("address");
            }
            *count += 1;
        }
        self.total += 1;
        Ok(())
    }

    fn remove(&mut self, address: Option<IpAddr>) {
        self.total = self.total.saturating_sub(1);
        let Some(address) = address else { return };
        if let Some(count) = self.by_address.get_mut(&address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.by_address.remove(&address);
            }
        }
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        self.limiter.counts.lock().remove(self.address);
        self.limiter.open.decrement(1.0);
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn limiter(connections: u32, connections_per_address: u32) -> Arc<ConnectionLimiter> {
        let number = |value| NonZeroU32::new(value).unwrap();
        let limits = Limits {
            connections: number(connections),
            connections_per_address: number(connections_per_address),
            ..Limits::default()
        };
        let proxies = Arc::new(["10.0.0.0/8".parse().unwrap()]);
        Arc::new(ConnectionLimiter::new(limits, proxies, "test"))
    }

    #[test]
    fn permit_is_free_again_when_its_connection_is_dropped() {
        let limiter = limiter(2, 2);
        let from = |text: &str| limiter.acquire(text.parse().unwrap());
        let one = from("192.0.2.1").unwrap();
        let two = from("192.0.2.2").unwrap();
        assert!(from("192.0.2.3").is_none());
        drop(one);
        assert!(from("192.0.2.3").is_some());
        drop(two);
        assert_eq!(limiter.open(), 0);
        assert!(limiter.counts.lock().by_address.is_empty());
    }

    #[test]
    fn address_is_limited_unless_it_is_a_trusted_proxy() {
        let limiter = limiter(10, 2);
        let from = |text: &str| limiter.acquire(text.parse().unwrap());
        let _held = [from("192.0.2.1").unwrap(), from("192.0.2.1").unwrap()];
        assert!(from("192.0.2.1").is_none());
        assert!(from("192.0.2.2").is_some());
        let proxied: Vec<_> = (0..8).map(|_| from("10.0.0.1").unwrap()).collect();
        assert!(from("10.0.0.1").is_none());
        assert_eq!(proxied.len(), 8);
    }
}
