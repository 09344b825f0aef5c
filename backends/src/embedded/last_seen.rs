//! When each user was last seen.

use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{error::StoreError, id::UserId, time::Timestamp};
use presence::LastSeen;

use super::{spaces::Space, store::Shared};

/// The last-seen times of an embedded store.
#[derive(Debug)]
pub(super) struct EmbeddedLastSeen(pub(super) Arc<Shared>);

/// Estimated bytes of a row, for the bound of the queue.
const ROW_BYTES: usize = 17;

#[async_trait]
impl LastSeen for EmbeddedLastSeen {
    async fn advance(&self, seen: &[(UserId, Timestamp)]) -> Result<(), StoreError> {
        let seen = seen.to_vec();
        self.0
            .change(seen.len() * ROW_BYTES, move |txn| {
                for (user, at) in seen {
                    let key = user.get().to_be_bytes();
                    let stored: Option<Timestamp> = txn.get(Space::LastSeen, &key)?;
                    if stored.is_none_or(|stored| stored < at) {
                        txn.put(Space::LastSeen, key, &at);
                    }
                }
                Ok(())
            })
            .await
    }

    async fn of_users(&self, users: &[UserId]) -> Result<Vec<Option<Timestamp>>, StoreError> {
        let users = users.to_vec();
        self.0
            .read(move |store| {
                let keys = users.iter().map(|user| user.get().to_be_bytes());
                keys.map(|key| store.get(Space::LastSeen, &key)).collect()
            })
            .await
    }
}
