//! Puts faults around ports.

use std::sync::Arc;

use super::{
    Faults,
    bus::FaultyBus,
    consents::{FaultyBoundaries, FaultyConsents},
    conversations::FaultyConversations,
    cursors::FaultyCursors,
    log::FaultyLog,
    passwords::FaultyPasswords,
    people::{FaultyAccounts, FaultyLogins},
    replies::FaultyReplies,
};
use crate::{
    memory::MemoryBus,
    port::{Passwords, Stores},
};

impl Faults {
    /// Wraps these stores, except invites and uploads.
    pub fn stores(self: &Arc<Self>, inner: &Stores) -> Stores {
        let (inner, faults) = (inner.clone(), || self.clone());
        Stores {
            log: Arc::new(FaultyLog::new(inner.log, faults())),
            conversations: Arc::new(FaultyConversations {
                inner: inner.conversations,
                faults: faults(),
            }),
            cursors: Arc::new(FaultyCursors { inner: inner.cursors, faults: faults() }),
            consents: Arc::new(FaultyConsents { inner: inner.consents, faults: faults() }),
            boundaries: Arc::new(FaultyBoundaries { inner: inner.boundaries, faults: faults() }),
            accounts: Arc::new(FaultyAccounts { inner: inner.accounts, faults: faults() }),
            logins: Arc::new(FaultyLogins { inner: inner.logins, faults: faults() }),
            replies: Arc::new(FaultyReplies { inner: inner.replies, faults: faults() }),
            ..inner
        }
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
