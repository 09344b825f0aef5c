//! A map behind many locks, each held for a few lines.

use std::hash::Hash;

use parking_lot::{Mutex, MutexGuard};

use crate::id_map::IdMap;

/// Shards of a map: a power of two, far above the number of cores.
pub(crate) const SHARDS: usize = 64;

/// A map behind many locks.
#[derive(Debug)]
pub(crate) struct Sharded<K, V>(Box<[Mutex<IdMap<K, V>>]>);

impl<K, V> Default for Sharded<K, V> {
    fn default() -> Self {
        Self((0..SHARDS).map(|_| Mutex::default()).collect())
    }
}

impl<K: Eq + Hash, V> Sharded<K, V> {
    /// Locks the shard of an id. The low bits of Snowflake ids are similar, so all bits are mixed.
    pub(crate) fn shard(&self, id: u64) -> MutexGuard<'_, IdMap<K, V>> {
        let mixed = id.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 58;
        self.0[usize::try_from(mixed).unwrap_or(0) % SHARDS].lock()
    }

    /// Locks the shards one after the other.
    pub(crate) fn shards(&self) -> impl Iterator<Item = MutexGuard<'_, IdMap<K, V>>> {
        self.0.iter().map(Mutex::lock)
    }
}
