//! The store for many gateways: ScyllaDB, or Apache Cassandra from version 5.0 on.
//!
//! Invariants:
//! - A log is written only by conditional batches on one partition ([`append`]): head, entries and
//!   idempotency keys together or not at all. Without an answer, a serial read shows the outcome
//!   ([`settle`]).
//! - Everything else follows from the log. It is written with the seq of its entry as the timestamp
//!   ([`views`]), so that the highest seq wins in any order and after any number of repeats. The
//!   store also knows which projections are written. The first reader of a conversation with
//!   missing projections writes them ([`repair`]).
//! - Usernames, refresh tokens, idempotency keys, direct pairs, invites and node numbers are separate
//!   lightweight transactions, in tables without plain writes.
//! - Memory answers only what can never change ([`watermarks`]). Identical reads at the same moment
//!   share one read that begins after all of them ([`single_flight`]).
//! - Each call ends within six fifths of [`ScyllaConfig::statement_within`]. While the store does
//!   not
//!   answer, calls fail at once ([`breaker`]).
//!
//! In reading order: [`schema`] and [`statements`] are the stored form, [`buckets`] the partitions
//! of a log, and [`store`] what all ports share. [`heads`], [`reading`] and [`append`] are the log.
//! Then follows one file for each port. [`connect`], [`migrate`], [`rebuild`] and [`nodes`] are for
//! the start and for upkeep.

mod accounts;
mod append;
mod breaker;
mod buckets;
mod connect;
mod consents;
mod conversations;
mod cursors;
mod error;
mod heads;
mod invites;
mod last_seen;
mod log;
mod logins;
mod migrate;
mod nodes;
mod overlays;
mod reading;
mod rebuild;
mod repair;
mod replies;
mod rows;
mod schema;
mod settle;
mod single_flight;
mod statements;
mod store;
mod unknown_appends;
mod uploads;
mod views;
mod watermarks;

use std::sync::Arc;

use chat_core::port::Stores;
use futures_util::future::{BoxFuture, LocalBoxFuture};
use presence::port::LastSeen;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    accounts::ScyllaAccounts,
    breaker::Breaker,
    buckets::Buckets,
    consents::{ScyllaBoundaries, ScyllaConsents},
    conversations::ScyllaConversations,
    cursors::ScyllaCursors,
    invites::ScyllaInvites,
    last_seen::ScyllaLastSeen,
    log::ScyllaLog,
    logins::ScyllaLogins,
    migrate::MigrationScope,
    nodes::NodeLease,
    repair::Repairs,
    replies::ScyllaReplies,
    single_flight::SingleFlight,
    statements::Statements,
    store::CqlStore,
    unknown_appends::UnknownAppends,
    uploads::ScyllaUploads,
    watermarks::WatermarkCache,
};
pub use self::{
    connect::ScyllaConfig,
    error::ConnectError,
    nodes::{LEASE_TTL, LeasedNode},
    rebuild::Rebuilt,
};

/// Whether the store can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Availability {
    /// It answers.
    Ok,
    /// It has not answered for a while. Calls fail at once until it answers again.
    Silent,
    /// Another gateway has this gateway's node number. Nothing is written any more, and the process
    /// must end. It leases a new number when it starts again.
    NodeLost,
}

/// A connection to the store.
#[derive(Debug)]
pub struct Scylla {
    store: Arc<CqlStore>,
}

impl Scylla {
    /// Connects to the store. The keyspace must exist; an empty one gets its tables.
    pub fn connect(config: ScyllaConfig) -> LocalBoxFuture<'static, Result<Self, ConnectError>> {
        Box::pin(Self::connect_now(config))
    }

    async fn connect_now(config: ScyllaConfig) -> Result<Self, ConnectError> {
        let session = connect::session(&config).await?;
        let datacenter = connect::select_keyspace(&session, &config).await?;
        migrate::ensure(&session, &config, datacenter, MigrationScope::EmptyOnly).await?;
        let statements = Statements::prepare(&session, config.statement_within)
            .await
            .map_err(|error| ConnectError::refused("preparing statements", error))?;
        let store = Arc::new(CqlStore {
            session,
            statements,
            buckets: Buckets::of(config.bucket_entries),
            watermarks: WatermarkCache::default(),
            unknown_appends: UnknownAppends::default(),
            chunks: Arc::new(SingleFlight::default()),
            heads: Arc::new(SingleFlight::default()),
            repairs: Repairs::default(),
            breaker: Breaker::default(),
            node_lease: NodeLease::default(),
            tasks: TaskTracker::new(),
            shutdown: CancellationToken::new(),
            answer_within: config.statement_within * 6 / 5,
        });
        store.tasks.spawn(store.clone().probe());
        Ok(Self { store })
    }

    /// Returns the store ports of this connection.
    pub fn stores(&self) -> Stores {
        let store = || self.store.clone();
        Stores {
            log: Arc::new(ScyllaLog(store())),
            conversations: Arc::new(ScyllaConversations(store())),
            cursors: Arc::new(ScyllaCursors(store())),
            consents: Arc::new(ScyllaConsents(store())),
            boundaries: Arc::new(ScyllaBoundaries(store())),
            accounts: Arc::new(ScyllaAccounts(store())),
            logins: Arc::new(ScyllaLogins(store())),
            replies: Arc::new(ScyllaReplies(store())),
            invites: Arc::new(ScyllaInvites::new(store())),
            uploads: Arc::new(ScyllaUploads(store())),
        }
    }

    /// Returns the port for last-seen times.
    pub fn last_seen(&self) -> Arc<dyn LastSeen> {
        Arc::new(ScyllaLastSeen(self.store.clone()))
    }

    /// Leases a node number to generate ids under, and renews it until [`Self::close`]. From then
    /// on, writes with new ids fail while the lease is not known to be alive. Call it once.
    pub fn lease_node(&self) -> BoxFuture<'_, Result<LeasedNode, ConnectError>> {
        Box::pin(async {
            let mut random = [0; 10];
            getrandom::fill(&mut random)
                .map_err(|error| ConnectError::refused("random numbers", error))?;
            let [owner @ .., high, low] = random;
            let first = u16::from_be_bytes([high, low]);
            self.store.lease_node(i64::from_be_bytes(owner), first).await
        })
    }

    /// Returns whether the store can be used.
    pub fn availability(&self) -> Availability {
        if self.store.node_lease.is_lost() {
            Availability::NodeLost
        } else if self.store.breaker.is_open() {
            Availability::Silent
        } else {
            Availability::Ok
        }
    }

    /// Returns the node number to the store and ends the background tasks. Does not wait for calls
    /// in flight.
    pub async fn close(self) {
        self.store.shutdown.cancel();
        self.store.tasks.close();
        self.store.tasks.wait().await;
    }
}

/// Ends the background tasks.
impl Drop for Scylla {
    fn drop(&mut self) {
        self.store.shutdown.cancel();
    }
}

/// Migrates the schema to the newest version, and creates the keyspace unless it exists. Never
/// downgrades, and may be repeated. Run it before you start gateways of a new version.
pub fn migrate(config: &ScyllaConfig) -> LocalBoxFuture<'_, Result<(), ConnectError>> {
    Box::pin(async {
        let session = connect::session(config).await?;
        connect::create_keyspace(&session, config).await?;
        let datacenter = connect::select_keyspace(&session, config).await?;
        migrate::ensure(&session, config, datacenter, MigrationScope::Any).await
    })
}

/// Writes all projections again from the logs. Gateways may run meanwhile.
pub fn rebuild(config: ScyllaConfig) -> LocalBoxFuture<'static, Result<Rebuilt, ConnectError>> {
    Box::pin(async {
        let scylla = Scylla::connect(config).await?;
        let rebuilt = scylla.store.rebuild().await;
        scylla.close().await;
        rebuilt.map_err(|error| ConnectError::refused("rebuilding projections", error))
    })
}
