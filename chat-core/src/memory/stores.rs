//! The memory stores as one set of ports.

use std::sync::Arc;

use super::{
    accounts::MemoryAccounts,
    consents::{MemoryBoundaries, MemoryConsents},
    conversations::MemoryConversations,
    cursors::MemoryCursors,
    invites::MemoryInvites,
    log::MemoryLog,
    logins::MemoryLogins,
    replies::MemoryReplies,
    state::Shared,
    uploads::MemoryUploads,
};
use crate::port::Stores;

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
            consents: Arc::new(MemoryConsents(shared.clone())),
            boundaries: Arc::new(MemoryBoundaries(shared.clone())),
            accounts: Arc::new(MemoryAccounts(shared.clone())),
            logins: Arc::new(MemoryLogins(shared.clone())),
            replies: Arc::new(MemoryReplies(shared.clone())),
            invites: Arc::new(MemoryInvites(shared.clone())),
            uploads: Arc::new(MemoryUploads(shared)),
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
