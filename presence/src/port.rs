//! What presence needs from outside.
//!
//! The shape follows what Redis does in one command. A gateway's lease is `gateway:{id}`, set with
//! a time to live, its value the time of the renewal, beside a copy that lives for a day. A user's
//! devices are the fields `{gateway}:{login}` of `presence:{user}`. Joining and leaving are one
//! script each (set or delete the field, keep it in an index by gateway, publish the user), and
//! many of them are one round trip.
//!
//! **A lease that has ended never lives again**: its gateway goes on under a fresh id and publishes
//! its devices anew. So a field of an ended lease is dead for good, whoever deletes it and when.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use chat_core::{
    error::StoreError,
    id::{GatewayId, UserId},
    model::Identity,
    time::Timestamp,
};
use tokio::sync::mpsc::Receiver;

use crate::model::{Activity, Presence, Reading};

/// Why the leases did not do it; what was asked may be done, wholly or in part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("leases unavailable: {0}")]
pub struct LeasesError(pub String);

/// Which part of a lease's life a renewal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Term {
    /// The lease begins, for [`crate::limits::LEASE_TTL`], under an id that has no lease yet
    /// (after an error the same may be tried again).
    First,
    /// It goes on if it still lives; for [`crate::limits::LEASE_TTL`] from now.
    Next,
    /// It goes on if it still lives, for [`crate::limits::DEPART_GRACE`] only: its gateway ends.
    Last,
}

/// What became of a renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewed {
    /// The lease lives.
    Lives,
    /// The lease had ended or was lost, wholly or (where there are several places for leases) in
    /// one place; nothing was renewed where it had.
    Ended,
}

/// A device as its gateway publishes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Publication {
    /// Whose, by which login.
    pub device: Identity,
    /// Online or away.
    pub activity: Activity,
    /// Since when, by the gateway's clock.
    pub since: Timestamp,
}

/// What changed elsewhere. A change is a hint: what is true now is asked with [`Leases::of_users`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A device of this watched user joined, left, or changed.
    User(UserId),
    /// This gateway's lease has ended and its devices are not buried yet. Told to each gateway,
    /// also to one that began only afterwards; at least once; [`crate::limits::LEASE_CHECK_EVERY`]
    /// after the end at the latest, but not before absences are believed.
    Ended(GatewayId),
    /// Anything may have changed since the last change, also whether it is known: ask again about
    /// everybody watched. Told when the leases are gone and when they are back, and in place of
    /// changes that found no room.
    Lost,
}

/// Leases of gateways, the devices that hang on them, and what changes. What is known to be out of
/// reach is refused at once, and one place that is does not hold back the others.
#[async_trait]
pub trait Leases: Send + Sync + fmt::Debug {
    /// Begins or prolongs the gateway's lease, as of `at` by its clock. One cost for all its users.
    /// A renewal is also a beat in the sense of [`crate::steady`].
    async fn renew(
        &self,
        gateway: GatewayId,
        at: Timestamp,
        term: Term,
    ) -> Result<Renewed, LeasesError>;

    /// Publishes up to [`crate::limits::PUBLISH_MAX`] devices at the gateway, each in place of what
    /// it published for that device before. What changes nothing is not told to watchers. Whether
    /// the gateway's lease lives is not looked at.
    async fn join(&self, gateway: GatewayId, devices: &[Publication]) -> Result<(), LeasesError>;

    /// Takes back up to [`crate::limits::PUBLISH_MAX`] devices at the gateway. Idempotent.
    async fn leave(&self, gateway: GatewayId, devices: &[Identity]) -> Result<(), LeasesError>;

    /// What is known of up to [`crate::limits::READ_MAX`] users, in this order, within
    /// [`crate::limits::ANSWER_WITHIN`]; `None` for those about whom the leases are not available.
    async fn of_users(&self, users: &[UserId]) -> Vec<Option<Reading>>;

    /// Forgets the ended gateway's devices of the users in `kept`, whose last seen is in the store,
    /// then names up to [`crate::limits::BURY_MAX`] users of whom it has left some, in any order.
    /// With the last one the gateway is forgotten. Does nothing and names nobody while the lease
    /// lives and while absences are not believed.
    async fn bury(&self, gateway: GatewayId, kept: &[UserId]) -> Result<Vec<UserId>, LeasesError>;

    /// Begins to watch these users. When it returns, what changes from now on is told, or
    /// [`Change::Lost`] will be: after a failure the implementation goes on trying by itself.
    async fn watch(&self, users: &[UserId]);

    /// Ends watching these users; changes may come for a while longer.
    async fn unwatch(&self, users: &[UserId]);

    /// The one stream of changes. `None` after the first call.
    fn changes(&self) -> Option<Receiver<Change>>;
}

/// When people's last device went.
#[async_trait]
pub trait LastSeen: Send + Sync + fmt::Debug {
    /// Moves each user's last seen to the latest of what it is and this time. Not one atomic step;
    /// repeating it does no harm. Surviving a killed process is enough, power may fail.
    async fn advance(&self, seen: &[(UserId, Timestamp)]) -> Result<(), StoreError>;

    /// When these users were last seen, in this order; `None` for who never was.
    async fn of_users(&self, users: &[UserId]) -> Result<Vec<Option<Timestamp>>, StoreError>;
}

/// Who may see whom.
#[async_trait]
pub trait Acquaintances: Send + Sync + fmt::Debug {
    /// Whether the watcher may see each of these users, in this order: they share a conversation.
    /// `false` also where it cannot be found out now.
    async fn know(&self, watcher: UserId, users: &[UserId]) -> Vec<bool>;
}

/// Where a watching session is told of changes.
pub trait Audience: Send + Sync + fmt::Debug {
    /// Takes the change; never blocks, and may drop it where the session has no room.
    fn show(&self, presence: &Presence);
}

/// An audience in a session that owns it elsewhere.
impl<T: Audience + ?Sized> Audience for Arc<T> {
    fn show(&self, presence: &Presence) {
        (**self).show(presence);
    }
}
