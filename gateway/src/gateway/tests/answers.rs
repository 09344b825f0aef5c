//! Answers over real sockets. Clients can read them whole, even if their request was not.

use super::*;
use crate::listener::HEAD_BYTES_MAX;

/// Bytes of a request that are sent before the test waits for the answer.
const FIRST_BYTES: usize = 80 << 10;

/// Sends the first bytes of a request, and the rest once an answer arrives. Then reads until the
/// server closes its side, and fails on a reset.
async fn exchange(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let (first, rest) = request.split_at(request.len().min(FIRST_BYTES));
    stream.write_all(first).await.unwrap();
    stream.readable().await.unwrap();
    for piece in rest.chunks(16 << 10) {
        stream.write_all(piece).await.unwrap();
        tokio::task::yield_now().await;
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn post(path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head =
        format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n{headers}\r\n");
    [head.as_bytes(), body].concat()
}

const JSON: &str = "Content-Type: application/json\r\n";

fn problem(answer: &str, status: &str, code: &str) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{status}: {answer}");
    assert!(answer.contains("content-type: application/problem+json\r\n"), "{status}: {answer}");
    assert!(answer.contains(&format!("\"code\":\"{code}\"")), "{status}: {answer}");
}

#[tokio::test]
async fn client_reads_refusal_when_its_request_is_unread() {
    let running = run(&[]).await;
    for (path, headers, body, status, code) in [
        ("/v1/users", JSON, 1 << 20, "413", "too_large"),
        ("/v1/poll", JSON, 200 << 10, "401", "unauthenticated"),
        ("/v1/nothing", JSON, 200 << 10, "404", "not_found"),
        ("/v1/presence", JSON, 200 << 10, "405", "invalid"),
        ("/v1/users", "", 200 << 10, "415", "invalid"),
    ] {
        let answer = exchange(running.public, &post(path, headers, &vec![b' '; body])).await;
        problem(&answer, status, code);
    }
    for bytes in [HEAD_BYTES_MAX + 1, 200 << 10] {
        let large = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "a".repeat(bytes));
        let answer = exchange(running.public, large.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{bytes}: {answer}");
    }
    running.shutdown.cancel();
    running.ended.await.unwrap();
}

#[tokio::test]
async fn body_is_refused_when_its_length_is_too_large() {
    let running = run(&[]).await;
    let head = format!("POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n{JSON}\r\n");
    let answer = exchange(running.public, head.as_bytes()).await;
    problem(&answer, "413", "too_large");
    assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
    running.shutdown.cancel();
    running.ended.await.unwrap();
}

#[tokio::test]
async fn request_is_invalid_when_its_body_is_broken() {
    let running = run(&[]).await;
    let head = "POST /v1/users HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n";
    let answer = exchange(running.public, format!("{head}{JSON}\r\nno size\r\n").as_bytes()).await;
    problem(&answer, "400", "invalid");
    running.shutdown.cancel();
    running.ended.await.unwrap();
}

#[tokio::test]
async fn connection_is_closed_when_a_body_never_ends() {
    let running = run(&[]).await;
    let mut stream = TcpStream::connect(running.public).await.unwrap();
    let head = format!("POST /v1/poll HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000000\r\n{JSON}");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(b"\r\n").await.unwrap();
    let (piece, mut sent) = (vec![b' '; 64 << 10], 0);
    while sent < 256 << 20 && stream.write_all(&piece).await.is_ok() {
        sent += piece.len();
    }
    assert!(sent < 64 << 20, "{sent}");
    running.shutdown.cancel();
    running.ended.await.unwrap();
}

#[tokio::test]
async fn upgrade_is_refused_when_its_version_is_unknown() {
    let running = run(&[]).await;
    let head = "GET /v1/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 8\r\n\r\n";
    let mut stream = TcpStream::connect(running.public).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    problem(&answer, "426", "invalid");
    assert!(answer.contains("sec-websocket-version: 13\r\n"), "{answer}");
    running.shutdown.cancel();
    running.ended.await.unwrap();
}
