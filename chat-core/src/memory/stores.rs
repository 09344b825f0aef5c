//! The one state behind the store ports in memory.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{
    accounts::{Accounts, MemoryAccounts},
    conversations::{MemoryConversations, Views},
    cursors::{Cursors, MemoryCursors},
    log::{Logs, MemoryLog},
    logins::{Logins, MemoryLogins},
    replies::{MemoryReplies, Replies},
};
use crate::port::Stores;

/// What the stores keep.
#[derive(Default)]
pub(super) struct State {
    pub(super) logs: Logs,
    pub(super) views: Views,
    pub(super) cursors: Cursors,
    pub(super) accounts: Accounts,
    pub(super) logins: Logins,
    pub(super) replies: Replies,
}

/// One lock round all of it: every step of a port is atomic.
#[derive(Clone, Default)]
pub(super) struct Shared(Arc<Mutex<State>>);

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Without what is kept, for there are secrets in it.
impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("memory")
    }
}

/// Makes stores in memory.
#[derive(Debug)]
pub struct MemoryStores;

impl MemoryStores {
    /// Stores on an empty memory; their clones are further handles on the same one.
    #[expect(clippy::new_ret_no_self, reason = "what is made is a set of ports")]
    pub fn new() -> Stores {
        let shared = Shared::default();
        Stores {
            log: Arc::new(MemoryLog(shared.clone())),
            conversations: Arc::new(MemoryConversations(shared.clone())),
            cursors: Arc::new(MemoryCursors(shared.clone())),
            accounts: Arc::new(MemoryAccounts(shared.clone())),
            logins: Arc::new(MemoryLogins(shared.clone())),
            replies: Arc::new(MemoryReplies(shared)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::unused_async, reason = "other stores take time to open")]
    async fn open() -> ((), Vec<Stores>) {
        let stores = MemoryStores::new();
        ((), vec![stores.clone(), stores])
    }

    crate::store_contract!(open);
}
