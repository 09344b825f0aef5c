//! Node numbers: each gateway makes its ids under a number that it leases from the store.
//!
//! The store's clock decides: `alive` ends by itself [`LEASE_TTL`] after the last renewal, and
//! nobody takes a number that is alive. `owner` stays, so that a gateway which could not renew in
//! time gets its number back exactly if nobody has had it in between.
//!
//! Making ids cannot fail, so it is not the clock that stops when a lease is lost but what ids are
//! for: while the lease is not known to live, every write that brings new ids into the store (an
//! append, a conversation, an account, a login) is refused as unavailable. The lease counts as dead
//! here [`LEASE_MARGIN`] before it can end in the store. Refused until it is renewed; once the
//! number is another's, for good: [`super::Health::NodeLost`], and the process has to end.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chat_core::{error::StoreError, id::NODES_MAX};
use tokio::time::Instant;

use super::{error::ConnectError, settle::Attempted, store::Store};

/// How long a number is kept without a renewal.
pub const LEASE_TTL: Duration = Duration::from_secs(60);
/// How often the lease is renewed.
const RENEW_EVERY: Duration = Duration::from_secs(10);
/// How long before its end in the store a lease counts as ended here.
const LEASE_MARGIN: Duration = Duration::from_secs(10);

/// What is known of the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lease {
    /// None was asked for: ids come from elsewhere.
    None,
    /// Ours until then, at least.
    Until(Instant),
    /// Another's.
    Lost,
}

/// Whether ids made here may go into the store.
#[derive(Debug)]
pub(super) struct Tenure(Mutex<Lease>);

impl Default for Tenure {
    fn default() -> Self {
        Self(Mutex::new(Lease::None))
    }
}

impl Tenure {
    fn lock(&self) -> MutexGuard<'_, Lease> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, lease: Lease) {
        *self.lock() = lease;
    }

    fn extend(&self, asked: Instant) {
        self.set(Lease::Until(asked + LEASE_TTL - LEASE_MARGIN));
    }

    /// Whether the number is another's.
    pub(super) fn is_lost(&self) -> bool {
        *self.lock() == Lease::Lost
    }

    /// Refuses writes of new ids while the lease is not known to live.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let why = match *self.lock() {
            Lease::None => return Ok(()),
            Lease::Until(end) if Instant::now() < end => return Ok(()),
            Lease::Until(_) => "this gateway's node number could not be renewed",
            Lease::Lost => "this gateway's node number is another's now: it has to be restarted",
        };
        Err(StoreError::Unavailable(why.to_owned()))
    }
}

fn ttl() -> i32 {
    i32::try_from(LEASE_TTL.as_secs()).unwrap_or(i32::MAX)
}

impl Store {
    /// Leases a free node number, beginning the search at `first`, and renews it until `shutdown`.
    pub(super) async fn lease_node(
        self: &Arc<Self>,
        owner: i64,
        first: u16,
    ) -> Result<u16, ConnectError> {
        for step in 0..NODES_MAX {
            let node = first.wrapping_add(step) % NODES_MAX;
            let asked = Instant::now();
            let took = self.take_node(node, owner).await;
            if took.map_err(|error| ConnectError::refused("the lease of a node number", error))? {
                self.tenure.extend(asked);
                self.tasks.spawn(self.clone().keep_node(node, owner));
                return Ok(node);
            }
        }
        Err(ConnectError::NoNode { max: NODES_MAX, after: LEASE_TTL })
    }

    async fn take_node(&self, node: u16, owner: i64) -> Result<bool, StoreError> {
        let number = i32::from(node);
        let (own, revive) = (&self.statements.own_node, &self.statements.revive_node);
        let values = ((owner, number), (ttl(), number));
        match self.write_batch_if(vec![own.clone(), revive.clone()], values).await? {
            Attempted::Applied => Ok(true),
            Attempted::NotApplied => Ok(false),
            Attempted::Unknown { .. } => Ok(self.is_owner(node, owner).await?),
        }
    }

    async fn is_owner(&self, node: u16, owner: i64) -> Result<bool, StoreError> {
        let row: Option<(Option<i64>, Option<bool>)> =
            self.row(&self.statements.node_serial, (i32::from(node),)).await?;
        Ok(row.is_some_and(|(by, _)| by == Some(owner)))
    }

    async fn keep_node(self: Arc<Self>, node: u16, owner: i64) {
        loop {
            tokio::select! {
                () = self.shutdown.cancelled() => break,
                () = tokio::time::sleep(RENEW_EVERY) => {}
            }
            if !self.renew_node(node, owner).await {
                tracing::error!(node, "the node number is another's: nothing is written any more");
                self.tenure.set(Lease::Lost);
                return;
            }
        }
        let values = (i32::from(node), owner);
        let freed = self.write_if(&self.statements.free_node, values).await;
        if let Err(error) = freed {
            tracing::debug!(%error, node, "the node number comes free by itself");
        }
    }

    /// Renews; says whether the number may still be ours.
    async fn renew_node(&self, node: u16, owner: i64) -> bool {
        let asked = Instant::now();
        let values = (ttl(), i32::from(node), owner);
        match self.write_if(&self.statements.renew_node, values).await {
            Ok(Attempted::Applied) => self.tenure.extend(asked),
            Ok(Attempted::NotApplied) => return false,
            Ok(Attempted::Unknown { detail, .. }) => {
                tracing::warn!(node, detail, "the node number was not renewed");
            }
            Err(error) => tracing::warn!(node, %error, "the node number was not renewed"),
        }
        true
    }
}
