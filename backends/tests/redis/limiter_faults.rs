//! The limiter while primaries fail: it always answers.

use std::{slice, sync::Arc, time::Duration};

use chat_core::port::{Bucket, Limiter};
use tokio::time::{sleep, timeout};

use super::{eventually, gateways::Gateways, server::Server};

const SLOW: Bucket = Bucket { per_second: 0.01, burst: 8 };
/// The tokens of [`SLOW`] that one gateway grants by itself.
const LOCAL_BURST: usize = 2;

async fn open() -> Option<(Server, Gateways, Arc<dyn Limiter>)> {
    let server = Server::start().await?;
    let gateways = Gateways::connect(slice::from_ref(&server), 1).await;
    let limiter = gateways.all[0].limiter();
    Some((server, gateways, limiter))
}

/// Returns how many of these tries are granted.
async fn grants(limiter: &Arc<dyn Limiter>, key: &str, tries: usize) -> usize {
    let mut granted = 0;
    for _ in 0..tries {
        granted += usize::from(limiter.take(key, SLOW, 1).await.is_granted());
    }
    granted
}

#[tokio::test]
async fn limits_are_local_and_stricter_while_the_primary_is_down() {
    let Some((mut server, gateways, _)) = open().await else { return };
    server.kill();
    let bus = gateways.all[0].bus();
    eventually("the primary is down", Duration::from_secs(3), async || !bus.is_up()).await;
    // A try that waited for the primary would wait for this timeout.
    let patient = gateways.all[0].limiter_within(Duration::from_secs(60));
    let granted = timeout(Duration::from_secs(10), grants(&patient, "key", 20)).await;
    assert_eq!(granted, Ok(LOCAL_BURST));
    assert_eq!(gateways.metrics[0].count("local_takes"), 20);
    server.restart().await;
    eventually("the primary is up", Duration::from_secs(3), async || bus.is_up()).await;
    // A new limiter has no cooldown.
    let patient = gateways.all[0].limiter_within(Duration::from_secs(60));
    assert_eq!(grants(&patient, "key", 20).await, 8);
}

#[tokio::test]
async fn limiter_does_not_wait_for_a_slow_primary() {
    let Some((server, gateways, limiter)) = open().await else { return };
    server.pause();
    // Without a cooldown each try would wait for 50 ms.
    let granted = timeout(Duration::from_secs(10), grants(&limiter, "key", 1_000)).await;
    assert_eq!(granted, Ok(LOCAL_BURST));
    assert_eq!(gateways.metrics[0].count("local_takes"), 1_000);
    server.resume();
    eventually("the primary is asked again", Duration::from_secs(5), async || {
        sleep(Duration::from_millis(100)).await;
        let before = gateways.metrics[0].count("local_takes");
        limiter.take("other", SLOW, 1).await;
        gateways.metrics[0].count("local_takes") == before
    })
    .await;
}

#[tokio::test]
async fn buckets_are_full_when_the_primary_lost_its_data() {
    let Some((server, gateways, _)) = open().await else { return };
    let limiter = gateways.all[0].limiter_within(Duration::from_secs(5));
    assert_eq!(grants(&limiter, "key", 20).await, 8);
    server.run::<()>(&["FLUSHALL"]).await;
    server.run::<()>(&["SCRIPT", "FLUSH"]).await;
    assert_eq!(grants(&limiter, "key", 20).await, 8);
    assert_eq!(gateways.metrics[0].count("local_takes"), 0);
}

#[tokio::test]
async fn garbage_in_a_bucket_grants_at_most_the_burst() {
    let Some((server, gateways, _)) = open().await else { return };
    let limiter = gateways.all[0].limiter_within(Duration::from_secs(5));
    for garbage in ["", "x", "-1", "1e300", "nan", "inf", "-inf", "99999999999999999999"] {
        let key = format!("garbage {garbage}");
        server.run::<()>(&["SET", &format!("limit:{key}"), garbage]).await;
        assert!(grants(&limiter, &key, 20).await <= 8, "{garbage}");
    }
    server.run::<()>(&["LPUSH", "limit:list", "x"]).await;
    assert_eq!(grants(&limiter, "list", 20).await, LOCAL_BURST);
}

#[tokio::test]
async fn buckets_are_removed_when_they_are_full_again() {
    let Some((server, gateways, _)) = open().await else { return };
    let limiter = gateways.all[0].limiter_within(Duration::from_secs(5));
    let bucket = Bucket { per_second: 100.0, burst: 5 };
    for key in 0..100 {
        limiter.take(&key.to_string(), bucket, 1).await;
    }
    eventually("no key is left", Duration::from_secs(5), async || {
        server.run::<u64>(&["DBSIZE"]).await == 0
    })
    .await;
}
