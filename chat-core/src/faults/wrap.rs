//! Puts faults around ports.

use std::sync::Arc;

use super::{
    Faults, bus::FaultyBus, conversations::FaultyConversations, log::FaultyLog,
    passwords::FaultyPasswords,
};
use crate::{
    memory::MemoryBus,
    port::{Passwords, Stores},
};

impl Faults {
    /// Wraps the log and the conversations of these stores.
    pub fn stores(self: &Arc<Self>, inner: &Stores) -> Stores {
        let log = FaultyLog::new(inner.log.clone(), self.clone());
        let conversations =
            FaultyConversations { inner: inner.conversations.clone(), faults: self.clone() };
        Stores { log: Arc::new(log), conversations: Arc::new(conversations), ..inner.clone() }
    }

    /// Wraps a gateway's bus.
    pub fn bus(self: &Arc<Self>, inner: MemoryBus) -> Arc<FaultyBus> {
        Arc::new(FaultyBus::new(inner, self.clone()))
    }

    /// Wraps password hashing. Its calls wait and are counted, but do not fail.
    pub fn passwords(self: &Arc<Self>, inner: Arc<dyn Passwords>) -> Arc<dyn Passwords> {
        Arc::new(FaultyPasswords { inner, faults: self.clone() })
    }
}
