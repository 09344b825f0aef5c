//! The operators' listener, the bounds of connections, and the drain.

use std::{
    net::{Ipv4Addr, SocketAddr},
    num::NonZeroU32,
    time::Duration,
};

use chat_core::limits::UNREAD_BYTES_DEFAULT;
use serde::{Deserialize, Serialize};

use super::{layers::Layers, size};

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
    /// WebSockets and waiting polls of one user on this gateway.
    pub sessions_per_user: NonZeroU32,
    /// Bytes that are ready for clients but not sent yet. One user may use a sixteenth of them.
    #[serde(with = "size")]
    pub unread: u64,
}

/// The smallest budget with which every user can have a page of history.
const UNREAD_BYTES_MIN: u64 = 16 << 20;

impl Limits {
    pub(super) fn check(&self, layers: &mut Layers) {
        if self.unread < UNREAD_BYTES_MIN {
            layers.refuse("limits.unread", &format!("at least {}", size::text(UNREAD_BYTES_MIN)));
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: number(100_000),
            connections_per_address: number(1_000),
            sessions_per_user: number(100),
            unread: UNREAD_BYTES_DEFAULT as u64,
        }
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
