//! Token buckets in this process, for a single gateway or while a shared limiter is unavailable.
//!
//! The number of keys is bounded. Buckets that are full again are forgotten. If that frees no room,
//! the new keys of a shard share one bucket, so that each gets less than its own and never more.

use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::BuildHasher,
    time::Duration,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::{
    limiter::TokenBucket,
    port::{Bucket, Limiter, Taken},
};

/// The default maximum of keys in a limiter.
pub const LIMITER_KEYS_MAX: usize = 1 << 18;

const SHARDS: usize = 16;
const PRUNE_KEYS_MIN: usize = 64;
const PRUNE_PAUSE: Duration = Duration::from_secs(1);

/// Token buckets in this process.
#[derive(Debug)]
pub struct LocalLimiter {
    began: Instant,
    hasher: RandomState,
    shard_keys_max: usize,
    shards: Vec<Mutex<Shard>>,
}

#[derive(Debug)]
struct Shard {
    buckets: HashMap<Box<str>, TokenBucket>,
    /// Shared by all keys for which there is no room.
    overflow: TokenBucket,
    prune_at_keys: usize,
    pruned_at: Duration,
}

impl LocalLimiter {
    /// Makes a limiter that keeps the buckets of about `keys_max` keys.
    pub fn new(keys_max: usize) -> Self {
        Self {
            began: Instant::now(),
            hasher: RandomState::new(),
            shard_keys_max: keys_max.div_ceil(SHARDS).max(1),
            shards: (0..SHARDS).map(|_| Mutex::new(Shard::new())).collect(),
        }
    }

    /// Takes tokens like [`Limiter::take`], without waiting.
    pub fn take_now(&self, key: &str, bucket: Bucket, tokens: u32) -> Taken {
        self.with(key, |kept, now| kept.take(now, bucket, tokens))
    }

    /// Takes tokens like [`Limiter::charge`], without waiting.
    pub fn charge_now(&self, key: &str, bucket: Bucket, tokens: u32) {
        self.with(key, |kept, now| kept.charge(now, bucket, tokens));
    }

    fn with<T>(&self, key: &str, act: impl FnOnce(&mut TokenBucket, Duration) -> T) -> T {
        let now = self.began.elapsed();
        let index = self.hasher.hash_one(key) % self.shards.len() as u64;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the remainder is below the number of shards"
        )]
        let shard = &self.shards[index as usize];
        let mut shard = shard.lock();
        act(shard.bucket(key, now, self.shard_keys_max), now)
    }
}

impl Default for LocalLimiter {
    fn default() -> Self {
        Self::new(LIMITER_KEYS_MAX)
    }
}

#[async_trait]
impl Limiter for LocalLimiter {
    async fn take(&self, key: &str, bucket: Bucket, tokens: u32) -> Taken {
        self.take_now(key, bucket, tokens)
    }

    async fn charge(&self, key: &str, bucket: Bucket, tokens: u32) {
        self.charge_now(key, bucket, tokens);
    }
}

impl Shard {
    fn new() -> Self {
        Self {
            buckets: HashMap::new(),
            overflow: TokenBucket::default(),
            prune_at_keys: PRUNE_KEYS_MIN,
            pruned_at: Duration::ZERO,
        }
    }

    fn bucket(&mut self, key: &str, now: Duration, keys_max: usize) -> &mut TokenBucket {
        if !self.buckets.contains_key(key) {
            self.prune_if_due(now, keys_max);
            if self.buckets.len() >= keys_max {
                return &mut self.overflow;
            }
        }
        self.buckets.entry(key.into()).or_default()
    }

    /// Forgets full buckets if there are twice as many keys as the last time left, or if there is
    /// no room and a second has passed. The cost for each key therefore stays small.
    fn prune_if_due(&mut self, now: Duration, keys_max: usize) {
        let keys = self.buckets.len();
        let has_no_room = keys >= keys_max && now.saturating_sub(self.pruned_at) >= PRUNE_PAUSE;
        if keys < self.prune_at_keys && !has_no_room {
            return;
        }
        self.buckets.retain(|_, bucket| !bucket.is_full(now));
        self.buckets.shrink_to(2 * self.buckets.len());
        self.prune_at_keys = (2 * self.buckets.len()).max(PRUNE_KEYS_MIN);
        self.pruned_at = now;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[expect(clippy::unused_async, reason = "other limiters take time to open")]
    async fn open() -> ((), Vec<Arc<dyn Limiter>>) {
        let limiter: Arc<dyn Limiter> = Arc::<LocalLimiter>::default();
        ((), vec![Arc::clone(&limiter), limiter])
    }

    crate::limiter_contract!(open);

    const SLOW: Bucket = Bucket { per_second: 1.0, burst: 2 };

    fn granted(limiter: &LocalLimiter, key: &str) -> bool {
        limiter.take_now(key, SLOW, 1).is_granted()
    }

    fn keys(limiter: &LocalLimiter) -> usize {
        limiter.shards.iter().map(|shard| shard.lock().buckets.len()).sum()
    }

    #[tokio::test(start_paused = true)]
    async fn each_key_has_its_own_bucket_that_refills_over_time() {
        let limiter = LocalLimiter::default();
        assert!(granted(&limiter, "a") && granted(&limiter, "a") && !granted(&limiter, "a"));
        assert!(granted(&limiter, "b"));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(granted(&limiter, "a") && !granted(&limiter, "a"));
    }

    #[tokio::test(start_paused = true)]
    async fn full_buckets_are_forgotten() {
        let limiter = LocalLimiter::default();
        for round in 0..20 {
            assert!((0..2_000).all(|key| granted(&limiter, &format!("{round} {key}"))));
            tokio::time::advance(Duration::from_secs(2)).await;
        }
        assert!(keys(&limiter) <= 2 * 2_000 + 2 * SHARDS * PRUNE_KEYS_MIN, "{}", keys(&limiter));
    }

    #[test]
    fn full_buckets_are_forgotten_when_the_keys_have_doubled() {
        let mut shard = Shard::new();
        let mut add = |key: usize, now| {
            shard.bucket(&key.to_string(), now, usize::MAX).take(now, SLOW, 1);
            shard.buckets.len()
        };
        for key in 0..=PRUNE_KEYS_MIN {
            assert_eq!(add(key, Duration::ZERO), key + 1, "none of them is full");
        }
        let later = Duration::from_secs(10);
        for key in PRUNE_KEYS_MIN + 1..2 * PRUNE_KEYS_MIN {
            assert_eq!(add(key, later), key + 1, "they have not doubled");
        }
        assert_eq!(add(2 * PRUNE_KEYS_MIN, later), PRUNE_KEYS_MIN);
    }

    #[test]
    fn room_is_made_once_a_second_at_most() {
        let mut shard = Shard::new();
        let quick = Bucket { per_second: 1_000.0, burst: 2 };
        let mut has_own = |key: &str, now| {
            shard.bucket(key, now, 1).take(now, quick, 1);
            shard.buckets.contains_key(key)
        };
        assert!(has_own("first", Duration::ZERO));
        assert!(!has_own("early", PRUNE_PAUSE * 9 / 10));
        assert!(has_own("late", PRUNE_PAUSE));
        assert!(!has_own("soon after", PRUNE_PAUSE + PRUNE_PAUSE / 2));
        assert!(has_own("a second later", 2 * PRUNE_PAUSE));
    }

    #[tokio::test(start_paused = true)]
    async fn keys_share_one_bucket_when_there_is_no_room() {
        let limiter = LocalLimiter::new(SHARDS * 4);
        let count = (0..1_000).filter(|key| granted(&limiter, &key.to_string())).count();
        assert_eq!(keys(&limiter), SHARDS * 4);
        assert_eq!(
            count,
            SHARDS * (4 + 2),
            "each key with room, and two from each shard's shared bucket"
        );
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!((0..4).all(|key| granted(&limiter, &format!("after a pause {key}"))));
        assert!(keys(&limiter) <= SHARDS * 4);
    }
}
