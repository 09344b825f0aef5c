//! Listeners, the bounds of their connections, and the drain.

use std::{
    net::{Ipv4Addr, SocketAddr},
    num::NonZeroU32,
    time::Duration,
};

use super::reader::Reader;

/// The name of the drain's deadline, for messages.
pub(super) const DRAIN_DEADLINE: &str = "drain.deadline";

/// Where the gateway listens, and how it ends.
#[derive(Debug, Clone)]
pub struct Serving {
    /// For clients.
    pub listen: SocketAddr,
    /// For operators.
    pub admin_listen: SocketAddr,
    /// Bounds of connections.
    pub limits: Limits,
    /// The drain.
    pub drain: Drain,
}

/// Bounds of connections.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// In total.
    pub connections: NonZeroU32,
    /// From one address (a /64 where it is IPv6); trusted proxies are exempt.
    pub connections_per_address: NonZeroU32,
}

/// How the gateway ends.
#[derive(Debug, Clone, Copy)]
pub struct Drain {
    /// From the signal, with `/readyz` saying no, until no more connections are taken: for load
    /// balancers to notice.
    pub delay: Duration,
    /// From the signal until what still runs is dropped.
    pub deadline: Duration,
}

impl Serving {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let number = |value| NonZeroU32::new(value).unwrap_or(NonZeroU32::MIN);
        Self {
            listen: reader.take("listen", local(8080)),
            admin_listen: reader.take("admin.listen", local(8081)),
            limits: Limits {
                connections: reader.take("limits.connections", number(100_000)),
                connections_per_address: reader
                    .take("limits.connections_per_address", number(20_000)),
            },
            drain: Drain {
                delay: reader.take("drain.delay", Duration::ZERO),
                deadline: reader.take(DRAIN_DEADLINE, Duration::from_secs(30)),
            },
        }
    }
}
