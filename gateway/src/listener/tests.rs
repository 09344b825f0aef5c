//! Real sockets against the accept loop, with tokio's time paused where deadlines are long.

use std::{num::NonZeroU32, time::Duration};

use axum::routing::get;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, timeout},
};

use super::*;
use crate::config::Limits;

struct Running {
    address: SocketAddr,
    places: Arc<Places>,
    drain: CancellationToken,
    tasks: TaskTracker,
}

async fn run(connections: u32, per_address: u32) -> Running {
    let slow = get(|| async {
        tokio::time::sleep(Duration::from_secs(20)).await;
        "slow"
    });
    let peer = |request: axum::extract::Request| async move {
        request.extensions().get::<Peer>().unwrap().0.to_string()
    };
    let router = Router::new()
        .route("/", get(|| async { "here" }))
        .route("/slow", slow)
        .route("/peer", get(peer));
    let number = |value| NonZeroU32::new(value).unwrap();
    let limits =
        Limits { connections: number(connections), connections_per_address: number(per_address) };
    let proxies: Arc<[Network]> = Arc::new(["127.0.0.2".parse().unwrap()]);
    let local = SocketAddr::from(([127, 0, 0, 1], 0));
    let tcp = TcpListener::bind(local).await.unwrap();
    let address = tcp.local_addr().unwrap();
    let places = Arc::new(Places::new(limits, proxies));
    let listener = Listener::new(tcp, router, places.clone());
    let (tasks, drain) = (TaskTracker::new(), CancellationToken::new());
    tasks.spawn(listener.serve(tasks.clone(), drain.clone()));
    Running { address, places, drain, tasks }
}

impl Running {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn ask(&self, text: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(text.as_bytes()).await.unwrap();
        read_to_end(&mut stream).await
    }

    async fn end(self) {
        self.drain.cancel();
        self.tasks.close();
        timeout(Duration::from_secs(60), self.tasks.wait()).await.unwrap();
        assert_eq!(self.places.taken(), 0);
    }
}

/// What comes until the other side ends, by a reset too.
async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap_or_default();
    String::from_utf8(bytes).unwrap()
}

/// How long the server keeps a connection on which nothing more comes.
async fn lifetime(stream: &mut TcpStream) -> Duration {
    let begun = Instant::now();
    read_to_end(stream).await;
    begun.elapsed()
}

#[tokio::test]
async fn request_is_answered_and_its_peer_known() {
    let running = run(10, 10).await;
    let answer = running.ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("here"), "{answer}");
    let forged = "GET /peer HTTP/1.0\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n";
    assert!(running.ask(forged).await.ends_with("\r\n\r\n127.0.0.1"));
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn silent_connection_ends_after_the_head_deadline() {
    let running = run(10, 10).await;
    let lived = lifetime(&mut running.connect().await).await;
    assert!(lived >= HEAD_WAIT_MAX && lived < HEAD_WAIT_MAX * 2, "{lived:?}");
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn half_a_head_and_half_a_preface_end_after_the_head_deadline() {
    let running = run(10, 10).await;
    for part in ["GET / HTTP/1.1\r\nHost: x\r\n", "PRI * HT", "P"] {
        let mut stream = running.connect().await;
        stream.write_all(part.as_bytes()).await.unwrap();
        let lived = lifetime(&mut stream).await;
        assert!(lived >= HEAD_WAIT_MAX && lived < HEAD_WAIT_MAX * 2, "{part} {lived:?}");
    }
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn second_head_has_the_time_of_the_first() {
    let running = run(10, 10).await;
    for quiet in [0, 5, 60] {
        let mut stream = running.connect().await;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        stream.readable().await.unwrap();
        tokio::time::sleep(Duration::from_secs(quiet)).await;
        stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        let lived = lifetime(&mut stream).await;
        assert!(lived >= HEAD_WAIT_MAX && lived <= HEAD_WAIT_MAX * 2, "{quiet}: {lived:?}");
    }
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn idle_connection_ends_later_and_a_slow_answer_is_not_idle() {
    let running = run(10, 10).await;
    let mut stream = running.connect().await;
    stream.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let lived = lifetime(&mut stream).await;
    let expected = Duration::from_secs(20) + IDLE_MAX;
    assert!(lived >= expected && lived < expected + Duration::from_secs(15), "{lived:?}");
    running.end().await;
}

#[tokio::test]
async fn head_that_is_too_large_is_refused() {
    let running = run(10, 10).await;
    let large = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "a".repeat(HEAD_BYTES_MAX));
    let answer = running.ask(&large).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    running.end().await;
}

#[tokio::test]
async fn connections_past_their_bound_are_closed_and_others_go_on() {
    let running = run(10, 2).await;
    let mut held = [running.connect().await, running.connect().await];
    for stream in &mut held {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        stream.readable().await.unwrap();
    }
    assert_eq!(running.ask("GET / HTTP/1.0\r\n\r\n").await, "");
    drop(held);
    let deadline = Instant::now() + Duration::from_secs(10);
    while !running.ask("GET / HTTP/1.0\r\n\r\n").await.ends_with("here") {
        assert!(Instant::now() < deadline);
        tokio::task::yield_now().await;
    }
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn drain_finishes_what_is_asked_and_takes_nothing_new() {
    let running = run(10, 10).await;
    let mut asked = running.connect().await;
    let mut idle = running.connect().await;
    asked.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    idle.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    idle.readable().await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    running.drain.cancel();
    assert!(read_to_end(&mut idle).await.ends_with("here"));
    assert!(read_to_end(&mut asked).await.ends_with("slow"));
    assert!(TcpStream::connect(running.address).await.is_err());
    running.end().await;
}
