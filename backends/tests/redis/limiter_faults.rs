//! What the limiter promises while primaries fail: it never does.

use std::{slice, sync::Arc, time::Duration};

use chat_core::port::{Bucket, Limiter, Taken};
use tokio::time::{Instant, sleep};

use super::{eventually, gateways::Gateways, server::Server};

const SLOW: Bucket = Bucket { per_second: 0.01, burst: 8 };
/// What one gateway gives of [`SLOW`] on its own.
const STRICT: usize = 2;

async fn open() -> Option<(Server, Gateways, Arc<dyn Limiter>)> {
    let server = Server::start().await?;
    let gateways = Gateways::connect(slice::from_ref(&server), 1).await;
    let limiter = gateways.all[0].limiter();
    Some((server, gateways, limiter))
}

/// How many tokens so many tries give, and the longest that one took.
async fn grants(limiter: &Arc<dyn Limiter>, key: &str, tries: usize) -> (usize, Duration) {
    let (mut granted, mut longest) = (0, Duration::ZERO);
    for _ in 0..tries {
        let began = Instant::now();
        granted += usize::from(limiter.take(key, SLOW).await == Taken::Granted);
        longest = longest.max(began.elapsed());
    }
    (granted, longest)
}

#[tokio::test]
async fn limits_are_local_and_stricter_while_the_primary_is_away() {
    let Some((mut server, gateways, limiter)) = open().await else { return };
    server.kill();
    eventually("doubt", Duration::from_secs(3), async || !gateways.all[0].health()[0].is_up).await;
    let (granted, longest) = grants(&limiter, "key", 20).await;
    assert_eq!(granted, STRICT);
    assert!(longest < Duration::from_millis(50), "nobody waits: {longest:?}");
    assert_eq!(gateways.all[0].counters().local_takes, 20);
    server.start_again().await;
    eventually("good", Duration::from_secs(3), async || gateways.all[0].health()[0].is_up).await;
    // The first answer of a new server may be slow on a machine that is busy with tests.
    let patient = gateways.all[0].limiter_within(Duration::from_secs(5));
    assert_eq!(grants(&patient, "key", 20).await.0, 8);
}

#[tokio::test]
async fn slow_primary_is_not_waited_for() {
    let Some((server, gateways, limiter)) = open().await else { return };
    server.pause();
    let began = Instant::now();
    let (granted, longest) = grants(&limiter, "key", 200).await;
    assert_eq!(granted, STRICT);
    assert!(longest < Duration::from_millis(150), "{longest:?}");
    assert!(began.elapsed() < Duration::from_millis(500), "it rests: {:?}", began.elapsed());
    assert_eq!(gateways.all[0].counters().local_takes, 200);
    server.resume();
    eventually("the primary is asked again", Duration::from_secs(5), async || {
        sleep(Duration::from_millis(100)).await;
        let before = gateways.all[0].counters().local_takes;
        limiter.take("other", SLOW).await;
        gateways.all[0].counters().local_takes == before
    })
    .await;
}

#[tokio::test]
async fn primary_that_forgets_begins_with_full_buckets() {
    let Some((server, gateways, _)) = open().await else { return };
    let limiter = gateways.all[0].limiter_within(Duration::from_secs(5));
    assert_eq!(grants(&limiter, "key", 20).await.0, 8);
    server.run::<()>(&["FLUSHALL"]).await;
    server.run::<()>(&["SCRIPT", "FLUSH"]).await;
    assert_eq!(grants(&limiter, "key", 20).await.0, 8);
    assert_eq!(gateways.all[0].counters().local_takes, 0);
}

#[tokio::test]
async fn garbage_in_a_bucket_gives_no_more_than_a_bucket() {
    let Some((server, gateways, _)) = open().await else { return };
    let limiter = gateways.all[0].limiter_within(Duration::from_secs(5));
    for garbage in ["", "x", "-1", "1e300", "nan", "inf", "-inf", "99999999999999999999"] {
        let key = format!("garbage {garbage}");
        server.run::<()>(&["SET", &format!("limit:{key}"), garbage]).await;
        assert!(grants(&limiter, &key, 20).await.0 <= 8, "{garbage}");
    }
    server.run::<()>(&["LPUSH", "limit:list", "x"]).await;
    assert_eq!(grants(&limiter, "list", 20).await.0, STRICT);
}

#[tokio::test]
async fn buckets_are_forgotten_when_they_are_full_again() {
    let Some((server, gateways, _)) = open().await else { return };
    let limiter = gateways.all[0].limiter_within(Duration::from_secs(5));
    let bucket = Bucket { per_second: 100.0, burst: 5 };
    for key in 0..100 {
        limiter.take(&key.to_string(), bucket).await;
    }
    eventually("nothing is kept", Duration::from_secs(5), async || {
        server.run::<u64>(&["DBSIZE"]).await == 0
    })
    .await;
}
