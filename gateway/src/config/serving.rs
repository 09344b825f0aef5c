//! The operators' listener, the bounds of connections, and the drain.

use std::{
    net::{Ipv4Addr, SocketAddr},
    num::NonZeroU32,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::layers::Layers;

/// Returns an address that only this machine can connect to.
pub(super) fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// Returns a default that is not zero.
pub(super) fn number(value: u32) -> NonZeroU32 {
    NonZeroU32::new(value).unwrap_or(NonZeroU32::MIN)
}

/// The operators' listener.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Admin {
    /// Address for operators.
    pub listen: SocketAddr,
}

impl Default for Admin {
    fn default() -> Self {
        Self { listen: local(8081) }
    }
}

/// Bounds of connections.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Limits {
    /// Connections in total.
    pub connections: NonZeroU32,
    /// Connections from one address, or from one /64 of IPv6. Trusted proxies are exempt.
    pub connections_per_address: NonZeroU32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: number(100_000), connections_per_address: number(20_000) }
    }
}

/// How the gateway drains. Both times start at the signal.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Drain {
    /// Time during which connections are still accepted while `/readyz` reports `draining`, so
    /// that load balancers notice.
    #[serde(with = "humantime_serde")]
    pub delay: Duration,
    /// Time until sessions and requests that are still running are dropped.
    #[serde(with = "humantime_serde")]
    pub deadline: Duration,
}

impl Default for Drain {
    fn default() -> Self {
        Self { delay: Duration::ZERO, deadline: Duration::from_secs(30) }
    }
}

impl Drain {
    pub(super) fn check(&self, layers: &mut Layers) {
        if self.delay > self.deadline {
            layers.refuse("drain.delay", "longer than drain.deadline");
        }
    }
}
