//! Opens the backends that the configuration names. Only this file and `main.rs` know them.
//!
//! A gateway that runs alone has its store in a folder or in memory and everything else in this
//! process. Gateways of a fleet share a CQL store, and Redis for hints, presence and rate limits.

mod files;
mod indexes;

use std::{fmt, num::NonZeroU32, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use backends::{
    embedded::{self, Embedded, EmbeddedConfig},
    redis::{Redis, RedisConfig, RedisConfigError},
    scylla::{self, Availability, ConnectError, Rebuilt, Scylla, ScyllaConfig},
    tls::{ClientIdentity, TlsFiles},
};
use chat_core::{
    id::Snowflakes,
    memory::{LocalLimiter, MemorySearch, MemoryStores, NoBus},
    passwords::Argon2Passwords,
    port::{Search, Stores},
    search::{self, Indexed},
    time::{Clock, SystemClock, Timestamp},
};
use gateway::{
    config::{ClientTls, Config, ListenerTls, StoreKind},
    gateway::Parts,
    health::{AlwaysUp, Condition, StoreHealth},
    listener::Certificate,
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

use self::{
    files::open_blobs,
    indexes::{open_engine, open_search},
};

/// Interval at which the lease of this gateway's node number is checked.
const NODE_CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// An error of the configuration that only shows when it is used.
#[derive(Debug)]
pub(crate) struct Misconfigured(String);

impl fmt::Display for Misconfigured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Misconfigured {}

/// The open backends. They must be closed after the gateway has ended.
#[derive(Debug)]
pub(crate) struct Backends {
    engine: Engine,
    /// Tasks of the backends, which end after the gateway.
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// The storage engine.
#[derive(Debug)]
enum Engine {
    Memory,
    Embedded(Box<Embedded>),
    Scylla(Arc<Scylla>),
}

/// The engine and what a gateway needs of it.
struct OpenStore {
    engine: Engine,
    stores: Stores,
    last_seen: Arc<dyn LastSeen>,
    health: Arc<dyn StoreHealth>,
    search: Option<Arc<dyn Search>>,
    /// The generator of this gateway's ids.
    ids: Arc<Snowflakes>,
    /// A time that new entries must not be earlier than.
    newest_entry_at: Timestamp,
    key: SigningKey,
}

/// Opens the backends and returns them with the parts of a gateway.
pub(crate) async fn open(config: &Config) -> Result<(Parts, Backends)> {
    let workers = config.auth.password_workers();
    let passwords = Argon2Passwords::new(workers, config.auth.passwords_max() - workers);
    let passwords = passwords.context("password hashing")?;
    let store = open_store(config).await?;
    let tasks = TaskTracker::new();
    let stop = CancellationToken::new();
    let redis = if config.redis.urls.is_empty() {
        if config.store == StoreKind::Scylla {
            tracing::warn!("without redis.urls this must be the only gateway of its store");
        }
        None
    } else {
        let connected = Redis::connect(&redis_config(config), &tasks, stop.clone()).await;
        Some(connected.map_err(|error| redis_misconfigured(&error))?)
    };
    let redis = redis.as_ref();
    let clock = SystemClock::with_ids(store.ids);
    let ended_logins = store.stores.logins.ended(clock.now()).await.context("ended logins")?;
    let memory_leases = || LeaseHub::start(&tasks, stop.clone()).leases();
    let parts = Parts {
        blobs: open_blobs(config)?,
        stores: store.stores,
        store_health: store.health,
        bus: redis.map_or_else(|| Arc::new(NoBus::new()) as _, Redis::bus),
        search: store.search,
        leases: redis.map_or_else(|| Arc::new(memory_leases()) as _, Redis::leases),
        last_seen: store.last_seen,
        last_seen_policy: redis.map_or(LastSeenPolicy::WhilePresent, |_| LastSeenPolicy::OnLeave),
        limiter: redis.map_or_else(|| Arc::new(LocalLimiter::default()) as _, Redis::limiter),
        passwords: Arc::new(passwords),
        newest_entry_at: store.newest_entry_at,
        clock: Arc::new(clock),
        ended_logins,
        key: store.key,
    };
    Ok((parts, Backends { engine: store.engine, tasks, stop }))
}

async fn open_store(config: &Config) -> Result<OpenStore> {
    let configured_key = || config.auth.secret_file.as_deref().map(SigningKey::read);
    match config.store {
        StoreKind::Memory => Ok(OpenStore {
            engine: Engine::Memory,
            stores: MemoryStores::new(),
            last_seen: Arc::new(MemoryLastSeen::default()),
            health: Arc::new(AlwaysUp),
            search: Some(Arc::new(MemorySearch::default())),
            ids: Arc::new(Snowflakes::new(0)),
            newest_entry_at: Timestamp::default(),
            key: configured_key().unwrap_or_else(SigningKey::random).map_err(invalid)?,
        }),
        StoreKind::Embedded => {
            let embedded = EmbeddedConfig {
                cache_bytes: config.embedded.cache,
                journal_bytes: config.embedded.journal,
                reserve_bytes: config.embedded.reserve,
                ..EmbeddedConfig::new(&config.data_dir)
            };
            // On a blocking thread, so that a signal can interrupt it.
            let opened = spawn_blocking(move || Embedded::open(&embedded)).await?;
            let embedded = opened.context("embedded store")?;
            let search = open_search(config).await?;
            let default_key = || SigningKey::read_or_create(&config.data_dir.join("auth.key"));
            Ok(OpenStore {
                stores: embedded.stores(),
                last_seen: embedded.last_seen(),
                search,
                health: Arc::new(EmbeddedHealth(embedded.health_changes())),
                ids: embedded.ids(),
                newest_entry_at: embedded.newest_entry_at(),
                key: configured_key().unwrap_or_else(default_key).map_err(invalid)?,
                engine: Engine::Embedded(Box::new(embedded)),
            })
        }
        StoreKind::Scylla => {
            let key = configured_key().unwrap_or_else(SigningKey::random).map_err(invalid)?;
            let scylla = connect(scylla_config(config)).await.map_err(store_failed)?;
            let leased = scylla.lease_node().await.context("node number")?;
            tracing::info!(leased.node, "connected to the store");
            let scylla = Arc::new(scylla);
            Ok(OpenStore {
                stores: scylla.stores(),
                last_seen: scylla.last_seen(),
                search: open_engine(config)?,
                health: Arc::new(ScyllaHealth(Arc::clone(&scylla))),
                ids: leased.ids,
                newest_entry_at: leased.reached,
                key,
                engine: Engine::Scylla(scylla),
            })
        }
    }
}

impl Backends {
    /// Completes when the store has failed for good, so that the process must be restarted.
    pub(crate) async fn failed(&self) {
        match &self.engine {
            Engine::Memory => std::future::pending().await,
            Engine::Embedded(embedded) => {
                let mut changes = embedded.health_changes();
                let is_poisoned = |health: &embedded::Health| *health == embedded::Health::Poisoned;
                if changes.wait_for(is_poisoned).await.is_err() {
                    tracing::warn!("the store no longer reports its health");
                }
            }
            Engine::Scylla(scylla) => {
                while scylla.availability() != Availability::NodeLost {
                    tokio::time::sleep(NODE_CHECK_INTERVAL).await;
                }
            }
        }
    }

    /// Ends the backends' tasks and closes the store.
    pub(crate) async fn close(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        match self.engine {
            Engine::Memory => {}
            Engine::Embedded(embedded) => block_in_place(|| embedded.close()),
            Engine::Scylla(scylla) => {
                if let Some(scylla) = Arc::into_inner(scylla) {
                    scylla.close().await;
                }
            }
        }
    }
}

/// Reads the certificate of the public listener, if it has one.
pub(crate) fn certificate(config: &Config) -> Result<Option<Arc<Certificate>>> {
    let ListenerTls { certificate, key } = &config.tls;
    let (Some(certificate), Some(key)) = (certificate, key) else { return Ok(None) };
    let read = Certificate::read(certificate, key);
    let certificate = read.map_err(|error| misconfigured("CONFAB__TLS", &error))?;
    Ok(Some(Arc::new(certificate)))
}

/// Reports an error of the key as one of the configuration.
fn invalid(error: impl fmt::Display) -> anyhow::Error {
    Misconfigured(error.to_string()).into()
}

fn misconfigured(setting: &str, error: &impl fmt::Display) -> anyhow::Error {
    Misconfigured(format!("{setting}: {error}")).into()
}

fn redis_misconfigured(error: &RedisConfigError) -> anyhow::Error {
    let setting = match error {
        RedisConfigError::Tls(_) => "CONFAB__REDIS__TLS",
        RedisConfigError::NoPrimary
        | RedisConfigError::Address { .. }
        | RedisConfigError::Twice(_) => "CONFAB__REDIS__URLS",
    };
    misconfigured(setting, error)
}

fn redis_config(config: &Config) -> RedisConfig {
    RedisConfig {
        urls: config.redis.urls.iter().map(|url| url.expose().to_owned()).collect(),
        tls: client_tls(&config.redis.tls),
    }
}

fn client_tls(ClientTls { ca, certificate, key }: &ClientTls) -> TlsFiles {
    tls_files(ca, certificate, key)
}

/// Puts the certificate and its key together. The configuration has both or neither.
#[expect(clippy::ref_option, reason = "fields of the configuration")]
fn tls_files(
    ca: &Option<PathBuf>,
    certificate: &Option<PathBuf>,
    key: &Option<PathBuf>,
) -> TlsFiles {
    let identity = certificate.clone().zip(key.clone());
    let identity = identity.map(|(certificate, key)| ClientIdentity { certificate, key });
    TlsFiles { ca: ca.clone(), identity }
}

fn scylla_config(config: &Config) -> ScyllaConfig {
    let scylla = &config.scylla;
    let tls = &scylla.tls;
    ScyllaConfig {
        replication: size(scylla.replication),
        datacenter: scylla.datacenter.clone(),
        user: scylla.user.clone(),
        password: scylla.password.as_ref().map(Secret::expose).map(str::to_owned),
        tls: tls.enabled.then(|| tls_files(&tls.ca, &tls.certificate, &tls.key)),
        ..ScyllaConfig::new(scylla.nodes.clone(), scylla.keyspace.clone())
    }
}

/// Reports unusable files for TLS as an error of the configuration.
fn store_failed(error: ConnectError) -> anyhow::Error {
    if matches!(error, ConnectError::Tls { .. }) {
        return misconfigured("CONFAB__SCYLLA__TLS", &error);
    }
    anyhow::Error::from(error).context("store")
}

/// Connects to the cluster. Creates the keyspace first if it does not exist, which cannot overwrite
/// anything.
async fn connect(config: ScyllaConfig) -> Result<Scylla, ConnectError> {
    match Scylla::connect(config.clone()).await {
        Err(ConnectError::NoKeyspace { keyspace, .. }) => {
            tracing::info!(keyspace, "creating the keyspace");
            scylla::migrate(&config).await?;
            Scylla::connect(config).await
        }
        connected => connected,
    }
}

/// Creates or upgrades the schema of store `scylla`.
pub(crate) async fn migrate(config: &Config) -> Result<()> {
    if config.store != StoreKind::Scylla {
        return Err(misconfigured("CONFAB__STORE", &"only store scylla needs `confab migrate`"));
    }
    scylla::migrate(&scylla_config(config)).await.map_err(store_failed)
}

/// Makes again what can be made from the logs: the projections of store `scylla`, or the index of
/// messages beside the embedded store.
pub(crate) async fn rebuild(config: &Config) -> Result<()> {
    match config.store {
        StoreKind::Memory => {
            let why = "store memory has nothing to rebuild";
            Err(misconfigured("CONFAB__STORE", &why))
        }
        StoreKind::Embedded => {
            let store = open_store(config).await?;
            let search = store.search.context("this binary has no index of messages")?;
            let Indexed { conversations, messages } =
                search::rebuild(&store.stores, &*search).await?;
            tracing::info!(conversations, messages, "the index of messages is made again");
            drop((store.stores, store.last_seen, search));
            if let Engine::Embedded(embedded) = store.engine {
                block_in_place(|| embedded.close());
            }
            Ok(())
        }
        StoreKind::Scylla => {
            let rebuilt = scylla::rebuild(scylla_config(config)).await.map_err(store_failed)?;
            let Rebuilt { conversations, entries } = rebuilt;
            tracing::info!(conversations, entries, "the projections are rewritten");
            let Some(search) = open_engine(config)? else { return Ok(()) };
            let scylla = connect(scylla_config(config)).await.map_err(store_failed)?;
            let stores = scylla.stores();
            let Indexed { conversations, messages } = search::rebuild(&stores, &*search).await?;
            tracing::info!(conversations, messages, "the index of messages is made again");
            drop(stores);
            scylla.close().await;
            Ok(())
        }
    }
}

#[derive(Debug)]
struct EmbeddedHealth(watch::Receiver<embedded::Health>);

impl StoreHealth for EmbeddedHealth {
    fn condition(&self) -> Condition {
        match *self.0.borrow() {
            embedded::Health::Ok => Condition::Up,
            embedded::Health::DiskFull => Condition::Degraded,
            embedded::Health::Poisoned => Condition::Down,
        }
    }
}

#[derive(Debug)]
struct ScyllaHealth(Arc<Scylla>);

impl StoreHealth for ScyllaHealth {
    fn condition(&self) -> Condition {
        match self.0.availability() {
            Availability::Ok => Condition::Up,
            Availability::Silent | Availability::NodeLost => Condition::Down,
        }
    }
}

fn size(number: NonZeroU32) -> usize {
    usize::try_from(number.get()).unwrap_or(usize::MAX)
}
