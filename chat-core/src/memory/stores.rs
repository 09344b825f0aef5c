//! The shared state behind the memory stores.

use std::{fmt, sync::Arc};

use parking_lot::{Mutex, MutexGuard};

use super::{
    accounts::{Accounts, MemoryAccounts},
    conversations::{MemoryConversations, Views},
    cursors::{Cursors, MemoryCursors},
    log::{Logs, MemoryLog},
    logins::{Logins, MemoryLogins},
    replies::{MemoryReplies, Replies},
};
use crate::port::Stores;

/// Everything that the stores keep.
#[derive(Default)]
pub(super) struct State {
    pub(super) logs: Logs,
    pub(super) views: Views,
    pub(super) cursors: Cursors,
    pub(super) accounts: Accounts,
    pub(super) logins: Logins,
    pub(super) replies: Replies,
}

/// The state behind one lock, which makes every method of a port atomic.
#[derive(Clone, Default)]
pub(super) struct Shared(Arc<Mutex<State>>);

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock()
    }
}

/// Hides the state, because it contains secrets.
impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("memory")
    }
}

/// Makes memory stores.
#[derive(Debug)]
pub struct MemoryStores;

impl MemoryStores {
    /// Makes empty stores. Clones of them share their state.
    #[expect(clippy::new_ret_no_self, reason = "it makes a set of ports")]
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
