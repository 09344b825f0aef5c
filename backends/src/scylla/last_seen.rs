//! When each user's last device went offline. The time is also its timestamp, so that the latest
//! wins.

use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{error::StoreError, id::UserId, time::Timestamp};
use presence::port::LastSeen;

use super::store::{CqlStore, join_bounded};

/// Added to each timestamp, so that times before 1970 are positive, too, and none is in the future.
const TIMESTAMP_ZERO: i64 = 1 << 49;

/// Last-seen times in a CQL store.
#[derive(Debug)]
pub(super) struct ScyllaLastSeen(pub(super) Arc<CqlStore>);

#[async_trait]
impl LastSeen for ScyllaLastSeen {
    async fn advance(&self, seen: &[(UserId, Timestamp)]) -> Result<(), StoreError> {
        let store = &self.0;
        let writes = seen.iter().map(async |(user, at)| {
            let at = at.as_millis();
            let values = (user.as_i64(), at, TIMESTAMP_ZERO.saturating_add(at));
            store.write(&store.statements.set_last_seen, values).await
        });
        store.in_time(join_bounded(writes.collect())).await.map(drop)
    }

    async fn of_users(&self, users: &[UserId]) -> Result<Vec<Option<Timestamp>>, StoreError> {
        let store = &self.0;
        let reads = users.iter().map(async |user| {
            let row: Option<(Option<i64>,)> =
                store.row(&store.statements.last_seen, (user.as_i64(),)).await?;
            Ok(row.and_then(|(at,)| at).map(Timestamp::from_millis))
        });
        store.in_time(join_bounded(reads.collect())).await
    }
}
