//! Assigns names to primaries: consistent hashing with virtual nodes (Karger et al., 1997).
//!
//! All gateways must assign a name to the same primary, so the hash is fixed here and depends only
//! on bytes. It is FNV-1a followed by the finaliser of MurmurHash3, because FNV alone puts names
//! that differ in their last digit side by side. A primary is identified by its address. The order
//! of the addresses in the configuration does not matter.

/// Points of one primary on the ring. More points make the shares more even.
const POINTS: u32 = 160;

/// The ring of a fleet's primaries.
#[derive(Debug, Clone)]
pub struct Ring {
    /// Each point's position, and the index of its primary.
    points: Vec<(u64, usize)>,
}

impl Ring {
    /// Creates the ring of these primaries. There must be at least one.
    pub fn new<'a>(addresses: impl IntoIterator<Item = &'a str>) -> Self {
        let mut points = Vec::new();
        for (index, address) in addresses.into_iter().enumerate() {
            points.extend((0..POINTS).map(|point| (hash(&format!("{address}#{point}")), index)));
        }
        points.sort_unstable();
        Self { points }
    }

    /// Returns the index of the name's primary, which has the next point on the ring.
    pub fn index_of(&self, name: &str) -> usize {
        let hash = hash(name);
        let next = self.points.partition_point(|(point, _)| *point < hash);
        let (_, index) = self.points[next % self.points.len()];
        index
    }
}

fn hash(text: &str) -> u64 {
    let fnv = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mixed = (fnv ^ (fnv >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    mixed ^ (mixed >> 33)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NAMES: u64 = 4_000;

    fn addresses(count: usize, first: u16) -> Vec<String> {
        (0..count).map(|index| format!("10.0.0.{index}:{first}/0")).collect()
    }

    fn ring(addresses: &[String]) -> Ring {
        Ring::new(addresses.iter().map(String::as_str))
    }

    fn names(from: u64) -> impl Iterator<Item = String> {
        (from..from + NAMES).map(|id| format!("c:{id}"))
    }

    #[test]
    fn assignments_are_the_same_in_every_version() {
        let ring = Ring::new(["one:6379", "two:6379", "three:6379"]);
        let indices: Vec<_> = (1..=12).map(|id| ring.index_of(&format!("c:{id}"))).collect();
        assert_eq!(indices, [0, 0, 1, 2, 0, 2, 1, 1, 0, 1, 2, 1]);
        assert_eq!(hash(""), 0xefd0_1f60_ba99_2926);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn every_primary_gets_a_fair_share(count in 1_usize..8, port: u16, from in 0..1_u64 << 62) {
            let ring = ring(&addresses(count, port));
            let mut shares = vec![0_u64; count];
            names(from).for_each(|name| shares[ring.index_of(&name)] += 1);
            let fair = NAMES / count as u64;
            prop_assert!(shares.iter().all(|share| (fair / 2..fair * 2).contains(share) || count == 1));
        }

        #[test]
        fn new_primary_takes_its_share_and_moves_no_other_name(
            count in 1_usize..8, port: u16, from in 0..1_u64 << 62,
        ) {
            let mut all = addresses(count + 1, port);
            let after = ring(&all);
            all.pop();
            let before = ring(&all);
            let mut moved = 0;
            for name in names(from) {
                let (old, new) = (before.index_of(&name), after.index_of(&name));
                prop_assert!(old == new || new == count, "moved between two old primaries");
                moved += u64::from(old != new);
            }
            let fair = NAMES / (count as u64 + 1);
            prop_assert!((fair / 2..fair * 2).contains(&moved), "{} of {}", moved, fair);
        }

        #[test]
        fn order_of_addresses_does_not_matter(count in 1_usize..8, port: u16, by in 0_usize..8) {
            let mut rotated = addresses(count, port);
            let original = ring(&rotated);
            rotated.rotate_left(by % count);
            let ring = ring(&rotated);
            for name in names(1) {
                let expected = (original.index_of(&name) + count - by % count) % count;
                prop_assert_eq!(ring.index_of(&name), expected);
            }
        }
    }
}
