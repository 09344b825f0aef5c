//! The health of the store, for readiness checks and for the process that owns it.

use tokio::sync::watch;

/// The health of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Health {
    /// Takes reads and writes.
    Ok,
    /// Takes reads only, until there is space on the disk again. Logins may still begin and end.
    DiskFull,
    /// A write, the committer or a background thread of fjall has failed. This is permanent: the
    /// process has to end with an error. After a restart the store contains what its journal holds.
    Poisoned,
}

/// Holds the health and notifies subscribers of changes.
#[derive(Debug)]
pub(super) struct HealthSignal(watch::Sender<Health>);

impl HealthSignal {
    /// Starts with [`Health::Ok`].
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(Health::Ok))
    }

    /// Returns the current health.
    pub(super) fn get(&self) -> Health {
        *self.0.borrow()
    }

    /// Returns a receiver of every change.
    pub(super) fn subscribe(&self) -> watch::Receiver<Health> {
        self.0.subscribe()
    }

    /// Poisons the store permanently. Logs the reason of the first call.
    pub(super) fn poison(&self, reason: &str) {
        let is_first = self.0.send_if_modified(|health| {
            std::mem::replace(health, Health::Poisoned) != Health::Poisoned
        });
        if is_first {
            tracing::error!(reason, "the store is poisoned: writes are refused until a restart");
        }
    }

    /// Records whether the disk has space. Has no effect on a poisoned store.
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
            tracing::info!("the disk has space again: writes are accepted");
        }
    }
}
