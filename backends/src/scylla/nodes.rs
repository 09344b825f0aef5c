//! Node numbers: each gateway generates ids under a number that it leases from the store.
//!
//! The store's clock decides. The column `alive` expires [`LEASE_TTL`] after the last renewal, and
//! nobody takes a number that is alive. The column `owner` stays, so that a gateway which could not
//! renew in time gets its number back if nobody else has had it since.
//!
//! Generating an id cannot fail. So a lost lease stops the writes that bring new ids into the
//! store: appends, conversations, accounts and logins. They fail as unavailable unless the lease is
//! known to be alive. This gateway treats it as expired [`LEASE_MARGIN`] before it can expire in
//! the store. Writes resume after a renewal. If another gateway has taken the number, they never
//! resume: [`super::Availability::NodeLost`], and the process must end.
//!
//! A number has a mark that none of its stored ids exceeds. The next owner of the number starts above
//! the mark, whatever its clock says. The mark is raised with the lease, and before a write with ids
//! above it.

use std::{
    collections::HashSet,
    sync::{Arc, OnceLock},
    time::Duration,
};

use chat_core::{
    error::StoreError,
    id::{IdMark, NODES_MAX, Snowflakes},
    time::Timestamp,
};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::{error::ConnectError, rows::corrupt, settle::Attempted, store::CqlStore};

/// How long a lease lasts without a renewal.
pub const LEASE_TTL: Duration = Duration::from_secs(60);
/// How often a lease is renewed.
const RENEW_EVERY: Duration = Duration::from_secs(10);
/// How long before its end in the store a lease counts as expired here.
const LEASE_MARGIN: Duration = Duration::from_secs(10);

/// What this gateway knows about its node number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum LeaseState {
    /// No number was leased here: the ids come from elsewhere.
    #[default]
    NotLeased,
    /// The number is ours at least until then.
    LeasedUntil(Instant),
    /// Another gateway has the number.
    Lost,
}

/// A node number and the generator of its ids.
#[derive(Debug, Clone)]
struct NodeIds {
    node: u16,
    ids: Arc<Snowflakes>,
}

/// What a gateway gets with its node number.
#[derive(Debug)]
pub struct LeasedNode {
    /// The node number.
    pub node: u16,
    /// The generator of its ids.
    pub ids: Arc<Snowflakes>,
    /// A time that the ids of all nodes had reached, or a few seconds earlier.
    pub reached: Timestamp,
}

/// Decides whether ids that are generated here may go into the store.
#[derive(Debug, Default)]
pub(super) struct NodeLease {
    state: Mutex<LeaseState>,
    leased: OnceLock<NodeIds>,
}

impl NodeLease {
    /// Extends the lease by a renewal that was sent at this time.
    fn extend(&self, sent_at: Instant) {
        *self.state.lock() = LeaseState::LeasedUntil(sent_at + LEASE_TTL - LEASE_MARGIN);
    }

    /// Returns true if another gateway has the number.
    pub(super) fn is_lost(&self) -> bool {
        *self.state.lock() == LeaseState::Lost
    }

    /// Fails as unavailable unless the lease is known to be alive.
    fn check(&self) -> Result<(), StoreError> {
        let why = match *self.state.lock() {
            LeaseState::NotLeased => return Ok(()),
            LeaseState::LeasedUntil(end) if Instant::now() < end => return Ok(()),
            LeaseState::LeasedUntil(_) => "this gateway could not renew its node number",
            LeaseState::Lost => "another gateway has this gateway's node number: restart it",
        };
        Err(StoreError::Unavailable(why.to_owned()))
    }
}

fn ttl() -> i32 {
    i32::try_from(LEASE_TTL.as_secs()).unwrap_or(i32::MAX)
}

impl CqlStore {
    /// Leases a free node number and renews it until `shutdown`. The search begins at `first`. It skips numbers that
    /// are leased by now, because an attempt costs a conditional write.
    pub(super) async fn lease_node(
        self: &Arc<Self>,
        owner: i64,
        first: u16,
    ) -> Result<LeasedNode, ConnectError> {
        let failed = |error| ConnectError::refused("the lease of a node number", error);
        let leased: Vec<(i32, Option<bool>)> =
            self.rows(&self.statements.node_leases, ()).await.map_err(failed)?;
        let leased: HashSet<i32> =
            leased.into_iter().filter_map(|(node, alive)| alive.map(|_| node)).collect();
        let numbers = (0..NODES_MAX).map(|step| first.wrapping_add(step) % NODES_MAX);
        for node in numbers.filter(|node| !leased.contains(&i32::from(*node))) {
            let sent_at = Instant::now();
            if self.take_node(node, owner).await.map_err(failed)? {
                self.node_lease.extend(sent_at);
                self.tasks.spawn(self.clone().keep_node(node, owner));
                return self.start_ids(node).await.map_err(failed);
            }
        }
        Err(ConnectError::NoNode { max: NODES_MAX, after: LEASE_TTL })
    }

    /// Returns true if the number was free and is now ours.
    async fn take_node(&self, node: u16, owner: i64) -> Result<bool, StoreError> {
        let node = i32::from(node);
        let statements =
            vec![self.statements.own_node.clone(), self.statements.revive_node.clone()];
        match self.write_batch_if(statements, ((owner, node), (ttl(), node))).await? {
            Attempted::Applied => Ok(true),
            Attempted::NotApplied => Ok(false),
            Attempted::Unknown { .. } => {
                let row: Option<(Option<i64>, Option<bool>)> =
                    self.row(&self.statements.node_serial, (node,)).await?;
                Ok(row.is_some_and(|(stored, _)| stored == Some(owner)))
            }
        }
    }

    /// Starts the ids of a number that this gateway has just leased, above those of its predecessors.
    async fn start_ids(&self, node: u16) -> Result<LeasedNode, StoreError> {
        let marks: Vec<(i32, i64)> = self.rows(&self.statements.node_marks, ()).await?;
        let mut own = IdMark::default();
        let mut newest = IdMark::default();
        for (stored, mark) in marks {
            let mark = IdMark::from_i64(mark).ok_or_else(|| corrupt("a negative mark of ids"))?;
            newest = newest.max(mark);
            if stored == i32::from(node) {
                own = mark;
            }
        }
        let ids = Arc::new(Snowflakes::above(node, own));
        let leased = NodeIds { node, ids: ids.clone() };
        if self.node_lease.leased.set(leased).is_err() {
            return Err(corrupt("a second node number of one gateway"));
        }
        Ok(LeasedNode { node, ids, reached: newest.reached() })
    }

    /// Fails as unavailable unless the ids that are generated here may go into the store now. Raises
    /// their mark first if it is below them.
    pub(super) async fn check_ids(&self) -> Result<(), StoreError> {
        self.node_lease.check()?;
        match self.node_lease.leased.get() {
            Some(leased) if !leased.ids.are_covered() => self.raise_mark(leased).await,
            Some(_) | None => Ok(()),
        }
    }

    /// Raises the mark of this gateway's ids if that is due. The timestamp is the mark itself, so that
    /// the highest mark wins in any order.
    async fn raise_mark(&self, leased: &NodeIds) -> Result<(), StoreError> {
        let Some(mark) = leased.ids.due_mark() else { return Ok(()) };
        let values = (i32::from(leased.node), mark.as_i64(), mark.as_i64());
        self.in_time(self.write(&self.statements.set_node_mark, values)).await?;
        leased.ids.set_durable(mark);
        Ok(())
    }

    /// Raises the mark before a write has to wait for that. A failure is ignored here.
    async fn raise_mark_early(&self) {
        if let Some(leased) = self.node_lease.leased.get()
            && let Err(error) = self.raise_mark(leased).await
        {
            tracing::debug!(leased.node, %error, "the mark of the ids was not raised");
        }
    }

    async fn keep_node(self: Arc<Self>, node: u16, owner: i64) {
        loop {
            tokio::select! {
                () = self.shutdown.cancelled() => break,
                () = tokio::time::sleep(RENEW_EVERY) => {}
            }
            self.raise_mark_early().await;
            let sent_at = Instant::now();
            let values = (ttl(), i32::from(node), owner);
            match self.write_if(&self.statements.renew_node, values).await {
                Ok(Attempted::Applied) => self.node_lease.extend(sent_at),
                Ok(Attempted::NotApplied) => {
                    tracing::error!(node, "another gateway has the node number: writes stop");
                    *self.node_lease.state.lock() = LeaseState::Lost;
                    return;
                }
                Ok(Attempted::Unknown { detail, .. }) => {
                    tracing::warn!(node, detail, "the node number was not renewed");
                }
                Err(error) => tracing::warn!(node, %error, "the node number was not renewed"),
            }
        }
        let values = (i32::from(node), owner);
        if let Err(error) = self.write_if(&self.statements.free_node, values).await {
            tracing::debug!(%error, node, "the node number was not freed: its lease will expire");
        }
    }
}
