//! The store for many gateways: ScyllaDB, or Apache Cassandra from 5.0 on.
//!
//! What holds:
//! - A log is written by conditional batches only, on one partition ([`append`]): head, entries and
//!   idempotency rows together or not at all. Whoever hears no answer reads serially and knows.
//! - Everything else follows from the log and is written with the seq of the entry behind it as its
//!   timestamp ([`views`]): the highest seq wins, in whatever order it is written and how often.
//!   Which projections are complete is kept as well; whoever comes to a conversation where they are
//!   not writes them again ([`mending`]).
//! - What is linear for itself (names, refresh tokens, idempotency keys, pairs, node numbers) is a
//!   conditional write of its own, in tables without plain writes.
//! - Nothing is answered from memory but what can never change ([`known`]); equal reads at the same
//!   moment share a flight that begins after all of them ([`flights`]).
//! - Each call is answered within [`ScyllaConfig::statement_within`] and a fifth. A store that is
//!   silent is not asked until a probe is answered ([`breaker`]).
//!
//! In reading order: [`schema`] and [`statements`] are the stored form, [`buckets`] where an entry
//! is, [`store`] what all share, [`heads`], [`reading`] and [`append`] the log; then one file for
//! each port; [`connect`], [`migrate`], [`rebuild`] and [`nodes`] keep house.

mod accounts;
mod append;
mod breaker;
mod buckets;
mod connect;
mod conversations;
mod cursors;
mod doubts;
mod error;
mod flights;
mod heads;
mod known;
mod last_seen;
mod log;
mod logins;
mod mending;
mod migrate;
mod nodes;
mod overlays;
mod reading;
mod rebuild;
mod replies;
mod schema;
mod settle;
mod statements;
mod store;
mod views;

use std::sync::Arc;

use chat_core::port::Stores;
use presence::port::LastSeen;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    accounts::ScyllaAccounts, breaker::Breaker, buckets::Buckets,
    conversations::ScyllaConversations, cursors::ScyllaCursors, doubts::Doubts, flights::Flights,
    known::Known, last_seen::ScyllaLastSeen, log::ScyllaLog, logins::ScyllaLogins, mending::Mends,
    migrate::Reach, nodes::Tenure, replies::ScyllaReplies, statements::Statements, store::Store,
};
pub use self::{
    connect::ScyllaConfig, doubts::Unknowns, error::ConnectError, nodes::LEASE_TTL,
    rebuild::Rebuilt,
};

/// How the store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Health {
    /// It answers.
    Ok,
    /// It has not answered for a while: everything is refused at once until it does.
    Silent,
    /// This gateway's node number is another's: nothing is written any more, for good. The process
    /// has to end, and gets a new number when it is started again.
    NodeLost,
}

/// A connection to the store.
#[derive(Debug)]
pub struct Scylla {
    store: Arc<Store>,
}

impl Scylla {
    /// Connects to the store of a keyspace that is there; one without tables gets them.
    pub async fn connect(config: ScyllaConfig) -> Result<Self, ConnectError> {
        let session = connect::session(&config).await?;
        let decides = connect::enter(&session, &config).await?;
        migrate::ensure(&session, &config, decides, Reach::EmptyOnly).await?;
        let statements = Statements::prepare(&session, config.statement_within)
            .await
            .map_err(|error| ConnectError::refused("its statements", error))?;
        let store = Arc::new(Store {
            session,
            statements,
            buckets: Buckets::of(config.bucket_entries),
            known: Known::default(),
            doubts: Doubts::default(),
            chunks: Arc::new(Flights::default()),
            heads: Arc::new(Flights::default()),
            mends: Mends::default(),
            breaker: Breaker::default(),
            tenure: Tenure::default(),
            tasks: TaskTracker::new(),
            shutdown: CancellationToken::new(),
            answer_within: config.statement_within * 6 / 5,
        });
        store.tasks.spawn(store.clone().probe());
        Ok(Self { store })
    }

    /// Its ports.
    pub fn stores(&self) -> Stores {
        let store = || self.store.clone();
        Stores {
            log: Arc::new(ScyllaLog(store())),
            conversations: Arc::new(ScyllaConversations(store())),
            cursors: Arc::new(ScyllaCursors(store())),
            accounts: Arc::new(ScyllaAccounts(store())),
            logins: Arc::new(ScyllaLogins(store())),
            replies: Arc::new(ScyllaReplies(store())),
        }
    }

    /// When people's last device went.
    pub fn last_seen(&self) -> Arc<dyn LastSeen> {
        Arc::new(ScyllaLastSeen(self.store.clone()))
    }

    /// Leases a number to make ids under, and keeps it until [`Self::close`]. From then on, writes
    /// that bring new ids are refused while the lease is not known to live. To be asked once.
    pub async fn lease_node(&self) -> Result<u16, ConnectError> {
        let mut chance = [0; 10];
        getrandom::fill(&mut chance).map_err(|error| ConnectError::refused("chance", error))?;
        let [owner @ .., high, low] = chance;
        let first = u16::from_be_bytes([high, low]);
        self.store.lease_node(i64::from_be_bytes(owner), first).await
    }

    /// How the store is.
    pub fn health(&self) -> Health {
        if self.store.tenure.is_lost() {
            Health::NodeLost
        } else if self.store.breaker.is_open() {
            Health::Silent
        } else {
            Health::Ok
        }
    }

    /// How many appends had no answer, and what became of them.
    pub fn unknowns(&self) -> Unknowns {
        self.store.doubts.counted()
    }

    /// Gives the node number back and ends what runs beside. Calls in flight are not waited for.
    pub async fn close(self) {
        self.store.shutdown.cancel();
        self.store.tasks.close();
        self.store.tasks.wait().await;
    }
}

/// What runs beside a connection ends with it.
impl Drop for Scylla {
    fn drop(&mut self) {
        self.store.shutdown.cancel();
    }
}

/// Brings the schema up to date, and makes the keyspace where there is none. Never goes back; may
/// be run again. To be run before gateways of the new version are started.
pub async fn migrate(config: &ScyllaConfig) -> Result<(), ConnectError> {
    let session = connect::session(config).await?;
    connect::make_keyspace(&session, config).await?;
    let decides = connect::enter(&session, config).await?;
    migrate::ensure(&session, config, decides, Reach::Any).await
}

/// Writes all projections again from the logs; gateways may run.
pub async fn rebuild(config: ScyllaConfig) -> Result<Rebuilt, ConnectError> {
    let scylla = Scylla::connect(config).await?;
    let rebuilt = scylla.store.rebuild().await;
    scylla.close().await;
    rebuilt.map_err(|error| ConnectError::refused("rebuilding", error))
}
