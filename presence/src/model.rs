//! What is said about people, and the devices that it follows from.

use std::ops::RangeInclusive;

use chat_core::{
    id::{GatewayId, LoginId, UserId},
    time::Timestamp,
};

/// Whether somebody is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// A device is here and not away.
    Online,
    /// All devices that are here are away.
    Away,
    /// No device is here.
    Offline,
    /// Not known now, or not for the asker to know.
    Unknown,
}

impl Status {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Away => "away",
            Self::Offline => "offline",
            Self::Unknown => "unknown",
        }
    }
}

/// Whether somebody is here, and since when not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presence {
    /// Who.
    pub user: UserId,
    /// Whether here.
    pub status: Status,
    /// When the last device went, where it is known; only with [`Status::Offline`].
    pub last_seen_at: Option<Timestamp>,
}

impl Presence {
    /// Nothing is known about this user.
    pub const fn unknown(user: UserId) -> Self {
        Self { user, status: Status::Unknown, last_seen_at: None }
    }
}

/// What a device that is here shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Activity {
    /// Somebody is at it.
    Online,
    /// Nobody is at it.
    Away,
}

/// The lease of a device's gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lease {
    /// It lives.
    Lives,
    /// It has ended.
    Ended {
        /// When it was last renewed, by its gateway's clock; `None` where nobody remembers.
        renewed_at: Option<Timestamp>,
    },
}

/// One field of a user: a login at a gateway. It counts only while the gateway's lease lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Device {
    /// The gateway that published it.
    pub gateway: GatewayId,
    /// The login.
    pub login: LoginId,
    /// Online or away.
    pub activity: Activity,
    /// Since when, by the gateway's clock.
    pub since: Timestamp,
    /// The gateway's lease.
    pub lease: Lease,
}

/// What the leases say about one user.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reading {
    /// The user's devices, those of ended leases too.
    pub devices: Vec<Device>,
    /// Whether a device that is not there is surely not here (see [`crate::steady`]). Until it is,
    /// nobody is called offline.
    pub whole: bool,
}

const LOGIN_MIN: LoginId = LoginId::new(1).expect("an id");
const LOGIN_MAX: LoginId = LoginId::new(i64::MAX as u64).expect("an id");

/// Where the user's devices are in an ordered map of all.
pub(crate) const fn logins_of(user: UserId) -> RangeInclusive<(UserId, LoginId)> {
    RangeInclusive::new((user, LOGIN_MIN), (user, LOGIN_MAX))
}
