//! Random numbers, for codes that nobody can guess.

use std::fmt;

use parking_lot::Mutex;

/// A source of random numbers.
pub trait Random: Send + Sync + fmt::Debug {
    /// Returns 64 random bits.
    fn bits(&self) -> Result<u64, getrandom::Error>;
}

/// The random numbers of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn bits(&self) -> Result<u64, getrandom::Error> {
        getrandom::u64()
    }
}

/// Numbers that follow from a seed, for tests and simulations (SplitMix64, Steele, Lea and Flood
/// 2014).
#[derive(Debug)]
pub struct SeededRandom(Mutex<u64>);

impl SeededRandom {
    /// Makes a source that repeats its numbers for the same seed.
    pub const fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }
}

impl Random for SeededRandom {
    fn bits(&self) -> Result<u64, getrandom::Error> {
        let mut state = self.0.lock();
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Ok(mixed ^ (mixed >> 31))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeded_numbers_repeat_and_differ_by_seed() {
        let numbers = |seed| {
            let random = SeededRandom::new(seed);
            [(); 3].map(|()| random.bits().unwrap())
        };
        assert_eq!(numbers(1), numbers(1));
        assert_ne!(numbers(1), numbers(2));
        assert_ne!(SystemRandom.bits().unwrap(), SystemRandom.bits().unwrap());
    }
}
