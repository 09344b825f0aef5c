//! How a socket ends, and what it sends before the close.

use async_trait::async_trait;
use chat_core::port::{Bucket, Limiter, Taken};

use super::*;
use crate::{
    gateway::tests::{gated, gateway_of},
    ws::socket::DRAIN_WITHIN,
};

/// A limiter with a defect.
#[derive(Debug)]
struct PanickingLimiter;

#[async_trait]
impl Limiter for PanickingLimiter {
    async fn take(&self, _: &str, _: Bucket, _: u32) -> Taken {
        panic!("a secret")
    }

    async fn charge(&self, _: &str, _: Bucket, _: u32) {}
}

#[tokio::test(start_paused = true)]
async fn socket_closes_with_1011_after_a_panic() {
    let gateway = gateway_of(&[("RATE_LIMITS__ENABLED", "true")], |parts| {
        parts.limiter = Arc::new(PanickingLimiter);
    });
    let app = gateway.app();
    let (identity, _) = ada(&app).await;
    let mut client = Client::connect(&app).await;
    client.send(&[hello(&app, identity, 1)]).await;
    assert_eq!(client.closed().await, (1011, Vec::new()));
}

fn invalid_frames(count: usize) -> Vec<u8> {
    masked(0x81, b"nonsense").repeat(count)
}

#[tokio::test(start_paused = true)]
async fn replies_are_sent_before_the_close() {
    let app = gateway(&[]).app();
    let (identity, _) = ada(&app).await;
    let mut client = Client::hello(&app, identity).await;
    client.write(&invalid_frames(11)).await;
    let (code, texts) = client.closed().await;
    assert_eq!((code, texts.len()), (4502, 11), "{texts:?}");
    assert!(texts.iter().all(|text| text["re"].is_null() && text["error"]["code"] == "invalid"));
}

#[tokio::test(start_paused = true)]
async fn invalid_frames_before_hello_are_answered_and_counted() {
    let app = gateway(&[]).app();
    let (identity, _) = ada(&app).await;
    let mut client = Client::connect(&app).await;
    client.write(&invalid_frames(3)).await;
    for _ in 0..3 {
        assert!(client.text().await["re"].is_null());
    }
    client.send(&[hello(&app, identity, 1)]).await;
    assert!(client.text().await.get("ok").is_some());
    client.write(&invalid_frames(7)).await;
    client.send(&[ping(2)]).await;
    let replies = client.replies(8).await;
    assert_eq!(replies[7]["re"], 2, "{replies:?}");
    client.write(&invalid_frames(1)).await;
    assert_eq!(client.closed().await.0, 4502);
    let mut stranger = Client::connect(&app).await;
    stranger.write(&invalid_frames(11)).await;
    assert_eq!(stranger.closed().await.0, 4502);
    let mut talker = Client::connect(&app).await;
    talker.write(&invalid_frames(1)).await;
    assert_eq!(talker.closed().await.0, 1008, "no hello in time");
}

#[tokio::test(start_paused = true)]
async fn more_than_ten_invalid_frames_a_minute_close_the_socket() {
    let app = gateway(&[]).app();
    let (identity, _) = ada(&app).await;
    let mut client = Client::hello(&app, identity).await;
    let begun = Instant::now();
    let keep_alive = async |client: &mut Client, until: u64| {
        while begun.elapsed() < Duration::from_secs(until) {
            tokio::time::sleep(Duration::from_secs(1)).await;
            client.write(&masked(0x8A, b"")).await;
        }
    };
    keep_alive(&mut client, 59).await;
    client.write(&invalid_frames(10)).await;
    client.replies(10).await;
    keep_alive(&mut client, 61).await;
    client.write(&invalid_frames(1)).await;
    assert_eq!(client.closed().await.0, 4502);
}

#[tokio::test(start_paused = true)]
async fn close_code_of_the_client_is_returned() {
    let app = gateway(&[]).app();
    let (identity, _) = ada(&app).await;
    for (sent, given) in [(&1001_u16.to_be_bytes()[..], 1001), (&[], 1000)] {
        let mut client = Client::hello(&app, identity).await;
        client.write(&masked(0x88, sent)).await;
        assert_eq!(client.closed().await.0, given);
    }
}

#[tokio::test(start_paused = true)]
async fn drain_is_sent_at_once_and_each_reply_when_ready() {
    let (gateway, gate) = gated();
    let app = gateway.app();
    gate.let_pass(2);
    let (identity, group) = ada(&app).await;
    let mut client = Client::hello(&app, identity).await;
    let history = json!({"id": 2, "cmd": "history", "conversation": group});
    client.send(&[history, ping(3)]).await;
    assert_eq!(ids(&client.replies(1).await), [3], "the other one waits");
    let since = Instant::now();
    app.chat.drain();
    assert_eq!(client.text().await["ev"], "draining");
    assert!(since.elapsed() < DRAIN_WITHIN, "{:?}", since.elapsed());
    gate.let_pass(1);
    let (code, texts) = client.closed().await;
    assert_eq!((code, ids(&texts)), (1012, vec![2]), "{texts:?}");
}
