//! A gateway in memory for the tests of this crate, and the tests of its drain.

mod answers;
mod gated;

use std::{ffi::OsString, net::SocketAddr};

use chat_core::{
    memory::{LocalLimiter, MemoryBlobs, MemorySearch, MemoryStores, NoBus, PlainPasswords},
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

/// Returns the configuration with these variables.
pub(crate) fn config(variables: &[(&str, &str)]) -> Config {
    let environment = variables
        .iter()
        .map(|(name, value)| (OsString::from(format!("CONFAB__{name}")), OsString::from(value)));
    Config::load(None, environment).unwrap().0
}

/// Returns a gateway in memory with this clock and without rate limits.
pub(crate) fn gateway_at(clock: Arc<dyn Clock>, variables: &[(&str, &str)]) -> Gateway {
    Gateway::new(&config(&[OFF, variables].concat()), parts(clock))
}

const OFF: &[(&str, &str)] = &[("RATE_LIMITS__ENABLED", "false")];

fn parts(clock: Arc<dyn Clock>) -> Parts {
    let hub = LeaseHub::start(&TaskTracker::new(), CancellationToken::new());
    Parts {
        stores: MemoryStores::new(),
        blobs: Arc::new(MemoryBlobs::default()),
        store_health: Arc::new(AlwaysUp),
        bus: Arc::new(NoBus::new()),
        search: Some(Arc::new(MemorySearch::default())),
        leases: Arc::new(hub.leases()),
        last_seen: Arc::new(MemoryLastSeen::default()),
        last_seen_policy: LastSeenPolicy::WhilePresent,
        limiter: Arc::new(LocalLimiter::default()),
        passwords: Arc::new(PlainPasswords),
        clock,
        newest_entry_at: Timestamp::default(),
        ended_logins: Vec::new(),
        key: SigningKey::random().unwrap(),
    }
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(TestClock::new(Timestamp::from_millis(1_773_478_800_000), 1))
}

/// Returns a gateway in memory whose clock starts at 2026-03-14 and follows tokio's time.
pub(crate) fn gateway(variables: &[(&str, &str)]) -> Gateway {
    gateway_at(clock(), variables)
}

/// Returns the same gateway with changed parts.
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
    let public_address = public.local_addr().unwrap();
    let admin_address = admin.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let tasks = TaskTracker::new();
    let ended = tasks.spawn(gateway.run(public, admin, shutdown.clone()));
    Running { public: public_address, admin: admin_address, shutdown, ended }
}

async fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn clients_are_served_while_readiness_reports_the_drain() {
    let running = run(&[("DRAIN__DELAY", "600ms")]).await;
    assert!(get(running.admin, "/readyz").await.starts_with("HTTP/1.1 200 "));
    assert!(get(running.admin, "/healthz").await.ends_with("ok\n"));
    running.shutdown.cancel();
    while get(running.admin, "/readyz").await.starts_with("HTTP/1.1 200 ") {}
    let readiness = get(running.admin, "/readyz").await;
    assert!(readiness.starts_with("HTTP/1.1 503 "), "{readiness}");
    assert!(readiness.contains("\"status\":\"draining\""), "{readiness}");
    assert!(get(running.public, "/").await.starts_with("HTTP/1.1 200 "));
    running.ended.await.unwrap();
    assert!(TcpStream::connect(running.public).await.is_err());
    assert!(TcpStream::connect(running.admin).await.is_err());
}

#[tokio::test]
async fn admin_listener_serves_version_and_metrics() {
    let running = run(&[]).await;
    assert!(get(running.admin, "/version").await.contains("\"name\":\"confab\""));
    get(running.public, "/v1/me").await;
    let metrics = get(running.admin, "/metrics").await;
    assert!(
        metrics.contains("confab_http_requests_total{method=\"GET\",route=\"/v1/me\""),
        "{metrics}"
    );
    for present in [
        "confab_panics_total ",
        "confab_frames_total ",
        "confab_hints_lost_total ",
        "confab_appends_unknown_total ",
        "confab_redis_primaries_down ",
        "confab_connections{listener=\"public\"} ",
        "confab_connections{listener=\"admin\"} ",
        "confab_sessions ",
        "confab_info{version=",
    ] {
        assert!(metrics.contains(&format!("\n{present}")), "{present} in {metrics}");
    }
    assert!(get(running.public, "/metrics").await.starts_with("HTTP/1.1 404 "));
    running.shutdown.cancel();
    running.ended.await.unwrap();
}
