//! Seeded random delays, which spread work over time: SplitMix64 (Steele, Lea, Flood 2014).

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// A source of random delays. The same seed gives the same delays.
#[derive(Debug)]
pub(crate) struct Jitter(AtomicU64);

impl Jitter {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// Returns a delay below `max`.
    pub(crate) fn below(&self, max: Duration) -> Duration {
        let micros = u64::try_from(max.as_micros()).unwrap_or(u64::MAX).max(1);
        Duration::from_micros(self.next() % micros)
    }

    fn next(&self) -> u64 {
        let mut z = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_follow_the_seed_and_stay_below_their_bound() {
        let (one, same, other) = (Jitter::new(1), Jitter::new(1), Jitter::new(2));
        let max = Duration::from_secs(3);
        let mut differ = 0;
        for _ in 0..1_000 {
            let delay = one.below(max);
            assert!(delay < max);
            assert_eq!(delay, same.below(max));
            differ += u32::from(delay != other.below(max));
        }
        assert!(differ > 990);
    }
}
