//! Last seen in memory.

use std::collections::HashMap;

use async_trait::async_trait;
use chat_core::{error::StoreError, id::UserId, time::Timestamp};
use parking_lot::Mutex;

use crate::port::LastSeen;

/// Keeps last seen in memory until the process ends.
#[derive(Debug, Default)]
pub struct MemoryLastSeen {
    seen: Mutex<HashMap<UserId, Timestamp>>,
}

#[async_trait]
impl LastSeen for MemoryLastSeen {
    async fn advance(&self, seen: &[(UserId, Timestamp)]) -> Result<(), StoreError> {
        let mut stored = self.seen.lock();
        for (user, at) in seen {
            let latest = stored.entry(*user).or_insert(*at);
            *latest = (*latest).max(*at);
        }
        Ok(())
    }

    async fn of_users(&self, users: &[UserId]) -> Result<Vec<Option<Timestamp>>, StoreError> {
        let stored = self.seen.lock();
        Ok(users.iter().map(|user| stored.get(user).copied()).collect())
    }
}
