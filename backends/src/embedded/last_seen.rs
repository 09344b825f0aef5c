//! When people's last device went.

use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{
    codec::{Reader, VERSION},
    error::StoreError,
    id::UserId,
    time::Timestamp,
};
use fjall::UserValue;
use presence::LastSeen;

use super::{spaces::Space, store::Shared};

/// Last seen in an embedded store.
#[derive(Debug)]
pub(super) struct EmbeddedLastSeen(pub(super) Arc<Shared>);

/// Bytes of a row, for the queue's bound.
const ROW_BYTES: usize = 17;

fn value(at: Timestamp) -> [u8; 9] {
    let mut value = [VERSION; 9];
    value[1..].copy_from_slice(&at.as_millis().to_be_bytes());
    value
}

fn stored(value: Option<UserValue>) -> Result<Option<Timestamp>, StoreError> {
    let read = |bytes: &[u8]| {
        let mut reader = Reader::new(bytes);
        let version = reader.u8()?;
        let at = reader.timestamp()?;
        reader.end().map(|()| (version == VERSION).then_some(at))
    };
    match value.map(|value| read(&value)) {
        None => Ok(None),
        Some(Ok(Some(at))) => Ok(Some(at)),
        Some(Ok(None) | Err(_)) => Err(StoreError::Corrupt("last seen is unreadable".to_owned())),
    }
}

#[async_trait]
impl LastSeen for EmbeddedLastSeen {
    async fn advance(&self, seen: &[(UserId, Timestamp)]) -> Result<(), StoreError> {
        let seen = seen.to_vec();
        self.0
            .change(seen.len() * ROW_BYTES, move |txn| {
                for (user, at) in seen {
                    let key = user.get().to_be_bytes();
                    if stored(txn.get(Space::LastSeen, &key)?)?.is_none_or(|before| before < at) {
                        txn.put(Space::LastSeen, key, value(at));
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
                keys.map(|key| stored(store.get(Space::LastSeen, &key)?)).collect()
            })
            .await
    }
}
