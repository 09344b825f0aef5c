//! Maps and sets by id.

use std::collections::{HashMap, HashSet};

/// A map by id. Servers make the ids, so nobody can choose ids whose hashes collide, and a fast hash
/// function will do.
pub type IdMap<K, V> = HashMap<K, V, foldhash::fast::RandomState>;
/// A set of ids.
pub type IdSet<K> = HashSet<K, foldhash::fast::RandomState>;
