//! Readiness of the gateway and the condition of its dependencies.

use std::{fmt, sync::Arc};

use chat_core::port::Bus;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

/// The condition of a dependency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// It works.
    Up,
    /// It works only in part, and clients are still served.
    Degraded,
    /// It does not work, and clients are not served.
    Down,
}

/// Reports the condition of a store. It is called often and must not block.
pub trait StoreHealth: Send + Sync + fmt::Debug {
    /// Returns the store's present condition.
    fn condition(&self) -> Condition;
}

/// The health of a store that cannot fail, such as the one in memory.
#[derive(Debug)]
pub struct AlwaysUp;

impl StoreHealth for AlwaysUp {
    fn condition(&self) -> Condition {
        Condition::Up
    }
}

/// The health of the gateway and its dependencies.
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
    /// Conditions of the dependencies, by name.
    pub dependencies: Dependencies,
}

/// Conditions of the dependencies.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Dependencies {
    /// The store.
    pub store: Condition,
    /// The bus. Without it messages are delivered more slowly.
    pub bus: Condition,
}

impl Health {
    /// Watches these dependencies. The gateway drains once the token is cancelled.
    pub fn new(
        store: Arc<dyn StoreHealth>,
        bus: Arc<dyn Bus>,
        draining: CancellationToken,
    ) -> Self {
        Self { store, bus, draining }
    }

    /// Returns the present readiness.
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
    /// Returns true if a load balancer may send clients here.
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
    fn gateway_is_ready_without_bus_but_not_without_store() {
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
