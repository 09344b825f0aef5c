//! A device's login and its refresh tokens.

use std::{cmp::Reverse, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use super::bounded;
use crate::{
    id::{LoginId, UserId},
    limits::{DEVICE_BYTES_MAX, LOGINS_MAX, REFRESH_GRACE},
    time::Timestamp,
};

/// The SHA-256 of a refresh token. Stores keep this instead of the token.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LoginSecret(pub [u8; 32]);

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
    /// The refresh token before it, and when it was exchanged.
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
    /// When the login expires after the exchange.
    pub expires_at: Timestamp,
}

/// How an exchange changes a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExchangeDecision {
    /// The presented token is valid: store this login and answer `Rotated`.
    Rotate(Login),
    /// The same exchange was made within [`REFRESH_GRACE`] and its answer may have been lost:
    /// change nothing and answer `Repeated`.
    Repeat,
    /// An old token was used again, so it may be stolen: end the login and answer `Reused`.
    EndReused,
    /// The login has expired: answer `Gone`.
    Expired,
}

impl Login {
    /// Decides what an exchange of refresh tokens does to this login.
    pub fn exchange(&self, exchange: &TokenExchange) -> ExchangeDecision {
        let TokenExchange { presented, successor, now, expires_at } = *exchange;
        if self.has_expired(now) {
            return ExchangeDecision::Expired;
        }
        if self.current == presented {
            return ExchangeDecision::Rotate(Self {
                current: successor,
                previous: Some((presented, now)),
                used_at: now,
                expires_at,
                ..self.clone()
            });
        }
        let is_repeat = self.current == successor
            && self.previous.is_some_and(|(previous, exchanged_at)| {
                previous == presented && now <= exchanged_at.after(REFRESH_GRACE)
            });
        if is_repeat { ExchangeDecision::Repeat } else { ExchangeDecision::EndReused }
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
    use std::time::Duration;

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
        TokenExchange { presented, successor, now, expires_at: now.after(Duration::from_secs(500)) }
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
    fn repeated_exchange_ends_the_login_after_the_grace_period() {
        let rotated = Login { current: NEW, previous: Some((OLD, at(100))), ..login(1, at(100)) };
        let last = at(100).after(REFRESH_GRACE);
        let late = Timestamp::from_millis(last.as_millis() + 1);
        for (presented, successor, now, decision) in [
            (OLD, NEW, at(100), ExchangeDecision::Repeat),
            (OLD, NEW, last, ExchangeDecision::Repeat),
            (OLD, NEW, late, ExchangeDecision::EndReused),
            (OLD, NEWER, at(100), ExchangeDecision::EndReused),
            (NEWER, NEW, at(100), ExchangeDecision::EndReused),
        ] {
            assert_eq!(rotated.exchange(&exchange(presented, successor, now)), decision);
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
