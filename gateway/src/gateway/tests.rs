//! A whole gateway in memory, for the tests of this crate; and its drain.

mod answers;
mod gated;

use std::{ffi::OsString, net::SocketAddr};

use chat_core::{
    memory::{LocalLimiter, MemoryStores, NoBus, PlainPasswords},
    time::{SystemClock, TestClock, Timestamp},
};
use presence::memory::{LeaseHub, MemoryLastSeen};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

pub(crate) use self::gated::gated;
use super::*;
use crate::health::AlwaysUp;

/// The configuration of these variables.
pub(crate) fn config(variables: &[(&str, &str)]) -> Config {
    let environment = variables
        .iter()
        .map(|(name, value)| (OsString::from(format!("CONFAB__{name}")), OsString::from(value)));
    Config::load(None, environment).unwrap().0
}

/// A gateway in memory with rate limits off, on this clock.
pub(crate) fn gateway_at(clock: Arc<dyn Clock>, variables: &[(&str, &str)]) -> Gateway {
    Gateway::new(&config(&[OFF, variables].concat()), parts(clock))
}

const OFF: &[(&str, &str)] = &[("RATE_LIMITS__ENABLED", "false")];

fn parts(clock: Arc<dyn Clock>) -> Parts {
    let hub = LeaseHub::start(&TaskTracker::new(), CancellationToken::new());
    Parts {
        stores: MemoryStores::new(),
        store_health: Arc::new(AlwaysUp),
        bus: Arc::new(NoBus::new()),
        leases: Arc::new(hub.leases()),
        last_seen: Arc::new(MemoryLastSeen::default()),
        last_seen_policy: LastSeenPolicy::WhilePresent,
        limiter: Arc::new(LocalLimiter::default()),
        passwords: Arc::new(PlainPasswords),
        clock,
        key: SigningKey::random().unwrap(),
        figures: Vec::new(),
    }
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(TestClock::new(Timestamp::from_millis(1_773_478_800_000), 1))
}

/// A gateway in memory, at 2026-03-14, with tokio's time.
pub(crate) fn gateway(variables: &[(&str, &str)]) -> Gateway {
    gateway_at(clock(), variables)
}

/// The same with one part or another changed.
pub(crate) fn gateway_of(variables: &[(&str, &str)], change: impl FnOnce(&mut Parts)) -> Gateway {
    let mut parts = parts(clock());
    change(&mut parts);
    Gateway::new(&config(&[OFF, variables].concat()), parts)
}

struct Running {
    public: SocketAddr,
    admin: SocketAddr,
    shutdown: CancellationToken,
    ended: tokio::task::JoinHandle<()>,
}

async fn run(variables: &[(&str, &str)]) -> Running {
    let gateway = gateway_at(Arc::new(SystemClock::new(1)), variables);
    let local = SocketAddr::from(([127, 0, 0, 1], 0));
    let public = TcpListener::bind(local).await.unwrap();
    let admin = TcpListener::bind(local).await.unwrap();
    let (at, admin_at) = (public.local_addr().unwrap(), admin.local_addr().unwrap());
    let shutdown = CancellationToken::new();
    let told = shutdown.clone();
    let tasks = TaskTracker::new();
    let ended = tasks.spawn(async move { gateway.run(public, admin, told.cancelled()).await });
    Running { public: at, admin: admin_at, shutdown, ended }
}

async fn ask(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn readiness_says_no_from_the_signal_on_while_clients_are_still_served() {
    let running = run(&[("DRAIN__DELAY", "600ms")]).await;
    assert!(ask(running.admin, "/readyz").await.starts_with("HTTP/1.1 200 "));
    assert!(ask(running.admin, "/healthz").await.ends_with("ok\n"));
    running.shutdown.cancel();
    while ask(running.admin, "/readyz").await.starts_with("HTTP/1.1 200 ") {}
    let readiness = ask(running.admin, "/readyz").await;
    assert!(readiness.starts_with("HTTP/1.1 503 "), "{readiness}");
    assert!(readiness.contains("\"status\":\"draining\""), "{readiness}");
    assert!(ask(running.public, "/").await.starts_with("HTTP/1.1 200 "));
    running.ended.await.unwrap();
    assert!(TcpStream::connect(running.public).await.is_err());
    assert!(TcpStream::connect(running.admin).await.is_err());
}

#[tokio::test]
async fn operators_see_version_and_figures() {
    let running = run(&[]).await;
    assert!(ask(running.admin, "/version").await.contains("\"name\":\"confab\""));
    ask(running.public, "/v1/me").await;
    let figures = ask(running.admin, "/metrics").await;
    assert!(
        figures.contains("confab_http_requests_total{method=\"GET\",route=\"/v1/me\""),
        "{figures}"
    );
    assert!(figures.contains("\nconfab_panics_total "), "{figures}");
    assert!(ask(running.public, "/metrics").await.starts_with("HTTP/1.1 404 "));
    running.shutdown.cancel();
    running.ended.await.unwrap();
}
