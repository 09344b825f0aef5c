//! Random choices from a seed: a failing test prints its seed, and the seed repeats the choices.

use std::env;

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
#[derive(Debug, Clone)]
pub struct Chance {
    state: u64,
}

impl Chance {
    /// Returns the generator of this seed.
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Takes the seed from `CONFAB_TEST_SEED`, or this one, and prints it.
    #[expect(clippy::print_stderr, reason = "the test runner displays it when a test fails")]
    pub fn from_environment(otherwise: u64) -> Self {
        let given = env::var_os("CONFAB_TEST_SEED").and_then(|seed| seed.to_str()?.parse().ok());
        let seed = given.unwrap_or(otherwise);
        eprintln!("CONFAB_TEST_SEED={seed}");
        Self::new(seed)
    }

    /// Returns the next 64 bits.
    pub const fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number from 0 to `end - 1`.
    pub const fn below(&mut self, end: u64) -> u64 {
        self.bits() % end
    }

    /// Returns true in this percentage of the calls.
    pub const fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// Returns one of these, or `None` if there are no items.
    pub fn one_of<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let end = u64::try_from(items.len()).unwrap_or(u64::MAX).max(1);
        items.get(usize::try_from(self.below(end)).unwrap_or(0))
    }

    /// Returns an independent generator, for another task.
    #[must_use]
    pub const fn split(&mut self) -> Self {
        Self::new(self.bits())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seed_repeats_its_choices() {
        let choices = |seed| {
            let mut chance = Chance::new(seed);
            (0..100).map(|_| chance.below(10)).collect::<Vec<_>>()
        };
        assert_eq!(choices(7), choices(7));
        assert_ne!(choices(7), choices(8));
    }
}
