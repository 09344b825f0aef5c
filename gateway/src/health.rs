//! Whether the gateway is ready, and how what it depends on is.

use std::{fmt, sync::Arc};

use chat_core::port::Bus;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

/// How something is that the gateway depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Well.
    Up,
    /// Not well, but clients are served.
    Degraded,
    /// Clients are not served.
    Down,
}

/// Somebody who can tell how a store is; called often, so the answer is at hand.
pub trait StoreHealth: Send + Sync + fmt::Debug {
    /// How the store is now.
    fn condition(&self) -> Condition;
}

/// A store that cannot fail by itself.
#[derive(Debug)]
pub struct AlwaysUp;

impl StoreHealth for AlwaysUp {
    fn condition(&self) -> Condition {
        Condition::Up
    }
}

/// How the gateway and what it depends on are.
#[derive(Debug)]
pub struct Health {
    store: Arc<dyn StoreHealth>,
    bus: Arc<dyn Bus>,
    draining: CancellationToken,
}

/// The body of `/readyz`.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Readiness {
    /// `ready`, `degraded`, `unavailable` or `draining`.
    pub status: &'static str,
    /// Each by its name.
    pub dependencies: Dependencies,
}

/// What the gateway depends on.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Dependencies {
    /// The truth.
    pub store: Condition,
    /// Hints: without them everything works, more slowly.
    pub bus: Condition,
}

impl Health {
    /// Of these dependencies; the gateway drains when the token is cancelled.
    pub fn new(
        store: Arc<dyn StoreHealth>,
        bus: Arc<dyn Bus>,
        draining: CancellationToken,
    ) -> Self {
        Self { store, bus, draining }
    }

    /// How everything is now.
    pub fn readiness(&self) -> Readiness {
        let bus = if self.bus.is_up() { Condition::Up } else { Condition::Degraded };
        let dependencies = Dependencies { store: self.store.condition(), bus };
        let status = if self.draining.is_cancelled() {
            "draining"
        } else {
            match (dependencies.store, dependencies.bus) {
                (Condition::Down, _) => "unavailable",
                (Condition::Up, Condition::Up) => "ready",
                (Condition::Up | Condition::Degraded, _) => "degraded",
            }
        };
        Readiness { status, dependencies }
    }
}

impl Readiness {
    /// Whether a load balancer may send clients.
    pub fn is_ready(&self) -> bool {
        matches!(self.status, "ready" | "degraded")
    }
}

#[cfg(test)]
mod tests {
    use chat_core::memory::MemoryHub;

    use super::*;

    #[derive(Debug)]
    struct Fixed(Condition);

    impl StoreHealth for Fixed {
        fn condition(&self) -> Condition {
            self.0
        }
    }

    #[test]
    fn gateway_without_its_bus_is_ready_and_without_its_store_is_not() {
        let hub = MemoryHub::new();
        let (bus, draining) = (Arc::new(hub.bus()), CancellationToken::new());
        let health = |store| Health::new(Arc::new(Fixed(store)), bus.clone(), draining.clone());
        let status = |store| {
            let readiness = health(store).readiness();
            (readiness.status, readiness.is_ready())
        };
        assert_eq!(status(Condition::Up), ("ready", true));
        assert_eq!(status(Condition::Degraded), ("degraded", true));
        assert_eq!(status(Condition::Down), ("unavailable", false));
        hub.cut_off();
        assert_eq!(status(Condition::Up), ("degraded", true));
        draining.cancel();
        assert_eq!(status(Condition::Up), ("draining", false));
    }
}
