//! The binary `confab`: arguments, configuration, signals, exit codes; `assembly.rs` is its other
//! half.
//!
//! Exit codes: 0 drained, 64 the configuration is wrong (`EX_USAGE`), 1 anything else.

mod assembly;

use std::{
    fmt,
    io::{self, Write},
    net::SocketAddr,
    num::NonZeroU32,
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand, error::ErrorKind};
use gateway::{
    config::{Config, Report},
    gateway::Gateway,
    logs,
    metrics::Metrics,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    net::TcpListener,
    runtime::Runtime,
    signal::unix::{Signal, SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

use self::assembly::{Assembly, Misconfigured};

/// The configuration is wrong.
const EXIT_CONFIG: u8 = 64;
/// How long threads that may block get at the end: a password that is being hashed.
const BLOCKING_END_MAX: Duration = Duration::from_secs(2);

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
    /// Make or upgrade the schema of store scylla; before gateways of a new version are started
    Migrate,
    /// Write the projections of store scylla again from its logs; gateways may run
    Rebuild,
}

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
        Some(Action::Migrate) => start(&config, migrate(&config)),
        Some(Action::Rebuild) => start(&config, rebuild(&config)),
        None => start(&config, serve(&config)),
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

fn start(config: &Config, work: impl Future<Output = Result<()>>) -> ExitCode {
    logs::start(&config.log, config.log_format);
    match run(work) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            let is_config = error.downcast_ref::<Misconfigured>().is_some();
            ExitCode::from(if is_config { EXIT_CONFIG } else { 1 })
        }
    }
}

fn run(work: impl Future<Output = Result<()>>) -> Result<()> {
    let runtime = Runtime::new().context("threads")?;
    let outcome = runtime.block_on(work);
    runtime.shutdown_timeout(BLOCKING_END_MAX);
    outcome
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

async fn migrate(config: &Config) -> Result<()> {
    assembly::migrate(config).await?;
    tracing::info!("the schema is up to date");
    Ok(())
}

async fn rebuild(config: &Config) -> Result<()> {
    let rebuilt = assembly::rebuild(config).await?;
    let (conversations, entries) = (rebuilt.conversations, rebuilt.entries);
    tracing::info!(conversations, entries, "the projections are written again");
    Ok(())
}

async fn serve(config: &Config) -> Result<()> {
    raise_descriptors(config.limits.connections);
    let mut signals = Signals::new()?;
    let public = bind("CONFAB__LISTEN", config.listen).await?;
    let admin = bind("CONFAB__ADMIN__LISTEN", config.admin.listen).await?;
    // The stores and Redis count from their first connection on.
    Metrics::install();
    // What is dropped here is as after a power cut: the store opens after it.
    let assembly = tokio::select! {
        opened = Assembly::open(config) => opened?,
        () = signals.next() => {
            tracing::info!("told to end before the store was open");
            return Ok(());
        }
    };
    let served = gateway(config, &assembly, signals, public, admin).await;
    assembly.close().await;
    served
}

async fn gateway(
    config: &Config,
    assembly: &Assembly,
    mut signals: Signals,
    public: TcpListener,
    admin: TcpListener,
) -> Result<()> {
    let gateway = Gateway::new(config, assembly.parts(config)?);
    tracing::info!("listening on http://{}", public.local_addr()?);
    tracing::info!("admin on http://{}", admin.local_addr()?);
    let told = CancellationToken::new();
    let mut running = std::pin::pin!(gateway.run(public, admin, told.cancelled()));
    let mut outcome = Ok(());
    // `running` is pinned outside; the others lose nothing when dropped.
    tokio::select! {
        () = &mut running => return Ok(()),
        () = signals.next() => {}
        () = assembly.failed() => outcome = Err(anyhow::anyhow!("the store failed: start again")),
    }
    told.cancel();
    tokio::select! {
        () = &mut running => outcome,
        () = signals.next() => Err(anyhow::anyhow!("told a second time: ended without a drain")),
    }
}

/// SIGINT and SIGTERM.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { interrupt, terminate: signal(SignalKind::terminate())? })
    }

    /// The next of them. Cancel-safe.
    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

async fn bind(setting: &str, address: SocketAddr) -> Result<TcpListener> {
    let bound = TcpListener::bind(address).await;
    bound.with_context(|| format!("{setting}: {address}"))
}
