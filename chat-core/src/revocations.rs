//! Ended logins whose access tokens have not expired yet.
//!
//! A gateway verifies access tokens without the store. It therefore remembers every login that
//! ended within the lifetime of an access token: those ended by its own log-outs, those that other
//! gateways sent as hints, and those that the store has kept. It reads the latter when it starts,
//! and whenever hints may have been lost.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    time::Duration,
};

use bytes::Bytes;
use parking_lot::RwLock;

use crate::{
    id::LoginId,
    model::{EndedLogin, Identity},
    planted::{Bug, is_planted},
    time::Timestamp,
    versioned::{self, DecodeError},
};

/// The maximum number of revoked logins that a gateway remembers. A further one replaces the
/// oldest.
pub const REVOKED_MAX: usize = 1 << 17;

/// Acts on ended logins: ends their sessions and refuses their access tokens.
///
/// Called for log-outs on this gateway and for hints from others, possibly more than once for the
/// same login.
pub trait Revocations: Send + Sync + fmt::Debug {
    /// Acts on one ended login. Must not block.
    fn revoked(&self, ended: Identity);
}

/// The maximum number of ended logins in one hint.
pub const HINT_LOGINS_MAX: usize = 1_024;

/// The size of the largest hint in bytes: a version byte, a count, and two ids for each login.
const HINT_BYTES_MAX: usize = 1 + 2 + HINT_LOGINS_MAX * 2 * 9;

/// Encodes the hint that tells other gateways about 1 to [`HINT_LOGINS_MAX`] ended logins. It is
/// published on [`crate::port::Channel::Gateways`].
pub fn encode(ended: &[Identity]) -> Bytes {
    versioned::encode(ended).into()
}

/// Decodes a hint that [`encode`] wrote. Fails if the bytes are damaged, of an unknown version
/// or too many, or if they name no login.
pub fn decode(hint: &[u8]) -> Result<Vec<Identity>, DecodeError> {
    if hint.len() > HINT_BYTES_MAX {
        return Err(DecodeError::Malformed);
    }
    let ended: Vec<Identity> = versioned::decode(hint)?;
    if (1..=HINT_LOGINS_MAX).contains(&ended.len()) {
        Ok(ended)
    } else {
        Err(DecodeError::Malformed)
    }
}

/// The logins whose access tokens a gateway refuses. A lookup is one hash table access.
#[derive(Debug)]
pub struct RevokedLogins {
    access_ttl: Duration,
    max: usize,
    known: RwLock<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// Until when each login is remembered.
    until: HashMap<LoginId, Timestamp>,
    /// The logins in the order in which they were added.
    queue: VecDeque<(Timestamp, Identity, Source)>,
}

/// The gateway that ended a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    This,
    Other,
}

impl RevokedLogins {
    /// Makes an empty set that remembers up to [`REVOKED_MAX`] logins for `access_ttl` each. The
    /// time must include any leeway in the check of an access token's expiry.
    pub fn new(access_ttl: Duration) -> Self {
        Self::with_max(access_ttl, REVOKED_MAX)
    }

    /// Makes an empty set with another limit than [`Self::new`].
    pub fn with_max(access_ttl: Duration, max: usize) -> Self {
        Self { access_ttl, max: max.max(1), known: RwLock::default() }
    }

    /// Remembers a login that this gateway ended. Returns false if it was remembered already.
    pub fn insert(&self, ended: Identity, now: Timestamp) -> bool {
        self.remember(ended, now, Source::This)
    }

    /// Remembers a login that another gateway ended. Returns false if it was remembered already.
    pub fn insert_remote(&self, ended: Identity, now: Timestamp) -> bool {
        self.remember(ended, now, Source::Other)
    }

    /// Remembers an ended login that the store has kept. Returns false if it was remembered already.
    pub fn insert_stored(&self, ended: EndedLogin, now: Timestamp) -> bool {
        self.remember_until(ended, now, Source::Other)
    }

    fn remember(&self, identity: Identity, now: Timestamp, source: Source) -> bool {
        let refused_until = now.after(self.access_ttl);
        self.remember_until(EndedLogin { identity, refused_until }, now, source)
    }

    fn remember_until(&self, ended: EndedLogin, now: Timestamp, source: Source) -> bool {
        let EndedLogin { identity: ended, refused_until: until } = ended;
        let mut known = self.known.write();
        known.prune(now);
        if known.until.get(&ended.login).is_some_and(|until| *until > now) {
            return false;
        }
        if known.queue.len() >= self.max {
            known.forget_oldest();
            tracing::warn!(max = self.max, "too many revoked logins: forgot the oldest too early");
        }
        known.until.insert(ended.login, until);
        known.queue.push_back((until, ended, source));
        true
    }

    /// Returns true if access tokens of this login are refused.
    pub fn contains(&self, login: LoginId, now: Timestamp) -> bool {
        if is_planted(Bug::ForgetsRevocation) {
            return false;
        }
        let known = self.known.read();
        known.until.get(&login).is_some_and(|until| *until > now)
    }

    /// Returns the remembered logins that this gateway ended, oldest first. They are published
    /// again after hints may have been lost. Logins that others ended are not included, because
    /// gateways would otherwise remind each other of them forever.
    pub fn ended_by_this_gateway(&self, now: Timestamp) -> Vec<Identity> {
        let known = self.known.read();
        let own =
            known.queue.iter().filter(|(until, _, source)| *until > now && *source == Source::This);
        own.map(|(_, ended, _)| *ended).collect()
    }
}

impl Known {
    fn forget_oldest(&mut self) {
        if let Some((until, ended, _)) = self.queue.pop_front()
            && self.until.get(&ended.login) == Some(&until)
        {
            self.until.remove(&ended.login);
        }
    }

    fn prune(&mut self, now: Timestamp) {
        while self.queue.front().is_some_and(|(until, ..)| *until <= now) {
            self.forget_oldest();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::id::UserId;

    const TTL: Duration = Duration::from_secs(600);

    fn identity(login: u64) -> Identity {
        Identity { user: UserId::new(login + 1_000).unwrap(), login: LoginId::new(login).unwrap() }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    #[test]
    fn revoked_login_is_refused_for_the_life_of_an_access_token() {
        let revoked = RevokedLogins::new(TTL);
        assert!(revoked.insert(identity(1), at(0)));
        assert!(!revoked.insert(identity(1), at(1)), "inserted twice");
        for (seconds, refused) in [(0, true), (599, true), (600, false), (900, false)] {
            assert_eq!(revoked.contains(identity(1).login, at(seconds)), refused, "{seconds}");
        }
        assert!(!revoked.contains(identity(2).login, at(0)));
    }

    #[test]
    fn remotely_ended_login_is_refused_but_not_published_again() {
        let revoked = RevokedLogins::new(TTL);
        assert!(revoked.insert_remote(identity(1), at(0)));
        assert!(revoked.insert(identity(2), at(0)));
        assert!(revoked.contains(identity(1).login, at(1)));
        assert_eq!(revoked.ended_by_this_gateway(at(1)), [identity(2)]);
    }

    #[test]
    fn expired_revocations_are_pruned() {
        let revoked = RevokedLogins::new(TTL);
        for login in 1..=100 {
            revoked.insert(identity(login), at(0));
        }
        revoked.insert(identity(101), at(600));
        assert_eq!(revoked.ended_by_this_gateway(at(600)), [identity(101)]);
        assert_eq!(revoked.known.read().until.len(), 1);
        assert_eq!(revoked.known.read().queue.len(), 1);
    }

    #[test]
    fn oldest_revocation_is_forgotten_when_there_are_too_many() {
        let revoked = RevokedLogins::with_max(TTL, 3);
        for login in 1..=5 {
            revoked.insert(identity(login), at(0));
        }
        assert_eq!(revoked.ended_by_this_gateway(at(1)), [identity(3), identity(4), identity(5)]);
    }

    #[test]
    fn revocation_survives_when_the_clock_steps_back() {
        let revoked = RevokedLogins::new(TTL);
        revoked.insert(identity(1), at(1_000));
        revoked.insert(identity(2), at(10));
        revoked.insert(identity(3), at(700));
        assert!(revoked.contains(identity(1).login, at(700)));
        assert!(!revoked.contains(identity(2).login, at(700)));
        assert!(revoked.insert(identity(2), at(700)), "it had expired");
        assert!(revoked.contains(identity(2).login, at(1_299)));
    }

    #[test]
    fn second_revocation_is_remembered_when_the_first_is_forgotten() {
        let revoked = RevokedLogins::with_max(TTL, 3);
        for (login, seconds) in [(1, 1_000), (2, 10), (2, 700), (3, 701), (4, 702)] {
            assert!(revoked.insert(identity(login), at(seconds)));
        }
        assert!(revoked.contains(identity(2).login, at(703)));
    }

    #[test]
    fn hint_has_these_bytes_and_no_part_of_it_is_decoded() {
        let hint = encode(&[identity(7)]);
        assert_eq!(&hint[..], [1, 1, 0xEF, 7, 7]);
        assert_eq!(decode(&hint), Ok(vec![identity(7)]));
        for length in 0..hint.len() {
            assert_eq!(decode(&hint[..length]), Err(DecodeError::Malformed));
        }
        assert_eq!(decode(&[&hint[..], &[0]].concat()), Err(DecodeError::Malformed));
        assert_eq!(decode(&[&[2], &hint[1..]].concat()), Err(DecodeError::UnknownVersion(2)));
    }

    #[test]
    fn hint_is_refused_when_it_names_too_many_logins_or_none() {
        let largest = i64::MAX as u64;
        let ended =
            Identity { user: UserId::new(largest).unwrap(), login: LoginId::new(largest).unwrap() };
        let many = vec![ended; HINT_LOGINS_MAX];
        assert_eq!(encode(&many).len(), HINT_BYTES_MAX);
        assert_eq!(decode(&encode(&many)), Ok(many));
        let too_many = vec![ended; HINT_LOGINS_MAX + 1];
        assert_eq!(decode(&encode(&too_many)), Err(DecodeError::Malformed));
        let small: Vec<_> = (1..=HINT_LOGINS_MAX as u64 + 1).map(identity).collect();
        assert_eq!(decode(&encode(&small)), Err(DecodeError::Malformed));
        assert_eq!(decode(&encode(&[])), Err(DecodeError::Malformed));
    }

    proptest! {
        #[test]
        fn damaged_hints_are_refused_without_a_panic(hint in proptest::collection::vec(any::<u8>(), 0..40)) {
            let hint = [&[versioned::VERSION], &hint[..]].concat();
            if let Ok(ended) = decode(&hint) {
                prop_assert!((1..=HINT_LOGINS_MAX).contains(&ended.len()));
                prop_assert_eq!(decode(&encode(&ended)), Ok(ended));
            }
        }

        #[test]
        fn login_revoked_within_the_ttl_is_refused(
            steps in proptest::collection::vec((1_u64..20, 0_i64..200), 1..60),
        ) {
            let revoked = RevokedLogins::new(TTL);
            let mut now = 0;
            let mut until = HashMap::new();
            for (login, wait) in steps {
                now += wait;
                let refused = until.get(&login).is_some_and(|until| *until > now);
                prop_assert_eq!(revoked.contains(identity(login).login, at(now)), refused);
                prop_assert_eq!(revoked.insert(identity(login), at(now)), !refused);
                until.entry(login).and_modify(|until| if !refused { *until = now + 600 }).or_insert(now + 600);
            }
        }
    }
}
