//! Logins that have been ended while their access tokens still live.
//!
//! An access token is checked without a store, so each gateway remembers the logins that ended
//! within an access token's life. They come from its own log-outs and, as hints, from the others'.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    time::Duration,
};

use bytes::Bytes;
use parking_lot::RwLock;

use crate::{
    id::LoginId,
    model::Identity,
    time::Timestamp,
    versioned::{self, DecodeError},
};

/// Revoked logins that a gateway remembers; past them, the one that would be forgotten next goes.
pub const REVOKED_MAX: usize = 1 << 17;

/// Who wants to know of a login that has ended: to end its sessions and refuse its access tokens.
/// Told of this gateway's log-outs and, by whoever reads the bus, of the others'; more than once,
/// it may be.
pub trait Revocations: Send + Sync + fmt::Debug {
    /// This login has ended. Must not wait.
    fn revoked(&self, ended: Identity);
}

/// The largest number of ended logins in one hint.
pub const HINT_MAX: usize = 1_024;

/// The size of the largest hint in bytes: a version byte, a count, and two ids for each login.
const HINT_BYTES_MAX: usize = 1 + 2 + HINT_MAX * 2 * 9;

/// Encodes the hint that tells other gateways about one ended login. It is published on
/// [`crate::port::Channel::Gateways`].
pub fn encode(ended: Identity) -> Bytes {
    encode_all(&[ended])
}

/// Encodes a hint about up to [`HINT_MAX`] ended logins.
pub fn encode_all(ended: &[Identity]) -> Bytes {
    versioned::encode(ended).into()
}

/// Decodes a hint that [`encode_all`] wrote. Fails if the bytes are damaged, of an unknown version
/// or too many, or if they name no login.
pub fn decode(hint: &[u8]) -> Result<Vec<Identity>, DecodeError> {
    if hint.len() > HINT_BYTES_MAX {
        return Err(DecodeError::Malformed);
    }
    let ended: Vec<Identity> = versioned::decode(hint)?;
    if (1..=HINT_MAX).contains(&ended.len()) { Ok(ended) } else { Err(DecodeError::Malformed) }
}

/// The logins whose access tokens a gateway refuses. One lookup is one hash.
#[derive(Debug)]
pub struct RevokedLogins {
    access_ttl: Duration,
    max: usize,
    known: RwLock<Known>,
}

/// `queue` has what came in the order of its coming; `ended` the newest time of each login.
#[derive(Debug, Default)]
struct Known {
    ended: HashMap<LoginId, Timestamp>,
    queue: VecDeque<(Timestamp, Identity, Source)>,
}

/// Where a login was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Here,
    Elsewhere,
}

impl RevokedLogins {
    /// None yet; each is remembered for `access_ttl` (with any leeway in it), up to
    /// [`REVOKED_MAX`].
    pub fn new(access_ttl: Duration) -> Self {
        Self::with_max(access_ttl, REVOKED_MAX)
    }

    /// As [`Self::new`], with another bound.
    pub fn with_max(access_ttl: Duration, max: usize) -> Self {
        Self { access_ttl, max: max.max(1), known: RwLock::default() }
    }

    /// Remembers a login that was ended here; says whether that is news.
    pub fn insert(&self, ended: Identity, now: Timestamp) -> bool {
        self.remember(ended, now, Source::Here)
    }

    /// Remembers a login that another gateway has ended; says whether that is news.
    pub fn hear(&self, ended: Identity, now: Timestamp) -> bool {
        self.remember(ended, now, Source::Elsewhere)
    }

    fn remember(&self, ended: Identity, now: Timestamp, source: Source) -> bool {
        let mut known = self.known.write();
        known.prune(now);
        if known.ended.get(&ended.login).is_some_and(|until| *until > now) {
            return false;
        }
        if known.queue.len() >= self.max {
            known.forget_first();
            tracing::warn!(max = self.max, "a revoked login is forgotten before its time");
        }
        known.remember(ended, now.after(self.access_ttl), source);
        true
    }

    /// Whether access tokens of this login are refused.
    pub fn contains(&self, login: LoginId, now: Timestamp) -> bool {
        let known = self.known.read();
        known.ended.get(&login).is_some_and(|until| *until > now)
    }

    /// All that were ended here and are remembered, oldest first: to tell the others again after
    /// hints were lost. What was heard is not told on, or gateways would keep it alive for ever.
    pub fn in_force(&self, now: Timestamp) -> Vec<Identity> {
        let known = self.known.read();
        let own =
            known.queue.iter().filter(|(until, _, source)| *until > now && *source == Source::Here);
        own.map(|(_, ended, _)| *ended).collect()
    }
}

impl Known {
    fn remember(&mut self, ended: Identity, until: Timestamp, source: Source) {
        self.ended.insert(ended.login, until);
        self.queue.push_back((until, ended, source));
    }

    fn forget_first(&mut self) {
        let first = self.queue.pop_front();
        if let Some((until, ended, _)) = first
            && self.ended.get(&ended.login) == Some(&until)
        {
            self.ended.remove(&ended.login);
        }
    }

    fn prune(&mut self, now: Timestamp) {
        while self.queue.front().is_some_and(|(until, ..)| *until <= now) {
            self.forget_first();
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
        assert!(!revoked.insert(identity(1), at(1)), "told twice");
        for (seconds, refused) in [(0, true), (599, true), (600, false), (900, false)] {
            assert_eq!(revoked.contains(identity(1).login, at(seconds)), refused, "{seconds}");
        }
        assert!(!revoked.contains(identity(2).login, at(0)));
    }

    #[test]
    fn login_that_was_ended_elsewhere_is_refused_and_not_told_on() {
        let revoked = RevokedLogins::new(TTL);
        assert!(revoked.hear(identity(1), at(0)));
        assert!(revoked.insert(identity(2), at(0)));
        assert!(revoked.contains(identity(1).login, at(1)));
        assert_eq!(revoked.in_force(at(1)), [identity(2)]);
    }

    #[test]
    fn what_has_run_out_is_pruned() {
        let revoked = RevokedLogins::new(TTL);
        for login in 1..=100 {
            revoked.insert(identity(login), at(0));
        }
        revoked.insert(identity(101), at(600));
        assert_eq!(revoked.in_force(at(600)), [identity(101)]);
        assert_eq!(revoked.known.read().ended.len(), 1);
        assert_eq!(revoked.known.read().queue.len(), 1);
    }

    #[test]
    fn past_the_bound_the_oldest_is_forgotten() {
        let revoked = RevokedLogins::with_max(TTL, 3);
        for login in 1..=5 {
            revoked.insert(identity(login), at(0));
        }
        assert_eq!(revoked.in_force(at(1)), [identity(3), identity(4), identity(5)]);
    }

    #[test]
    fn clock_that_steps_back_keeps_what_is_in_force() {
        let revoked = RevokedLogins::new(TTL);
        revoked.insert(identity(1), at(1_000));
        revoked.insert(identity(2), at(10));
        revoked.insert(identity(3), at(700));
        assert!(revoked.contains(identity(1).login, at(700)));
        assert!(!revoked.contains(identity(2).login, at(700)));
        assert!(revoked.insert(identity(2), at(700)), "it had run out");
        assert!(revoked.contains(identity(2).login, at(1_299)));
    }

    #[test]
    fn login_that_is_forgotten_once_is_remembered_the_second_time() {
        let revoked = RevokedLogins::with_max(TTL, 3);
        for (login, seconds) in [(1, 1_000), (2, 10), (2, 700), (3, 701), (4, 702)] {
            assert!(revoked.insert(identity(login), at(seconds)));
        }
        assert!(revoked.contains(identity(2).login, at(703)));
    }

    #[test]
    fn hint_has_these_bytes_and_no_part_of_it_is_decoded() {
        let hint = encode(identity(7));
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
        let many = vec![ended; HINT_MAX];
        assert_eq!(encode_all(&many).len(), HINT_BYTES_MAX);
        assert_eq!(decode(&encode_all(&many)), Ok(many));
        let too_many = vec![ended; HINT_MAX + 1];
        assert_eq!(decode(&encode_all(&too_many)), Err(DecodeError::Malformed));
        let small: Vec<_> = (1..=HINT_MAX as u64 + 1).map(identity).collect();
        assert_eq!(decode(&encode_all(&small)), Err(DecodeError::Malformed));
        assert_eq!(decode(&encode_all(&[])), Err(DecodeError::Malformed));
    }

    proptest! {
        #[test]
        fn damaged_hints_are_refused_without_a_panic(hint in proptest::collection::vec(any::<u8>(), 0..40)) {
            let hint = [&[versioned::VERSION], &hint[..]].concat();
            if let Ok(ended) = decode(&hint) {
                prop_assert!((1..=HINT_MAX).contains(&ended.len()));
                prop_assert_eq!(decode(&encode_all(&ended)), Ok(ended));
            }
        }

        #[test]
        fn whoever_was_revoked_within_the_ttl_is_refused(
            steps in proptest::collection::vec((1_u64..20, 0_i64..200), 1..60),
        ) {
            let revoked = RevokedLogins::new(TTL);
            let (mut now, mut until) = (0, HashMap::new());
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
