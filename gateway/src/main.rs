//! The binary `confab`: arguments, configuration, signals and exit codes. `assembly.rs` opens the
//! backends.
//!
//! Exit codes: 0 after a drain, 64 if the configuration is wrong (`EX_USAGE`), 1 for other errors.

mod assembly;
mod estimate;

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
use clap::{Parser, Subcommand, error::ErrorKind};
use gateway::{
    config::{Config, StoreKind},
    demo::{self, DemoClock},
    gateway::{Gateway, Parts},
    listener::Certificate,
    logs,
    metrics::Metrics,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tikv_jemallocator::Jemalloc;
use tokio::{
    net::TcpListener,
    runtime::Runtime,
    signal::unix::{Signal, SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

use self::{assembly::Misconfigured, estimate::Estimate};

/// Returns what an idle gateway has freed to the system, which the C library's allocator does not.
/// `.cargo/config.toml` says after how long.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// Exit code for a wrong configuration.
const EXIT_CONFIG: u8 = 64;
/// Time that blocking threads have at the end, for example to hash a password.
const BLOCKING_END_MAX: Duration = Duration::from_secs(2);

/// Real-time chat.
///
/// Without a command, serves until SIGTERM or SIGINT and then drains. Conversations and the web
/// client are on one address, health and metrics on another. Settings come from their defaults,
/// the file of --config, and variables such as CONFAB__LISTEN. `confab config` prints all of them.
#[derive(Debug, Parser)]
#[command(name = "confab", version)]
struct Arguments {
    /// File with settings, in TOML
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// Serve people, groups and a bot to look around with; everything is in memory
    #[arg(long)]
    demo: bool,
    #[command(subcommand)]
    command: Option<Action>,
}

#[derive(Debug, Clone, Subcommand)]
enum Action {
    /// Print the configuration in force, and where each value came from
    Config,
    /// Create or upgrade the schema of store scylla, before starting gateways of a new version
    Migrate,
    /// Make again what follows from the logs: the projections of store scylla, while gateways may be
    /// running, or the index of messages beside the embedded store, while none is
    Rebuild,
    /// Print how many machines a number of users needs, with every formula
    Capacity(Box<Estimate>),
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            if let Err(error) = error.print() {
                print_to(io::stderr(), &error);
            }
            let is_help =
                matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            return if is_help { ExitCode::SUCCESS } else { ExitCode::from(EXIT_CONFIG) };
        }
    };
    let (config, report) = match Config::load(arguments.config.as_deref(), std::env::vars_os()) {
        Ok(loaded) => loaded,
        Err(problems) => {
            print_to(io::stderr(), &problems);
            return ExitCode::from(EXIT_CONFIG);
        }
    };
    match arguments.command {
        Some(_) if arguments.demo => {
            print_to(io::stderr(), &"error: --demo serves, so it takes no command");
            ExitCode::from(EXIT_CONFIG)
        }
        Some(Action::Config) => {
            print_to(io::stdout(), &report);
            ExitCode::SUCCESS
        }
        Some(Action::Migrate) => run(&config, migrate(&config)),
        Some(Action::Rebuild) => run(&config, assembly::rebuild(&config)),
        Some(Action::Capacity(estimate)) => {
            print_to(io::stdout(), &estimate);
            ExitCode::SUCCESS
        }
        None if arguments.demo => {
            let config = Config { store: StoreKind::Memory, ..config };
            run(&config, serve(&config, true))
        }
        None => run(&config, serve(&config, false)),
    }
}

/// Prints a text. A closed pipe is not an error.
fn print_to(mut to: impl Write, text: &impl fmt::Display) {
    if writeln!(to, "{}", text.to_string().trim_end()).is_err() {
        tracing::debug!("output is closed");
    }
}

/// Runs a command on a new runtime and returns its exit code.
fn run(config: &Config, command: impl Future<Output = Result<()>>) -> ExitCode {
    logs::start(&config.log, config.log_format);
    let outcome = Runtime::new().context("threads").and_then(|runtime| {
        let outcome = runtime.block_on(command);
        runtime.shutdown_timeout(BLOCKING_END_MAX);
        outcome
    });
    let Err(error) = outcome else { return ExitCode::SUCCESS };
    tracing::error!("{error:#}");
    let is_config = error.downcast_ref::<Misconfigured>().is_some();
    ExitCode::from(if is_config { EXIT_CONFIG } else { 1 })
}

/// Raises the soft limit of open files to the hard one. Each connection needs a descriptor, and
/// shells and service managers often start with 1,024.
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

async fn serve(config: &Config, has_demo: bool) -> Result<()> {
    // Before the backends: handles of metrics that are taken without a recorder count nothing.
    Metrics::install();
    raise_descriptors(config.limits.connections);
    let mut signals = Signals::new()?;
    let certificate = assembly::certificate(config)?;
    let mut hangups = certificate.is_some().then(|| signal(SignalKind::hangup())).transpose()?;
    let public = bind("CONFAB__LISTEN", config.listen).await?;
    let admin = bind("CONFAB__ADMIN__LISTEN", config.admin.listen).await?;
    // Dropping a store that is being opened is like a power failure, which it survives.
    let (parts, backends) = tokio::select! {
        opened = assembly::open(config) => opened?,
        () = signals.next() => {
            tracing::info!("stopped by a signal before the store was open");
            return Ok(());
        }
    };
    let mut gateway = assemble(config, parts, has_demo).await?;
    if let Some(certificate) = &certificate {
        gateway = gateway.with_tls(Arc::clone(certificate));
    }
    announce(&public, &admin, certificate.is_some())?;
    let shutdown = CancellationToken::new();
    let running = gateway.run(public, admin, shutdown.clone());
    let served = tokio::select! {
        served = run_until_stopped(running, &shutdown, &backends, &mut signals) => served,
        () = reload(certificate.as_ref(), hangups.as_mut()) => Ok(()),
    };
    backends.close().await;
    served
}

/// Assembles the gateway, and seeds the demo.
async fn assemble(config: &Config, mut parts: Parts, has_demo: bool) -> Result<Gateway> {
    if !has_demo {
        return Ok(Gateway::new(config, parts));
    }
    let clock = DemoClock::new(Arc::clone(&parts.clock));
    parts.clock = Arc::<DemoClock>::clone(&clock);
    let gateway = Gateway::new(config, parts).with_demo();
    let app = gateway.app();
    let stop = app.draining.clone();
    demo::run(app, &clock, stop).await.context("demo")?;
    Ok(gateway)
}

/// Logs both addresses, for which scripts wait.
fn announce(public: &TcpListener, admin: &TcpListener, has_tls: bool) -> io::Result<()> {
    let scheme = if has_tls { "https" } else { "http" };
    tracing::info!(target: logs::ADDRESSES, "listening on {scheme}://{}", public.local_addr()?);
    tracing::info!(target: logs::ADDRESSES, "admin on http://{}", admin.local_addr()?);
    Ok(())
}

/// Runs the gateway until it ends, or until a signal or a failed store starts its drain. A second
/// signal ends the drain early.
async fn run_until_stopped(
    running: impl Future<Output = ()>,
    shutdown: &CancellationToken,
    backends: &assembly::Backends,
    signals: &mut Signals,
) -> Result<()> {
    let mut running = std::pin::pin!(running);
    // Cancel-safe: `running` is pinned outside, and the other futures keep nothing.
    let outcome = tokio::select! {
        () = &mut running => return Ok(()),
        () = signals.next() => Ok(()),
        () = backends.failed() => Err(anyhow::anyhow!("the store failed: start again")),
    };
    shutdown.cancel();
    tokio::select! {
        () = &mut running => outcome,
        () = signals.next() => {
            Err(anyhow::anyhow!("stopped by a second signal, before the drain ended"))
        }
    }
}

/// Reads the certificate again at each SIGHUP, forever. Without a certificate, SIGHUP keeps its usual
/// meaning and ends the process.
async fn reload(certificate: Option<&Arc<Certificate>>, hangups: Option<&mut Signal>) {
    if let Some((certificate, hangups)) = certificate.zip(hangups) {
        while hangups.recv().await.is_some() {
            certificate.reload().await;
        }
    }
    std::future::pending::<()>().await;
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

    /// Waits for the next of them. Cancel-safe.
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
