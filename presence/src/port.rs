//! What presence needs from outside.
//!
//! The ports have the shape of what Redis does in one command. A gateway's lease is `gateway:{id}`,
//! a key with a time to live. Its value is the time of the renewal, and a copy of it lives for a
//! day. A user's devices are the fields `{gateway}:{login}` of `presence:{user}`. Joining and
//! leaving are one script each: it sets or deletes the field, keeps an index by gateway, and
//! publishes the user. Many joins or leaves are one round trip.
//!
//! **A lease that has ended is never renewed.** Its gateway continues under a fresh id and publishes
//! its devices again. A field of an ended lease therefore never counts again, no matter who deletes
//! it and when.

use std::fmt;

use async_trait::async_trait;
use chat_core::{
    error::StoreError,
    id::{GatewayId, UserId},
    model::Identity,
    time::Timestamp,
};
use tokio::sync::mpsc::Receiver;

use crate::model::{Activity, Presence, Reading};

/// The leases did not answer or refused. A write may have been applied, completely or in part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("leases unavailable: {0}")]
pub struct LeasesError(pub String);

/// Which renewal of a lease it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Term {
    /// Begins the lease, for [`crate::limits::LEASE_TTL`], under an id that has no lease yet. It may
    /// be repeated after an error.
    First,
    /// Prolongs the lease if it is alive, to [`crate::limits::LEASE_TTL`] from now.
    Next,
    /// Shortens the lease if it is alive, to [`crate::limits::DEPART_GRACE`] from now, because its
    /// gateway ends.
    Last,
}

/// The outcome of a renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// The lease is alive.
    Alive,
    /// The lease had ended or was lost, in at least one of the places that keep leases. Nothing was
    /// renewed there.
    Ended,
}

/// A device as its gateway publishes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Publication {
    /// The user and the login.
    pub device: Identity,
    /// Online or away.
    pub activity: Activity,
    /// Since when it has had this activity, by the gateway's clock.
    pub since: Timestamp,
}

/// A change elsewhere. It is a hint: read what is true now with [`Leases::of_users`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A device of this watched user joined, left or changed.
    User(UserId),
    /// This gateway's lease has ended and its devices are not removed yet. Every gateway receives
    /// this at least once, also one that started later. It arrives at most
    /// [`crate::limits::LEASE_CHECK_EVERY`] after the end, but not before absences are believed.
    Ended(GatewayId),
    /// Anything may have changed, including whether presence is known at all: read every watched user again.
    /// This arrives when the leases become unavailable, when they are available again, and in place
    /// of changes for which the queue had no room.
    Lost,
}

/// Leases of gateways, the devices published under them, and their changes. Calls fail at once if
/// the leases are known to be unavailable. A place that is unavailable does not delay the others.
#[async_trait]
pub trait Leases: Send + Sync + fmt::Debug {
    /// Begins or prolongs the gateway's lease, as of `at` by its clock. The cost does not depend on
    /// the number of its devices. A renewal is also a heartbeat (see [`crate::heartbeats`]).
    async fn renew(
        &self,
        gateway: GatewayId,
        at: Timestamp,
        term: Term,
    ) -> Result<Renewal, LeasesError>;

    /// Publishes up to [`crate::limits::PUBLISH_MAX`] devices at the gateway. Each replaces what the
    /// gateway published for that device before. Watchers receive a change only if there is one. The
    /// gateway's lease is not checked.
    async fn join(&self, gateway: GatewayId, devices: &[Publication]) -> Result<(), LeasesError>;

    /// Takes back up to [`crate::limits::PUBLISH_MAX`] devices at the gateway. Idempotent.
    async fn leave(&self, gateway: GatewayId, devices: &[Identity]) -> Result<(), LeasesError>;

    /// Reads up to [`crate::limits::READ_MAX`] users, in this order, within
    /// [`crate::limits::ANSWER_WITHIN`]. Users whose leases are unavailable get `None`.
    async fn of_users(&self, users: &[UserId]) -> Vec<Option<Reading>>;

    /// Removes the ended gateway's devices of the users in `stored`, whose last seen is stored. Then
    /// returns up to [`crate::limits::REAP_MAX`] users who have devices left at the gateway, in any
    /// order. The gateway is forgotten with its last device. Does nothing and returns no users while
    /// the lease is alive and while absences are not believed.
    async fn reap(&self, gateway: GatewayId, stored: &[UserId])
    -> Result<Vec<UserId>, LeasesError>;

    /// Begins to watch these users. Changes after the return arrive, or [`Change::Lost`] will. After
    /// a failure the implementation retries by itself.
    async fn watch(&self, users: &[UserId]);

    /// Stops watching these users. Changes may arrive for a while longer.
    async fn unwatch(&self, users: &[UserId]);

    /// Returns the only stream of changes, and `None` after the first call.
    fn changes(&self) -> Option<Receiver<Change>>;
}

/// The store of last seen: when each user's last device left.
#[async_trait]
pub trait LastSeen: Send + Sync + fmt::Debug {
    /// Moves each user's last seen forward to this time; an earlier time changes nothing. The call
    /// is not atomic but idempotent. Values must survive a killed process, not a power failure.
    async fn advance(&self, seen: &[(UserId, Timestamp)]) -> Result<(), StoreError>;

    /// Returns when these users were last seen, in this order; `None` for users never seen.
    async fn of_users(&self, users: &[UserId]) -> Result<Vec<Option<Timestamp>>, StoreError>;
}

/// Decides who may see whom.
#[async_trait]
pub trait Acquaintances: Send + Sync + fmt::Debug {
    /// Returns for each of these users whether the watcher may see it: they share a conversation.
    /// False if that cannot be found out now.
    async fn may_see(&self, watcher: UserId, users: &[UserId]) -> Vec<bool>;
}

/// Receives the changes for a watching session.
pub trait PresenceListener: Send + Sync + fmt::Debug {
    /// Takes a change. Never blocks; may drop the change if the session has no room.
    fn presence_changed(&self, presence: &Presence);
}
