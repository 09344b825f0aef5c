//! Promises of [`crate::port::Limiter`], in real time: a limiter may have a server with a clock.

use std::{sync::Arc, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use super::scene::word;
use crate::port::{Bucket, Limiter, Taken};

/// Makes one test of each promise of the limiter. `open` is the path of an
/// `async fn() -> (guard, Vec<Arc<dyn Limiter>>)`: one handle at least, all on the same buckets;
/// the guard is dropped after the test.
#[macro_export]
macro_rules! limiter_contract {
    ($open:path) => {
        $crate::limiter_contract!(@tests $open;
            burst_is_granted_and_then_no_more;
            keys_have_buckets_of_their_own;
            any_text_is_a_key;
            concurrent_takers_share_one_bucket;
            refusal_says_when_to_come_again;
            no_span_grants_more_than_burst_and_rate;
            rest_fills_the_bucket_and_no_more;
            odd_buckets_are_strict;
        );
    };
    (@tests $open:path; $($promise:ident;)+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $promise() {
            let (_guard, limiters) = $open().await;
            $crate::contract::limiter::$promise(&limiters).await;
        }
    )+};
}

/// One in a hundred seconds: nothing comes back during a test.
const fn slow(burst: u32) -> Bucket {
    Bucket { per_second: 0.01, burst }
}

/// How many of so many tries get a token, by all handles in turn.
async fn grants(limiters: &[Arc<dyn Limiter>], tries: usize, key: &str, bucket: Bucket) -> usize {
    let mut granted = 0;
    for limiter in limiters.iter().cycle().take(tries) {
        granted += usize::from(limiter.take(key, bucket).await == Taken::Granted);
    }
    granted
}

/// A new bucket is full; all handles see it emptied.
pub async fn burst_is_granted_and_then_no_more(limiters: &[Arc<dyn Limiter>]) {
    let key = word();
    assert_eq!(grants(limiters, 7, &key, slow(7)).await, 7);
    assert_eq!(grants(limiters, 20, &key, slow(7)).await, 0);
}

/// What one has used up, another still has.
pub async fn keys_have_buckets_of_their_own(limiters: &[Arc<dyn Limiter>]) {
    let key = word();
    assert_eq!(grants(limiters, 5, &key, slow(2)).await, 2);
    assert_eq!(grants(limiters, 5, &format!("{key}:2"), slow(3)).await, 3);
    assert_eq!(grants(limiters, 5, &word(), slow(2)).await, 2);
}

/// Keys hold names that people choose.
pub async fn any_text_is_a_key(limiters: &[Arc<dyn Limiter>]) {
    let own = word();
    let long = "x".repeat(1_000);
    for odd in ["", " ", "{a}", "{b}", "\r\n", "\0", "🎉", "*", &long] {
        assert_eq!(grants(limiters, 4, &format!("{own}{odd}"), slow(1)).await, 1, "{odd:?}");
    }
}

/// Taking is one atomic step.
pub async fn concurrent_takers_share_one_bucket(limiters: &[Arc<dyn Limiter>]) {
    let key: Arc<str> = word().into();
    let mut takers = JoinSet::new();
    for limiter in limiters.iter().cycle().take(64) {
        let (limiter, key) = (Arc::clone(limiter), Arc::clone(&key));
        takers.spawn(async move { limiter.take(&key, slow(10)).await });
    }
    let taken = takers.join_all().await;
    assert_eq!(taken.iter().filter(|taken| **taken == Taken::Granted).count(), 10);
}

/// Whoever waits as long as the refusal says gets a token.
pub async fn refusal_says_when_to_come_again(limiters: &[Arc<dyn Limiter>]) {
    let (key, bucket) = (word(), Bucket { per_second: 10.0, burst: 2 });
    let limiter = &limiters[0];
    let mut waits = 0;
    while waits < 3 {
        if let Taken::Refused { retry_after } = limiter.take(&key, bucket).await {
            assert!(!retry_after.is_zero() && retry_after <= Duration::from_millis(101));
            sleep(retry_after).await;
            assert_eq!(limiter.take(&key, bucket).await, Taken::Granted, "{retry_after:?}");
            waits += 1;
        }
    }
}

/// The promise that the rest is for.
pub async fn no_span_grants_more_than_burst_and_rate(limiters: &[Arc<dyn Limiter>]) {
    let (key, bucket) = (word(), Bucket { per_second: 100.0, burst: 5 });
    let (began, mut granted) = (Instant::now(), 0_u32);
    while began.elapsed() < Duration::from_millis(500) {
        match limiters[0].take(&key, bucket).await {
            Taken::Granted => granted += 1,
            Taken::Refused { retry_after } => sleep(retry_after / 3).await,
        }
    }
    let most = 5.0 + 100.0 * began.elapsed().as_secs_f64();
    assert!(f64::from(granted) <= most, "{granted} of {most}");
    assert!(granted > 10, "tokens come back: {granted}");
}

/// Patience is not saved up.
pub async fn rest_fills_the_bucket_and_no_more(limiters: &[Arc<dyn Limiter>]) {
    let (key, bucket) = (word(), Bucket { per_second: 4.0, burst: 2 });
    assert_eq!(grants(limiters, 2, &key, bucket).await, 2);
    sleep(Duration::from_millis(900)).await;
    let began = Instant::now();
    let granted = grants(limiters, 4, &key, bucket).await;
    let came_back = if began.elapsed() < Duration::from_millis(250) { 0 } else { 2 };
    assert!((2..=2 + came_back).contains(&granted), "{granted}");
}

/// Without a burst there is nothing, without a rate nothing comes back.
pub async fn odd_buckets_are_strict(limiters: &[Arc<dyn Limiter>]) {
    let none = Bucket { per_second: 1_000.0, burst: 0 };
    assert_eq!(grants(limiters, 4, &word(), none).await, 0);
    let once = Bucket { per_second: 0.0, burst: 2 };
    assert_eq!(grants(limiters, 6, &word(), once).await, 2);
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_promise_is_listed() {
        let text = include_str!("limiter.rs");
        for promise in text.split("\npub async fn ").skip(1) {
            let name = promise.split('(').next().unwrap();
            assert!(text.contains(&format!("            {name};\n")), "{name}");
        }
    }
}
