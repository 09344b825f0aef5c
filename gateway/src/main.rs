//! The binary `confab`: arguments, configuration, assembly, signals, exit codes.
//!
//! Exit codes: 0 drained, 64 the configuration is wrong (`EX_USAGE`), 1 anything else.

use std::{
    fmt,
    io::{self, Write},
    net::SocketAddr,
    num::NonZeroU32,
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result};
use backends::embedded::{Embedded, EmbeddedConfig, Health};
use chat_core::{
    memory::{LocalLimiter, MemoryStores, NoBus},
    passwords::Argon2Passwords,
    port::Stores,
    time::SystemClock,
};
use clap::{Parser, Subcommand, error::ErrorKind};
use gateway::{
    config::{Config, Report, StoreKind},
    gateway::{Gateway, Parts},
    health::{AlwaysUp, Condition, StoreHealth},
    logs,
    tokens::SigningKey,
};
use presence::{
    Keeping,
    memory::{MemoryHub, MemoryLastSeen},
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    net::TcpListener,
    runtime::Runtime,
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The configuration is wrong.
const EXIT_CONFIG: u8 = 64;
/// How long threads that may block get at the end: a password that is being hashed.
const BLOCKING_END_MAX: Duration = Duration::from_secs(2);
/// The node number in ids of a gateway that is alone.
const ONLY_NODE: u16 = 0;

/// Conversations in real time.
///
/// Without a command it serves until SIGTERM or SIGINT, then drains: conversations and the web
/// client on one address, health and metrics on another. Settings come from their defaults, the
/// file of --config and variables such as CONFAB__LISTEN; `confab config` shows all of them.
#[derive(Debug, Parser)]
#[command(name = "confab", version)]
struct Arguments {
    /// Settings in TOML
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Action>,
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum Action {
    /// Print the configuration in force, and where each value came from
    Config,
}

/// Something about the configuration that only shows when it is used.
#[derive(Debug)]
struct Misconfigured(String);

impl fmt::Display for Misconfigured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Misconfigured {}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    let loaded = Config::load(arguments.config.as_deref(), std::env::vars_os());
    let (config, report) = match loaded {
        Ok(loaded) => loaded,
        Err(problems) => {
            say(io::stderr(), &problems);
            return ExitCode::from(EXIT_CONFIG);
        }
    };
    match arguments.command {
        Some(Action::Config) => show(&report),
        None => start(&config),
    }
}

/// Help and version are no errors.
fn usage(error: &clap::Error) -> ExitCode {
    let is_asked_for = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if let Err(error) = error.print() {
        say(io::stderr(), &error);
    }
    if is_asked_for { ExitCode::SUCCESS } else { ExitCode::from(EXIT_CONFIG) }
}

fn show(report: &Report) -> ExitCode {
    say(io::stdout(), report);
    ExitCode::SUCCESS
}

/// Writes to somebody who may have gone.
fn say(mut to: impl Write, text: &impl fmt::Display) {
    if writeln!(to, "{}", text.to_string().trim_end()).is_err() {
        tracing::debug!("nobody reads");
    }
}

fn start(config: &Config) -> ExitCode {
    logs::start(&config.logging);
    raise_descriptors(config.serving.limits.connections);
    match run(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            let is_config = error.downcast_ref::<Misconfigured>().is_some();
            ExitCode::from(if is_config { EXIT_CONFIG } else { 1 })
        }
    }
}

/// Each connection is a descriptor; shells and service managers often give 1,024 and allow more.
fn raise_descriptors(connections: NonZeroU32) {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    let allowed = if raised.is_ok() { maximum } else { current };
    let wanted = u64::from(connections.get());
    if allowed.is_some_and(|allowed| allowed < wanted) {
        tracing::info!(allowed, wanted, "fewer descriptors than limits.connections");
    }
}

fn run(config: &Config) -> Result<()> {
    let runtime = Runtime::new().context("threads")?;
    let store = Store::open(config)?;
    let outcome = runtime.block_on(serve(config, &store));
    runtime.shutdown_timeout(BLOCKING_END_MAX);
    store.close();
    outcome
}

/// The store that the configuration names, with what depends on it.
enum Store {
    /// In memory.
    Memory(Stores),
    /// In a folder.
    Embedded(Box<Embedded>),
}

impl Store {
    fn open(config: &Config) -> Result<Self> {
        let storage = &config.storage;
        if !storage.redis.urls.is_empty() {
            return Err(absent("CONFAB__REDIS__URLS", "Redis"));
        }
        match storage.kind {
            StoreKind::Memory => Ok(Self::Memory(MemoryStores::new())),
            StoreKind::Embedded => {
                let embedded = EmbeddedConfig {
                    cache_bytes: storage.embedded.cache,
                    journal_bytes: storage.embedded.journal,
                    reserve_bytes: storage.embedded.reserve,
                    ..EmbeddedConfig::new(&storage.data_dir)
                };
                let opened = Embedded::open(&embedded).context("embedded store")?;
                Ok(Self::Embedded(Box::new(opened)))
            }
            StoreKind::Scylla => Err(absent("CONFAB__STORE", "scylla")),
        }
    }

    fn stores(&self) -> Stores {
        match self {
            Self::Memory(stores) => stores.clone(),
            Self::Embedded(embedded) => embedded.stores(),
        }
    }

    fn health(&self) -> Arc<dyn StoreHealth> {
        match self {
            Self::Memory(_) => Arc::new(AlwaysUp),
            Self::Embedded(embedded) => Arc::new(EmbeddedHealth(embedded.health_changes())),
        }
    }

    /// Returns when the store can never be of use again.
    async fn poisoned(&self) {
        match self {
            Self::Memory(_) => std::future::pending().await,
            Self::Embedded(embedded) => {
                let mut changes = embedded.health_changes();
                if changes.wait_for(|health| *health == Health::Poisoned).await.is_err() {
                    tracing::warn!("the store's health is not known any more");
                }
            }
        }
    }

    fn key(&self, config: &Config) -> Result<SigningKey> {
        let read = match (&config.auth.secret_file, self) {
            (Some(path), _) => SigningKey::read(path),
            (None, Self::Memory(_)) => SigningKey::random(),
            (None, Self::Embedded(_)) => {
                SigningKey::read_or_make(&config.storage.data_dir.join("auth.key"))
            }
        };
        read.map_err(|error| Misconfigured(error.to_string()).into())
    }

    fn close(self) {
        match self {
            Self::Memory(_) => {}
            Self::Embedded(embedded) => embedded.close(),
        }
    }
}

/// What this build cannot do yet, though its settings are known.
fn absent(setting: &str, what: &str) -> anyhow::Error {
    Misconfigured(format!("{setting}: this build has no {what}")).into()
}

#[derive(Debug)]
struct EmbeddedHealth(watch::Receiver<Health>);

impl StoreHealth for EmbeddedHealth {
    fn condition(&self) -> Condition {
        match *self.0.borrow() {
            Health::Ok => Condition::Up,
            Health::DiskFull => Condition::Degraded,
            Health::Poisoned => Condition::Down,
        }
    }
}

async fn serve(config: &Config, store: &Store) -> Result<()> {
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let public = bind("CONFAB__LISTEN", config.serving.listen).await?;
    let admin = bind("CONFAB__ADMIN__LISTEN", config.serving.admin_listen).await?;
    let (background, stop) = (TaskTracker::new(), CancellationToken::new());
    let gateway = Gateway::new(config, parts(config, store, &background, &stop)?);
    tracing::info!("listening on http://{}", public.local_addr()?);
    tracing::info!("admin on http://{}", admin.local_addr()?);

    let told = CancellationToken::new();
    let mut running = std::pin::pin!(gateway.run(public, admin, told.cancelled()));
    let mut outcome = Ok(());
    // `running` is pinned outside; the others lose nothing when dropped.
    tokio::select! {
        () = &mut running => return Ok(()),
        () = either(&mut interrupt, &mut terminate) => {}
        () = store.poisoned() => outcome = Err(anyhow::anyhow!("the store failed: start again")),
    }
    told.cancel();
    tokio::select! {
        () = &mut running => {}
        () = either(&mut interrupt, &mut terminate) => {
            outcome = Err(anyhow::anyhow!("told a second time: ended without a drain"));
        }
    }
    stop.cancel();
    background.close();
    background.wait().await;
    outcome
}

async fn either(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

async fn bind(setting: &str, address: SocketAddr) -> Result<TcpListener> {
    let bound = TcpListener::bind(address).await;
    bound.with_context(|| format!("{setting}: {address}"))
}

/// The ports of a gateway that is alone; those of a cluster have their place here.
fn parts(
    config: &Config,
    store: &Store,
    background: &TaskTracker,
    stop: &CancellationToken,
) -> Result<Parts> {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let workers = config.auth.password_workers.map_or_else(cores, size);
    let passwords = Argon2Passwords::new(workers, size(config.auth.password_queue));
    Ok(Parts {
        stores: store.stores(),
        store_health: store.health(),
        bus: Arc::new(NoBus::new()),
        leases: Arc::new(MemoryHub::start(background, stop.clone()).leases()),
        last_seen: Arc::new(MemoryLastSeen::default()),
        keeping: Keeping::WhilePresent,
        limiter: Arc::new(LocalLimiter::default()),
        passwords: Arc::new(passwords.context("password hashing")?),
        clock: Arc::new(SystemClock::new(ONLY_NODE)),
        key: store.key(config)?,
    })
}

fn size(number: NonZeroU32) -> usize {
    usize::try_from(number.get()).unwrap_or(usize::MAX)
}
