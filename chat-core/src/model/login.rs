//! A device's login and its refresh tokens.

use std::{cmp::Reverse, fmt, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use super::bounded;
use crate::{
    id::{LoginId, UserId},
    limits::{DEVICE_BYTES_MAX, LOGINS_MAX},
    model::Identity,
    time::Timestamp,
};

/// The SHA-256 of a refresh token. Stores keep this instead of the token.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LoginSecret(pub [u8; 32]);

impl LoginSecret {
    /// Returns the mark of the access tokens that are issued with this refresh token.
    pub const fn generation(&self) -> TokenGeneration {
        let (first, _) = self.0.split_at(8);
        let mut bytes = [0; 8];
        bytes.copy_from_slice(first);
        TokenGeneration(u64::from_be_bytes(bytes))
    }
}

/// The mark that an access token shares with the refresh token that was issued with it. It is part
/// of a hash, so it does not give the refresh token away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenGeneration(pub u64);

impl fmt::Debug for LoginSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// One device's login: a chain of refresh tokens of which only the newest is valid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// The login's id.
    pub id: LoginId,
    /// The user who logged in.
    pub user: UserId,
    /// The user's name for the device.
    #[serde(deserialize_with = "bounded::optional_text::<DEVICE_BYTES_MAX, _>")]
    pub device: Option<Arc<str>>,
    /// When the user logged in.
    pub created_at: Timestamp,
    /// When a refresh token was last exchanged.
    pub used_at: Timestamp,
    /// When the login ends unless a refresh token is exchanged before.
    pub expires_at: Timestamp,
    /// The refresh token that is valid now.
    pub current: LoginSecret,
    /// The refresh token before it, and when it was exchanged. `None` once the exchange is known to
    /// have reached the client, because a token that came from it was used.
    pub previous: Option<(LoginSecret, Timestamp)>,
}

/// One exchange of a refresh token for its successor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenExchange {
    /// The refresh token that the client presented.
    pub presented: LoginSecret,
    /// The refresh token that follows from it.
    pub successor: LoginSecret,
    /// The time of the exchange.
    pub now: Timestamp,
    /// When the login expires after the exchange, unless it reaches its maximum age before.
    pub expires_at: Timestamp,
    /// The maximum age of a login.
    pub age_max: Duration,
    /// Until when access tokens must be refused if the exchange ends the login.
    pub refused_until: Timestamp,
}

/// An ended login whose access tokens may not have expired yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndedLogin {
    /// The user and the login.
    pub identity: Identity,
    /// When the last access token of the login has expired.
    pub refused_until: Timestamp,
}

/// How an exchange changes a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExchangeDecision {
    /// The presented token is valid: store this login and answer `Rotated`.
    Rotate(Login),
    /// The same exchange was made before, and no token that came from it was used. Its answer may
    /// have been lost: change nothing and answer `Repeated`.
    Repeat,
    /// An old token was used again, so it may be stolen: end the login and answer `Reused`.
    EndReused,
    /// The login has expired or reached its maximum age: answer `Gone`.
    Expired,
}

impl Login {
    /// Decides what an exchange of refresh tokens does to this login.
    pub fn exchange(&self, exchange: &TokenExchange) -> ExchangeDecision {
        let TokenExchange { presented, successor, now, expires_at, age_max, .. } = *exchange;
        let ends_at = self.created_at.after(age_max);
        if self.has_expired(now) || ends_at <= now {
            return ExchangeDecision::Expired;
        }
        if self.current == presented {
            return ExchangeDecision::Rotate(Self {
                current: successor,
                previous: Some((presented, now)),
                used_at: now,
                expires_at: expires_at.min(ends_at),
                ..self.clone()
            });
        }
        let is_repeat = self.current == successor
            && self.previous.is_some_and(|(previous, _)| previous == presented);
        if is_repeat { ExchangeDecision::Repeat } else { ExchangeDecision::EndReused }
    }

    /// Returns this login as ended by an exchange.
    pub const fn ended_by(&self, exchange: &TokenExchange) -> EndedLogin {
        let identity = Identity { user: self.user, login: self.id };
        EndedLogin { identity, refused_until: exchange.refused_until }
    }

    /// Returns the login after an access token of this generation was used: the refresh token
    /// before the current one may not be used again. Returns `None` if nothing changes.
    #[must_use]
    pub fn after_use(&self, generation: TokenGeneration) -> Option<Self> {
        let changes = self.previous.is_some() && self.current.generation() == generation;
        changes.then(|| Self { previous: None, ..self.clone() })
    }

    /// Returns true if both come from opening one login, which no exchange has changed since.
    pub fn is_same_opening(&self, other: &Self) -> bool {
        (self.id, self.user, self.current) == (other.id, other.user, other.current)
    }

    /// Returns true if the login has ended because it was not used for too long.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at <= now
    }

    /// Returns the logins of one user that must end so that [`LOGINS_MAX`] remain: those that
    /// have gone unused the longest.
    pub fn evicted(mut logins: Vec<Self>) -> Vec<Self> {
        logins.sort_by_key(|login| (login.used_at, login.id));
        logins.truncate(logins.len().saturating_sub(LOGINS_MAX));
        logins
    }

    /// Returns the logins that have not expired, newest first.
    pub fn active(mut logins: Vec<Self>, now: Timestamp) -> Vec<Self> {
        logins.retain(|login| !login.has_expired(now));
        logins.sort_by_key(|login| Reverse((login.created_at, login.id)));
        logins
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: LoginSecret = LoginSecret([1; 32]);
    const NEW: LoginSecret = LoginSecret([2; 32]);
    const NEWER: LoginSecret = LoginSecret([3; 32]);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    fn login(id: u64, used_at: Timestamp) -> Login {
        Login {
            id: LoginId::new(id).unwrap(),
            user: UserId::new(1).unwrap(),
            device: Some("pc".into()),
            created_at: at(0),
            used_at,
            expires_at: at(1_000),
            current: OLD,
            previous: None,
        }
    }

    fn exchange(presented: LoginSecret, successor: LoginSecret, now: Timestamp) -> TokenExchange {
        TokenExchange {
            presented,
            successor,
            now,
            expires_at: now.after(Duration::from_secs(500)),
            age_max: Duration::from_secs(5_000),
            refused_until: now,
        }
    }

    #[test]
    fn current_token_is_replaced_by_its_successor() {
        let rotated = Login {
            current: NEW,
            previous: Some((OLD, at(900))),
            used_at: at(900),
            expires_at: at(1_400),
            ..login(1, at(0))
        };
        let decision = login(1, at(0)).exchange(&exchange(OLD, NEW, at(900)));
        assert_eq!(decision, ExchangeDecision::Rotate(rotated));
    }

    #[test]
    fn exchange_can_be_repeated_until_its_access_token_is_used() {
        let rotated = Login {
            current: NEW,
            previous: Some((OLD, at(100))),
            expires_at: at(100_000),
            ..login(1, at(100))
        };
        for (presented, successor, decision) in [
            (OLD, NEW, ExchangeDecision::Repeat),
            (OLD, NEWER, ExchangeDecision::EndReused),
            (NEWER, NEW, ExchangeDecision::EndReused),
        ] {
            for now in [at(100), at(4_999)] {
                assert_eq!(rotated.exchange(&exchange(presented, successor, now)), decision);
            }
        }
        assert_eq!(rotated.after_use(OLD.generation()), None);
        let used = rotated.after_use(NEW.generation()).unwrap();
        assert_eq!(used, Login { previous: None, ..rotated });
        assert_eq!(used.after_use(NEW.generation()), None);
        assert_eq!(used.exchange(&exchange(OLD, NEW, at(101))), ExchangeDecision::EndReused);
        let next = used.exchange(&exchange(NEW, NEWER, at(101)));
        assert!(matches!(next, ExchangeDecision::Rotate(_)));
    }

    #[test]
    fn login_ends_at_its_maximum_age() {
        let old = Login { expires_at: at(9_000), ..login(1, at(4_800)) };
        let ExchangeDecision::Rotate(last) = old.exchange(&exchange(OLD, NEW, at(4_999))) else {
            unreachable!("not yet at the maximum age")
        };
        assert_eq!(last.expires_at, at(5_000));
        for now in [at(5_000), at(6_000)] {
            assert_eq!(old.exchange(&exchange(OLD, NEW, now)), ExchangeDecision::Expired);
        }
    }

    #[test]
    fn exchange_is_refused_when_the_login_has_expired() {
        for presented in [OLD, NEW] {
            let decision = login(1, at(0)).exchange(&exchange(presented, NEW, at(1_000)));
            assert_eq!(decision, ExchangeDecision::Expired);
        }
    }

    #[test]
    fn least_recently_used_logins_are_evicted() {
        let count = LOGINS_MAX as u64 + 2;
        let mut logins: Vec<_> = (1..=count).map(|id| login(id, at(0))).collect();
        logins[0].used_at = at(5);
        let evicted: Vec<_> =
            Login::evicted(logins.clone()).iter().map(|login| login.id.get()).collect();
        assert_eq!(evicted, [2, 3]);
        logins.truncate(LOGINS_MAX);
        assert_eq!(Login::evicted(logins), []);
    }

    #[test]
    fn active_logins_are_listed_newest_first() {
        let older = login(1, at(0));
        let newer = Login { created_at: at(1), ..login(2, at(0)) };
        let expired = Login { expires_at: at(50), ..login(3, at(0)) };
        let active = Login::active(vec![older.clone(), expired, newer.clone()], at(50));
        assert_eq!(active, [newer, older]);
    }
}
