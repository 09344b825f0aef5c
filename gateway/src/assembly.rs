//! What the configuration names, put together: with `main.rs` the only place that knows backends.
//!
//! A gateway that is alone has its store in a folder or in memory and everything else in this
//! process. Gateways of a cluster share a CQL store, and Redis for hints, presence and rates.

use std::{fmt, num::NonZeroU32, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use backends::{
    embedded::{self, Embedded, EmbeddedConfig},
    redis::{Redis, RedisConfig},
    scylla::{self, ConnectError, Rebuilt, Scylla, ScyllaConfig},
};
use chat_core::{
    memory::{LocalLimiter, MemoryStores, NoBus},
    passwords::Argon2Passwords,
    port::Stores,
    time::SystemClock,
};
use gateway::{
    config::{Config, StoreKind},
    gateway::Parts,
    health::{AlwaysUp, Condition, StoreHealth},
    metrics::{Figure, Figures},
    secret::Secret,
    tokens::SigningKey,
};
use presence::{
    LastSeen, LastSeenPolicy,
    memory::{LeaseHub, MemoryLastSeen},
};
use tokio::{
    sync::watch,
    task::{block_in_place, spawn_blocking},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The node number in ids of a gateway that is alone.
const ONLY_NODE: u16 = 0;
/// How often it is looked whether the cluster's store still takes this gateway's writes.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Something about the configuration that only shows when it is used.
#[derive(Debug)]
pub(crate) struct Misconfigured(String);

impl fmt::Display for Misconfigured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Misconfigured {}

/// Everything that is opened before the gateway and closed after it.
#[derive(Debug)]
pub(crate) struct Assembly {
    store: Store,
    redis: Option<Redis>,
    /// What runs beside the gateway, and ends after it.
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// The store that the configuration names.
#[derive(Debug)]
enum Store {
    /// In memory.
    Memory(Stores),
    /// In a folder.
    Embedded(Box<Embedded>),
    /// In a cluster, and the node number in this gateway's ids.
    Scylla(Arc<Scylla>, u16),
}

impl Assembly {
    /// Opens what the configuration names.
    pub(crate) async fn open(config: &Config) -> Result<Self> {
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let store = Store::open(config).await?;
        let urls: Vec<String> =
            config.redis.urls.iter().map(|url| url.expose().to_owned()).collect();
        let redis = if urls.is_empty() {
            None
        } else {
            let connected = Redis::connect(&RedisConfig { urls }, &tasks, stop.clone()).await;
            Some(connected.map_err(|error| misconfigured("CONFAB__REDIS__URLS", &error))?)
        };
        if redis.is_none() && config.store == StoreKind::Scylla {
            tracing::warn!("without redis.urls this must be the only gateway of its store");
        }
        Ok(Self { store, redis, tasks, stop })
    }

    /// The gateway's parts.
    pub(crate) fn parts(&self, config: &Config) -> Result<Parts> {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let workers = config.auth.password_workers.map_or_else(cores, size);
        let passwords = Argon2Passwords::new(workers, size(config.auth.password_queue));
        let stop = self.stop.clone();
        let in_memory = || LeaseHub::start(&self.tasks, stop).leases();
        let redis = self.redis.as_ref();
        Ok(Parts {
            stores: self.store.stores(),
            store_health: self.store.health(),
            bus: redis.map_or_else(|| Arc::new(NoBus::new()) as _, Redis::bus),
            leases: redis.map_or_else(|| Arc::new(in_memory()) as _, Redis::leases),
            last_seen: self.store.last_seen(),
            last_seen_policy: redis
                .map_or(LastSeenPolicy::WhilePresent, |_| LastSeenPolicy::OnLeave),
            limiter: redis.map_or_else(|| Arc::new(LocalLimiter::default()) as _, Redis::limiter),
            passwords: Arc::new(passwords.context("password hashing")?),
            clock: Arc::new(SystemClock::new(self.store.node())),
            key: self.store.key(config)?,
            figures: self.figures(),
        })
    }

    fn figures(&self) -> Vec<Arc<dyn Figures>> {
        self.store.figures().into_iter().collect()
    }

    /// Returns when the store can never be of use again in this process.
    pub(crate) async fn failed(&self) {
        self.store.failed().await;
    }

    /// Ends what runs beside, and closes the store.
    pub(crate) async fn close(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        match self.store {
            Store::Memory(_) => {}
            Store::Embedded(embedded) => block_in_place(|| embedded.close()),
            Store::Scylla(scylla, _) => {
                if let Some(scylla) = Arc::into_inner(scylla) {
                    scylla.close().await;
                }
            }
        }
    }
}

impl Store {
    async fn open(config: &Config) -> Result<Self> {
        match config.store {
            StoreKind::Memory => Ok(Self::Memory(MemoryStores::new())),
            StoreKind::Embedded => {
                let embedded = EmbeddedConfig {
                    cache_bytes: config.embedded.cache,
                    journal_bytes: config.embedded.journal,
                    reserve_bytes: config.embedded.reserve,
                    ..EmbeddedConfig::new(&config.data_dir)
                };
                // Elsewhere, and not in place: a signal has to be heard meanwhile.
                let opened = spawn_blocking(move || Embedded::open(&embedded)).await?;
                Ok(Self::Embedded(Box::new(opened.context("embedded store")?)))
            }
            StoreKind::Scylla => {
                let connected = connect(scylla_config(config)).await.context("store")?;
                let node = connected.lease_node().await.context("node number")?;
                tracing::info!(node, "connected to the store");
                Ok(Self::Scylla(Arc::new(connected), node))
            }
        }
    }

    fn stores(&self) -> Stores {
        match self {
            Self::Memory(stores) => stores.clone(),
            Self::Embedded(embedded) => embedded.stores(),
            Self::Scylla(scylla, _) => scylla.stores(),
        }
    }

    fn last_seen(&self) -> Arc<dyn LastSeen> {
        match self {
            Self::Memory(_) => Arc::new(MemoryLastSeen::default()),
            Self::Embedded(embedded) => embedded.last_seen(),
            Self::Scylla(scylla, _) => scylla.last_seen(),
        }
    }

    fn health(&self) -> Arc<dyn StoreHealth> {
        match self {
            Self::Memory(_) => Arc::new(AlwaysUp),
            Self::Embedded(embedded) => Arc::new(OfEmbedded(embedded.health_changes())),
            Self::Scylla(scylla, _) => Arc::new(OfScylla(Arc::clone(scylla))),
        }
    }

    fn figures(&self) -> Option<Arc<dyn Figures>> {
        match self {
            Self::Memory(_) | Self::Embedded(_) => None,
            Self::Scylla(scylla, _) => Some(Arc::new(OfScylla(Arc::clone(scylla)))),
        }
    }

    const fn node(&self) -> u16 {
        match self {
            Self::Memory(_) | Self::Embedded(_) => ONLY_NODE,
            Self::Scylla(_, node) => *node,
        }
    }

    async fn failed(&self) {
        match self {
            Self::Memory(_) => std::future::pending().await,
            Self::Embedded(embedded) => {
                let mut changes = embedded.health_changes();
                let poisoned = |health: &embedded::Health| *health == embedded::Health::Poisoned;
                if changes.wait_for(poisoned).await.is_err() {
                    tracing::warn!("the store's health is not known any more");
                }
            }
            Self::Scylla(scylla, _) => {
                while scylla.health() != scylla::Health::NodeLost {
                    tokio::time::sleep(LOOK_EVERY).await;
                }
            }
        }
    }

    fn key(&self, config: &Config) -> Result<SigningKey> {
        let read = match (&config.auth.secret_file, self) {
            (Some(path), _) => SigningKey::read(path),
            (None, Self::Embedded(_)) => {
                SigningKey::read_or_make(&config.data_dir.join("auth.key"))
            }
            (None, Self::Memory(_) | Self::Scylla(..)) => SigningKey::random(),
        };
        read.map_err(|error| Misconfigured(error.to_string()).into())
    }
}

fn misconfigured(setting: &str, error: &impl fmt::Display) -> anyhow::Error {
    Misconfigured(format!("{setting}: {error}")).into()
}

fn scylla_config(config: &Config) -> ScyllaConfig {
    let scylla = &config.scylla;
    ScyllaConfig {
        replication: size(scylla.replication),
        datacenter: scylla.datacenter.clone(),
        user: scylla.user.clone(),
        password: scylla.password.as_ref().map(Secret::expose).map(str::to_owned),
        ..ScyllaConfig::new(scylla.nodes.clone(), scylla.keyspace.clone())
    }
}

/// Connects; a keyspace that is not there is made first, for that is as empty as can be.
async fn connect(config: ScyllaConfig) -> Result<Scylla, ConnectError> {
    match Scylla::connect(config.clone()).await {
        Err(ConnectError::NoKeyspace { keyspace, .. }) => {
            tracing::info!(keyspace, "the keyspace is made");
            scylla::migrate(&config).await?;
            Scylla::connect(config).await
        }
        connected => connected,
    }
}

/// Makes or upgrades the schema of the cluster's store.
pub(crate) async fn migrate(config: &Config) -> Result<()> {
    of_a_cluster(config, "migrate")?;
    scylla::migrate(&scylla_config(config)).await.context("migrate")
}

/// Writes the projections of the cluster's store again.
pub(crate) async fn rebuild(config: &Config) -> Result<Rebuilt> {
    of_a_cluster(config, "rebuild")?;
    scylla::rebuild(scylla_config(config)).await.context("rebuild")
}

fn of_a_cluster(config: &Config, command: &str) -> Result<()> {
    if config.store == StoreKind::Scylla {
        return Ok(());
    }
    let why = format!("only store scylla needs `confab {command}`");
    Err(misconfigured("CONFAB__STORE", &why))
}

#[derive(Debug)]
struct OfEmbedded(watch::Receiver<embedded::Health>);

impl StoreHealth for OfEmbedded {
    fn condition(&self) -> Condition {
        match *self.0.borrow() {
            embedded::Health::Ok => Condition::Up,
            embedded::Health::DiskFull => Condition::Degraded,
            embedded::Health::Poisoned => Condition::Down,
        }
    }
}

#[derive(Debug)]
struct OfScylla(Arc<Scylla>);

impl StoreHealth for OfScylla {
    fn condition(&self) -> Condition {
        match self.0.health() {
            scylla::Health::Ok => Condition::Up,
            scylla::Health::Silent | scylla::Health::NodeLost => Condition::Down,
        }
    }
}

impl Figures for OfScylla {
    fn figures(&self) -> Vec<(Figure, u64)> {
        let unknowns = self.0.unknowns();
        vec![
            (Figure::AppendsUnknown, unknowns.met),
            (Figure::AppendsUnknownDone, unknowns.done),
            (Figure::AppendsUnknownNotDone, unknowns.not_done),
        ]
    }
}

fn size(number: NonZeroU32) -> usize {
    usize::try_from(number.get()).unwrap_or(usize::MAX)
}
