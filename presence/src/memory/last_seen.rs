//! Last seen in memory.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use chat_core::{error::StoreError, id::UserId, time::Timestamp};

use crate::port::LastSeen;

/// Last seen in memory; it ends with the process.
#[derive(Debug, Default)]
pub struct MemoryLastSeen {
    seen: Mutex<HashMap<UserId, Timestamp>>,
}

#[async_trait]
impl LastSeen for MemoryLastSeen {
    async fn advance(&self, seen: &[(UserId, Timestamp)]) -> Result<(), StoreError> {
        let mut kept = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for (user, at) in seen {
            let latest = kept.entry(*user).or_insert(*at);
            *latest = (*latest).max(*at);
        }
        Ok(())
    }

    async fn of_users(&self, users: &[UserId]) -> Result<Vec<Option<Timestamp>>, StoreError> {
        let kept = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(users.iter().map(|user| kept.get(user).copied()).collect())
    }
}
