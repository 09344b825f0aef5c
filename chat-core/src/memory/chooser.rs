//! Seeded pseudo-random choices, the same for the same seed (SplitMix64, Steele, Lea and Flood
//! 2014).

/// Makes pseudo-random choices.
#[derive(Debug, Clone, Default)]
pub(super) struct Chooser(u64);

impl Chooser {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns true in `permille` of a thousand cases.
    pub(super) const fn one_of(&mut self, permille: u32) -> bool {
        permille > 0 && self.below(1_000) < permille
    }

    /// Returns a number below `bound`, or zero if `bound` is zero.
    #[expect(clippy::cast_possible_truncation, reason = "the remainder is below `bound`")]
    pub(super) const fn below(&mut self, bound: u32) -> u32 {
        if bound == 0 { 0 } else { (self.next() % bound as u64) as u32 }
    }

    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_depend_on_the_seed_and_match_the_probability() {
        let mut one = Chooser::new(7);
        let mut two = Chooser::new(7);
        let mut other = Chooser::new(8);
        assert!((0..100).all(|_| one.next() == two.next()));
        assert_ne!(one.next(), other.next());
        let count = (0..100_000).filter(|_| one.one_of(250)).count();
        assert!((24_000..26_000).contains(&count), "{count}");
        assert!((0..1_000).all(|_| one.below(3) < 3 && one.below(0) == 0 && !one.one_of(0)));
        assert!((0..1_000).all(|_| one.one_of(1_000)));
    }
}
