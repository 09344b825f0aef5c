//! Chance with a seed: the same choices each time (SplitMix64, Steele, Lea and Flood 2014).

/// Makes choices that follow from its seed.
#[derive(Debug, Clone, Default)]
pub(super) struct Chooser(u64);

impl Chooser {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Yes in so many of a thousand cases.
    pub(super) const fn one_of(&mut self, permille: u32) -> bool {
        permille > 0 && self.below(1_000) < permille
    }

    /// A number below `bound`; zero where there is none.
    #[expect(clippy::cast_possible_truncation, reason = "smaller than the bound")]
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
    fn choices_follow_from_the_seed_and_keep_their_share() {
        let (mut one, mut two, mut other) = (Chooser::new(7), Chooser::new(7), Chooser::new(8));
        assert!((0..100).all(|_| one.next() == two.next()));
        assert_ne!(one.next(), other.next());
        let yes = (0..100_000).filter(|_| one.one_of(250)).count();
        assert!((24_000..26_000).contains(&yes), "{yes}");
        assert!((0..1_000).all(|_| one.below(3) < 3 && one.below(0) == 0 && !one.one_of(0)));
        assert!((0..1_000).all(|_| one.one_of(1_000)));
    }
}
