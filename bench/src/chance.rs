//! Numbers that look random and are the same in every run.

/// A generator with a fixed seed: SplitMix64 (Steele, Lea, Flood 2014).
#[derive(Debug)]
pub(crate) struct Chance {
    state: u64,
}

impl Chance {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Returns a number below `bound`, which must not be zero.
    pub(crate) const fn below(&mut self, bound: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_below_the_bound_spread_and_repeatable() {
        let draw = || {
            let mut chance = Chance::new(1);
            (0..1_000).map(|_| chance.below(10)).collect::<Vec<_>>()
        };
        let numbers = draw();
        assert_eq!(numbers, draw());
        for number in 0..10 {
            let count = numbers.iter().filter(|drawn| **drawn == number).count();
            assert!((50..200).contains(&count), "{count} times {number}");
        }
    }
}
