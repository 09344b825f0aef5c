//! The presence of people, and the devices from which it follows.

use std::ops::RangeInclusive;

use chat_core::{
    id::{GatewayId, LoginId, UserId},
    time::Timestamp,
};

/// Whether a user is present.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// A device is present and not away.
    Online,
    /// Devices are present and all of them are away.
    Away,
    /// No device is present.
    Offline,
    /// Not known now, or not visible to the user who asks.
    Unknown,
}

impl Status {
    /// Returns the name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Away => "away",
            Self::Offline => "offline",
            Self::Unknown => "unknown",
        }
    }
}

/// The presence of one user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presence {
    /// The user.
    pub user: UserId,
    /// Whether the user is present.
    pub status: Status,
    /// When the last device left, if that is known; only with [`Status::Offline`].
    pub last_seen_at: Option<Timestamp>,
}

impl Presence {
    /// Returns the presence of a user about whom nothing is known.
    pub const fn unknown(user: UserId) -> Self {
        Self { user, status: Status::Unknown, last_seen_at: None }
    }
}

/// The activity of a device that is present.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Activity {
    /// Somebody uses it.
    Online,
    /// Nobody uses it.
    Away,
}

/// The state of a gateway's lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lease {
    /// The lease has not expired.
    Alive,
    /// The lease has expired.
    Ended {
        /// When it was last renewed, by its gateway's clock; `None` if that is forgotten.
        renewed_at: Option<Timestamp>,
    },
}

/// A login at a gateway, as published. It counts only while the gateway's lease is alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Device {
    /// The gateway that published it.
    pub gateway: GatewayId,
    /// The login.
    pub login: LoginId,
    /// Online or away.
    pub activity: Activity,
    /// Since when it has had this activity, by the gateway's clock.
    pub since: Timestamp,
    /// The gateway's lease.
    pub lease: Lease,
}

/// What the leases know about one user.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reading {
    /// The user's devices, including those of ended leases.
    pub devices: Vec<Device>,
    /// True if a device that is not listed is certainly absent (see [`crate::heartbeats`]). Nobody
    /// is called offline until then.
    pub is_complete: bool,
}

const LOGIN_MIN: LoginId = LoginId::new(1).expect("an id");
const LOGIN_MAX: LoginId = LoginId::new(i64::MAX as u64).expect("an id");

/// Returns the range of the user's devices in an ordered map of all devices.
pub(crate) const fn logins_of(user: UserId) -> RangeInclusive<(UserId, LoginId)> {
    RangeInclusive::new((user, LOGIN_MIN), (user, LOGIN_MAX))
}
