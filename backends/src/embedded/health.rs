//! How the store is, for readiness and for the process that owns it.

use tokio::sync::watch;

/// How the store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Health {
    /// Reads and writes.
    Ok,
    /// Reads only, until there is space on the disk again.
    DiskFull,
    /// A write has failed, or what keeps the store in order has: for good. The process has to end,
    /// with an error; when it is started again the store is what its journal says.
    Poisoned,
}

/// Tells how the store is to all who watch.
#[derive(Debug)]
pub(super) struct HealthSign(watch::Sender<Health>);

impl HealthSign {
    /// A store that is well.
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(Health::Ok))
    }

    /// How the store is.
    pub(super) fn get(&self) -> Health {
        *self.0.borrow()
    }

    /// Hears of every change.
    pub(super) fn subscribe(&self) -> watch::Receiver<Health> {
        self.0.subscribe()
    }

    /// The store is poisoned, for good. The reason is logged the first time.
    pub(super) fn poison(&self, reason: &str) {
        let first = self.0.send_if_modified(|health| {
            std::mem::replace(health, Health::Poisoned) != Health::Poisoned
        });
        if first {
            tracing::error!(reason, "the store is poisoned: no write is taken until a restart");
        }
    }

    /// There is space on the disk, or not.
    pub(super) fn set_disk(&self, health: Health) {
        let changed = self.0.send_if_modified(|now| {
            let changed = *now != Health::Poisoned && *now != health;
            if changed {
                *now = health;
            }
            changed
        });
        if changed && health == Health::DiskFull {
            tracing::error!("the disk is full: writes are refused until there is space again");
        } else if changed {
            tracing::info!("there is space on the disk again: writes are taken");
        }
    }
}
