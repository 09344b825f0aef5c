//! The accept loop over real sockets. Tokio's time is paused where deadlines are long.

pub(crate) mod tls;

use std::{net::SocketAddr, num::NonZeroU32, time::Duration};

use axum::routing::get;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout},
};

use super::*;
use crate::config::Limits;

struct Running {
    address: SocketAddr,
    limiter: Arc<ConnectionLimiter>,
    drain: CancellationToken,
    tasks: TaskTracker,
}

async fn run(connections: u32, per_address: u32) -> Running {
    run_with(connections, per_address, None).await
}

async fn run_with(
    connections: u32,
    per_address: u32,
    certificate: Option<Arc<Certificate>>,
) -> Running {
    let slow = get(|| async {
        tokio::time::sleep(Duration::from_secs(20)).await;
        "slow"
    });
    let peer = |request: axum::extract::Request| async move {
        request.extensions().get::<Peer>().unwrap().0.to_string()
    };
    let router = Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/slow", slow)
        .route("/peer", get(peer));
    let number = |value| NonZeroU32::new(value).unwrap();
    let limits = Limits {
        connections: number(connections),
        connections_per_address: number(per_address),
        ..Limits::default()
    };
    let proxies: Arc<[Network]> = Arc::new(["127.0.0.2".parse().unwrap()]);
    let local = SocketAddr::from(([127, 0, 0, 1], 0));
    let tcp = TcpListener::bind(local).await.unwrap();
    let address = tcp.local_addr().unwrap();
    let limiter = Arc::new(ConnectionLimiter::new(limits, proxies, "test"));
    let listener = Listener::new(tcp, router, limiter.clone()).with_tls(certificate);
    let (tasks, drain) = (TaskTracker::new(), CancellationToken::new());
    tasks.spawn(listener.serve(tasks.clone(), drain.clone()));
    Running { address, limiter, drain, tasks }
}

impl Running {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn request(&self, text: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(text.as_bytes()).await.unwrap();
        read_to_end(&mut stream).await
    }

    async fn drain(self) {
        self.drain.cancel();
        self.tasks.close();
        timeout(Duration::from_secs(60), self.tasks.wait()).await.unwrap();
        assert_eq!(self.limiter.open(), 0);
    }
}

/// Reads until the server closes the connection, even by a reset.
async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap_or_default();
    String::from_utf8(bytes).unwrap()
}

/// Returns how long the server keeps a connection on which the client sends nothing more.
async fn lifetime(stream: &mut TcpStream) -> Duration {
    let started = Instant::now();
    read_to_end(stream).await;
    started.elapsed()
}

#[tokio::test]
async fn request_is_answered_and_carries_its_peer() {
    let running = run(10, 10).await;
    let answer = running.request("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("hello"), "{answer}");
    let forged = "GET /peer HTTP/1.0\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n";
    assert!(running.request(forged).await.ends_with("\r\n\r\n127.0.0.1"));
    running.drain().await;
}

#[tokio::test(start_paused = true)]
async fn connection_is_closed_when_it_sends_no_head() {
    let running = run(10, 10).await;
    let lived = lifetime(&mut running.connect().await).await;
    assert!(lived >= HEAD_WAIT_MAX && lived < HEAD_WAIT_MAX * 2, "{lived:?}");
    running.drain().await;
}

#[tokio::test(start_paused = true)]
async fn connection_is_closed_when_its_head_is_incomplete() {
    let running = run(10, 10).await;
    for part in ["GET / HTTP/1.1\r\nHost: x\r\n", "PRI * HT", "P"] {
        let mut stream = running.connect().await;
        stream.write_all(part.as_bytes()).await.unwrap();
        let lived = lifetime(&mut stream).await;
        assert!(lived >= HEAD_WAIT_MAX && lived < HEAD_WAIT_MAX * 2, "{part} {lived:?}");
    }
    running.drain().await;
}

#[tokio::test(start_paused = true)]
async fn later_head_has_the_same_deadline_as_the_first() {
    let running = run(10, 10).await;
    for pause_seconds in [0, 5, 60] {
        let mut stream = running.connect().await;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        stream.readable().await.unwrap();
        tokio::time::sleep(Duration::from_secs(pause_seconds)).await;
        stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        let lived = lifetime(&mut stream).await;
        assert!(lived >= HEAD_WAIT_MAX && lived <= HEAD_WAIT_MAX * 2, "{pause_seconds}: {lived:?}");
    }
    running.drain().await;
}

#[tokio::test(start_paused = true)]
async fn idle_deadline_starts_after_a_slow_answer() {
    let running = run(10, 10).await;
    let mut stream = running.connect().await;
    stream.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let lived = lifetime(&mut stream).await;
    let expected = Duration::from_secs(20) + IDLE_MAX;
    assert!(lived >= expected && lived < expected + Duration::from_secs(15), "{lived:?}");
    running.drain().await;
}

#[tokio::test]
async fn head_is_refused_when_it_is_too_large() {
    let running = run(10, 10).await;
    let large = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "a".repeat(HEAD_BYTES_MAX));
    let answer = running.request(&large).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    running.drain().await;
}

#[tokio::test]
async fn connection_is_closed_when_its_address_has_too_many() {
    let running = run(10, 2).await;
    let mut held = [running.connect().await, running.connect().await];
    for stream in &mut held {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        stream.readable().await.unwrap();
    }
    assert_eq!(running.request("GET / HTTP/1.0\r\n\r\n").await, "");
    drop(held);
    let deadline = Instant::now() + Duration::from_secs(10);
    while !running.request("GET / HTTP/1.0\r\n\r\n").await.ends_with("hello") {
        assert!(Instant::now() < deadline);
        tokio::task::yield_now().await;
    }
    running.drain().await;
}

#[tokio::test(start_paused = true)]
async fn drain_answers_running_requests_and_accepts_none() {
    let running = run(10, 10).await;
    let mut busy = running.connect().await;
    let mut idle = running.connect().await;
    busy.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    idle.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    idle.readable().await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    running.drain.cancel();
    assert!(read_to_end(&mut idle).await.ends_with("hello"));
    assert!(read_to_end(&mut busy).await.ends_with("slow"));
    assert!(TcpStream::connect(running.address).await.is_err());
    running.drain().await;
}
