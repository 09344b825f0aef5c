//! What users allow others, kept for a moment: it is asked with each message and each receipt.

use std::sync::Arc;

use tokio::time::Instant;

use crate::{
    error::StoreError,
    id::UserId,
    limits::{BLOCKS_KEPT_MAX, BOUNDARIES_KEPT_MAX, BOUNDARY_TTL},
    model::Boundary,
    port::Boundaries,
    sharded::{SHARDS, Sharded},
};

/// Users in a shard.
const KEPT_MAX: usize = BOUNDARIES_KEPT_MAX / SHARDS;
/// Blocked users in the boundaries of a shard.
const BLOCKS_MAX: usize = BLOCKS_KEPT_MAX / SHARDS;

/// What users allow others, as read at most [`BOUNDARY_TTL`] ago.
#[derive(Debug, Default)]
pub(crate) struct RecentBoundaries(Sharded<UserId, Kept>);

#[derive(Debug)]
struct Kept {
    /// When the store was asked, or when the boundary changed here.
    at: Instant,
    /// `None` after a change.
    boundary: Option<Arc<Boundary>>,
}

impl Kept {
    fn is_fresh(&self) -> bool {
        self.at.elapsed() < BOUNDARY_TTL
    }

    fn blocks(&self) -> usize {
        self.boundary.as_ref().map_or(0, |boundary| boundary.blocked.len())
    }
}

impl RecentBoundaries {
    /// Returns a user's boundary.
    pub(crate) async fn get(
        &self,
        store: &dyn Boundaries,
        user: UserId,
    ) -> Result<Arc<Boundary>, StoreError> {
        if let Some(kept) = self.0.shard(user.get()).get(&user)
            && kept.is_fresh()
            && let Some(boundary) = &kept.boundary
        {
            return Ok(boundary.clone());
        }
        let at = Instant::now();
        let boundary = Arc::new(store.get(user).await?);
        self.keep(user, Kept { at, boundary: Some(boundary.clone()) });
        Ok(boundary)
    }

    /// Forgets a boundary that has changed. What is being read now is not kept either.
    pub(crate) fn forget(&self, user: UserId) {
        self.keep(user, Kept { at: Instant::now(), boundary: None });
    }

    fn keep(&self, user: UserId, kept: Kept) {
        let mut shard = self.0.shard(user.get());
        if shard.get(&user).is_some_and(|newer| newer.at > kept.at) {
            return;
        }
        let has_room = |blocks: usize, users: usize| users < KEPT_MAX && blocks <= BLOCKS_MAX;
        let blocks = |shard: &crate::id_map::IdMap<UserId, Kept>| {
            shard.values().map(Kept::blocks).sum::<usize>() + kept.blocks()
        };
        if !has_room(blocks(&shard), shard.len()) {
            shard.retain(|_, kept| kept.is_fresh());
            if !has_room(blocks(&shard), shard.len()) {
                shard.clear();
            }
        }
        shard.insert(user, kept);
    }
}

#[cfg(test)]
mod tests;
