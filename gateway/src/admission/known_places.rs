//! From where accounts have logged in before.

use std::{
    collections::{HashSet, hash_map::RandomState},
    hash::BuildHasher,
    net::IpAddr,
};

use parking_lot::Mutex;

use crate::listener::limited_as;

/// Pairs of an account and an address in one generation. Two generations are kept.
const GENERATION_MAX: usize = 65_536;

/// The accounts and addresses that have logged in since this gateway started. It forgets the oldest
/// ones, and they are treated like new ones.
#[derive(Debug, Default)]
pub(super) struct KnownPlaces {
    hasher: RandomState,
    generations: Mutex<[HashSet<u64>; 2]>,
}

impl KnownPlaces {
    /// Records that an account has logged in from this address.
    pub(super) fn add(&self, account: &str, address: IpAddr) {
        let place = self.place(account, address);
        let mut generations = self.generations.lock();
        if generations[0].len() >= GENERATION_MAX {
            generations[1] = std::mem::take(&mut generations[0]);
        }
        generations[0].insert(place);
    }

    /// Returns true if the account has logged in from this address.
    pub(super) fn contains(&self, account: &str, address: IpAddr) -> bool {
        let place = self.place(account, address);
        self.generations.lock().iter().any(|generation| generation.contains(&place))
    }

    fn place(&self, account: &str, address: IpAddr) -> u64 {
        self.hasher.hash_one((account, limited_as(address)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_is_known_until_many_others_were_added() {
        let places = KnownPlaces::default();
        let (home, work) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        places.add("ada", home);
        assert!(places.contains("ada", home));
        assert!(!places.contains("ada", work) && !places.contains("bob", home));
        for number in 0..GENERATION_MAX {
            places.add(&number.to_string(), work);
        }
        assert!(places.contains("ada", home));
        for number in 0..=GENERATION_MAX {
            places.add(&format!("other {number}"), work);
        }
        assert!(!places.contains("ada", home));
        let kept: usize = places.generations.lock().iter().map(HashSet::len).sum();
        assert!(kept <= 2 * GENERATION_MAX, "{kept}");
    }
}
