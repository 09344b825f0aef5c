//! Contract tests of [`crate::port::Limiter`], in real time because a server may have its own
//! clock.

use std::{sync::Arc, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use super::fixtures::random_word;
use crate::port::{Bucket, Limiter, Taken};

/// Makes the contract tests of a limiter.
///
/// `open` is the path of an `async fn() -> (guard, Vec<Arc<dyn Limiter>>)`. It returns at least one
/// handle, all on the same buckets. The guard is dropped after the test.
#[macro_export]
macro_rules! limiter_contract {
    ($open:path) => {
        $crate::limiter_contract!(@tests $open;
            burst_is_granted_then_tokens_are_refused;
            grants_count_the_tokens_that_are_left;
            each_key_has_its_own_bucket;
            any_text_can_be_a_key;
            concurrent_takers_share_one_bucket;
            token_is_granted_after_retry_after;
            no_period_grants_more_than_burst_and_rate;
            idle_bucket_refills_to_its_burst_only;
            bucket_is_strict_without_burst_or_rate;
            price_is_taken_at_once_and_may_leave_a_debt;
            charge_empties_a_bucket_and_leaves_a_debt;
        );
    };
    (@tests $open:path; $($test:ident;)+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            let (_guard, limiters) = $open().await;
            $crate::contract::limiter::$test(&limiters).await;
        }
    )+};
}

/// A bucket so slow that no token is refilled during a test.
const fn slow(burst: u32) -> Bucket {
    Bucket { per_second: 0.01, burst }
}

/// Returns how many of `attempts` get a token, on alternating handles.
async fn grants(limiters: &[Arc<dyn Limiter>], attempts: usize, key: &str, bucket: Bucket) -> u32 {
    let mut granted = 0;
    for limiter in limiters.iter().cycle().take(attempts) {
        granted += u32::from(limiter.take(key, bucket, 1).await.is_granted());
    }
    granted
}

/// A new bucket is full. Tokens taken on one handle are gone on all.
pub async fn burst_is_granted_then_tokens_are_refused(limiters: &[Arc<dyn Limiter>]) {
    let key = random_word();
    assert_eq!(grants(limiters, 7, &key, slow(7)).await, 7);
    assert_eq!(grants(limiters, 20, &key, slow(7)).await, 0);
}

/// Each grant tells how many tokens are left, on every handle.
pub async fn grants_count_the_tokens_that_are_left(limiters: &[Arc<dyn Limiter>]) {
    let key = random_word();
    for (limiter, left) in limiters.iter().cycle().zip([5, 4, 3]) {
        assert_eq!(limiter.take(&key, slow(6), 1).await, Taken::Granted { left });
    }
    assert_eq!(limiters[0].take(&key, slow(6), 0).await, Taken::Granted { left: 3 });
    assert_eq!(last(limiters).take(&key, slow(6), 2).await, Taken::Granted { left: 1 });
}

/// Emptying one bucket does not affect others.
pub async fn each_key_has_its_own_bucket(limiters: &[Arc<dyn Limiter>]) {
    let key = random_word();
    assert_eq!(grants(limiters, 5, &key, slow(2)).await, 2);
    assert_eq!(grants(limiters, 5, &format!("{key}:2"), slow(3)).await, 3);
    assert_eq!(grants(limiters, 5, &random_word(), slow(2)).await, 2);
}

/// Keys contain names that users choose.
pub async fn any_text_can_be_a_key(limiters: &[Arc<dyn Limiter>]) {
    let own = random_word();
    let long = "x".repeat(1_000);
    for odd in ["", " ", "{a}", "{b}", "\r\n", "\0", "🎉", "*", &long] {
        assert_eq!(grants(limiters, 4, &format!("{own}{odd}"), slow(1)).await, 1, "{odd:?}");
    }
}

/// Concurrent takes never grant more than the burst.
pub async fn concurrent_takers_share_one_bucket(limiters: &[Arc<dyn Limiter>]) {
    let key: Arc<str> = random_word().into();
    let mut takers = JoinSet::new();
    for limiter in limiters.iter().cycle().take(64) {
        let (limiter, key) = (Arc::clone(limiter), Arc::clone(&key));
        takers.spawn(async move { limiter.take(&key, slow(10), 1).await });
    }
    let taken = takers.join_all().await;
    assert_eq!(taken.iter().filter(|taken| taken.is_granted()).count(), 10);
}

/// A caller that waits for `retry_after` gets a token.
pub async fn token_is_granted_after_retry_after(limiters: &[Arc<dyn Limiter>]) {
    let key = random_word();
    let bucket = Bucket { per_second: 10.0, burst: 2 };
    let limiter = &limiters[0];
    let mut waits = 0;
    while waits < 3 {
        if let Taken::Refused { retry_after } = limiter.take(&key, bucket, 1).await {
            assert!(!retry_after.is_zero() && retry_after <= Duration::from_millis(101));
            sleep(retry_after).await;
            assert!(limiter.take(&key, bucket, 1).await.is_granted(), "{retry_after:?}");
            waits += 1;
        }
    }
}

/// The grants over any period are limited by burst and rate.
pub async fn no_period_grants_more_than_burst_and_rate(limiters: &[Arc<dyn Limiter>]) {
    let key = random_word();
    let bucket = Bucket { per_second: 100.0, burst: 5 };
    let began = Instant::now();
    let mut granted = 0_u32;
    while began.elapsed() < Duration::from_millis(500) {
        match limiters[0].take(&key, bucket, 1).await {
            Taken::Granted { .. } => granted += 1,
            Taken::Refused { retry_after } => sleep(retry_after / 3).await,
        }
    }
    let most = 5.0 + 100.0 * began.elapsed().as_secs_f64();
    assert!(f64::from(granted) <= most, "{granted} of {most}");
    assert!(granted > 10, "tokens are refilled: {granted}");
}

/// Waiting longer than a full refill grants no more than the burst.
pub async fn idle_bucket_refills_to_its_burst_only(limiters: &[Arc<dyn Limiter>]) {
    let key = random_word();
    let bucket = Bucket { per_second: 4.0, burst: 2 };
    assert_eq!(grants(limiters, 2, &key, bucket).await, 2);
    sleep(Duration::from_millis(900)).await;
    let began = Instant::now();
    let granted = grants(limiters, 4, &key, bucket).await;
    let refilled = (4.0 * began.elapsed().as_secs_f64()).floor();
    assert!(granted >= 2, "{granted}");
    assert!(f64::from(granted - 2) <= refilled, "{granted}, {refilled} refilled");
}

/// A burst of zero grants nothing. A rate of zero refills nothing.
pub async fn bucket_is_strict_without_burst_or_rate(limiters: &[Arc<dyn Limiter>]) {
    let none = Bucket { per_second: 1_000.0, burst: 0 };
    assert_eq!(grants(limiters, 4, &random_word(), none).await, 0);
    let once = Bucket { per_second: 0.0, burst: 2 };
    assert_eq!(grants(limiters, 6, &random_word(), once).await, 2);
}

/// A bucket with one token grants any price, and nothing more before the debt is refilled. A price of
/// zero takes nothing.
pub async fn price_is_taken_at_once_and_may_leave_a_debt(limiters: &[Arc<dyn Limiter>]) {
    let key = random_word();
    let bucket = Bucket { per_second: 0.1, burst: 10 };
    for limiter in limiters.iter().cycle().take(3) {
        assert_eq!(limiter.take(&key, bucket, 0).await, Taken::Granted { left: 10 });
    }
    assert_eq!(limiters[0].take(&key, bucket, 15).await, Taken::Granted { left: 0 });
    for limiter in limiters {
        for tokens in [0, 1] {
            let seconds = wait(limiter.take(&key, bucket, tokens).await);
            assert!((40.0..=60.1).contains(&seconds), "{seconds}");
        }
    }
}

/// A charge is taken from an empty bucket too. The debt is at most one burst.
pub async fn charge_empties_a_bucket_and_leaves_a_debt(limiters: &[Arc<dyn Limiter>]) {
    let key = random_word();
    let bucket = Bucket { per_second: 0.1, burst: 10 };
    limiters[0].charge(&key, bucket, 3).await;
    assert_eq!(last(limiters).take(&key, bucket, 7).await, Taken::Granted { left: 0 });
    assert!(!last(limiters).take(&key, bucket, 1).await.is_granted());
    for _ in 0..3 {
        limiters[0].charge(&key, bucket, 1_000).await;
    }
    let seconds = wait(last(limiters).take(&key, bucket, 1).await);
    assert!((90.0..=110.1).contains(&seconds), "{seconds}");
}

/// Returns how many seconds to wait for a token.
fn wait(taken: Taken) -> f64 {
    match taken {
        Taken::Granted { .. } => 0.0,
        Taken::Refused { retry_after } => retry_after.as_secs_f64(),
    }
}

fn last(limiters: &[Arc<dyn Limiter>]) -> &dyn Limiter {
    &**limiters.last().expect("at least one handle")
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_test_is_listed() {
        let text = include_str!("limiter.rs");
        for test in text.split("\npub async fn ").skip(1) {
            let name = test.split('(').next().unwrap();
            assert!(text.contains(&format!("            {name};\n")), "{name}");
        }
    }
}
