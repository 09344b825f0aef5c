//! Rate limits that all gateways share, and stricter local ones while a primary is down or slow.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chat_core::{
    limiter::TokenBucket,
    memory::LocalLimiter,
    port::{Bucket, Limiter, Taken},
};
use tokio::time::Instant;

use super::{millis, primaries::Primaries, scripts};

/// The timeout of a primary's answer, unless the caller sets another.
pub(super) const TAKE_WITHIN: Duration = Duration::from_millis(50);
/// How long a primary that was too slow is not asked again.
const COOLDOWN: Duration = Duration::from_millis(250);
/// The fraction of a bucket that a gateway grants by itself, because other gateways may do the same.
const LOCAL_DIVISOR: u32 = 4;
/// The longest time in which a token is refilled. It also stands for a rate of zero.
const INTERVAL_MAX_US: f64 = 365.0 * 24.0 * 3600.0 * 1e6;

/// Token buckets on the primaries.
#[derive(Debug)]
pub(super) struct RedisLimiter {
    primaries: Arc<Primaries>,
    local: Arc<LocalLimiter>,
    within: Duration,
    started: Instant,
    /// Until when each primary is not asked, in milliseconds since `started`.
    cooldowns: Vec<AtomicU64>,
}

impl RedisLimiter {
    pub(super) fn new(
        primaries: Arc<Primaries>,
        local: Arc<LocalLimiter>,
        within: Duration,
    ) -> Self {
        let cooldowns = primaries.all.iter().map(|_| AtomicU64::new(0)).collect();
        Self { primaries, local, within, started: Instant::now(), cooldowns }
    }

    /// Returns `None` if the primary does not answer in time.
    async fn take_shared(
        &self,
        key: &str,
        bucket: Bucket,
        tokens: u32,
        is_charge: bool,
    ) -> Option<Taken> {
        let name = &*format!("limit:{key}");
        let index = self.primaries.ring.index_of(name);
        let (primary, cooldown) = (&self.primaries.all[index], &self.cooldowns[index]);
        if millis(self.started.elapsed()) < cooldown.load(Ordering::Relaxed) {
            return None;
        }
        let mut script = scripts::TAKE.key(name);
        script.arg(format!("{:.0}", interval_us(bucket.per_second))).arg(bucket.burst);
        script.arg(tokens).arg(u8::from(is_charge));
        match primary.run::<i64>(&script, self.within).await {
            Ok(answer) => Some(taken(answer)),
            Err(error) => {
                tracing::debug!(%error, "rate limits are local for a while");
                let until = millis(self.started.elapsed() + COOLDOWN);
                cooldown.store(until, Ordering::Relaxed);
                None
            }
        }
    }
}

#[async_trait]
impl Limiter for RedisLimiter {
    async fn take(&self, key: &str, bucket: Bucket, tokens: u32) -> Taken {
        if bucket.burst == 0 {
            return TokenBucket::default().take(Duration::ZERO, bucket, tokens);
        }
        if let Some(taken) = self.take_shared(key, bucket, tokens, false).await {
            return taken;
        }
        self.primaries.shared.metrics.local_takes.increment(1);
        self.local.take_now(key, local_bucket(bucket), tokens)
    }

    async fn charge(&self, key: &str, bucket: Bucket, tokens: u32) {
        if self.take_shared(key, bucket, tokens, true).await.is_none() {
            self.primaries.shared.metrics.local_takes.increment(1);
            self.local.charge_now(key, local_bucket(bucket), tokens);
        }
    }
}

/// Reads the answer of [`scripts::TAKE`].
fn taken(answer: i64) -> Taken {
    if answer > 0 {
        Taken::Refused { retry_after: Duration::from_micros(answer.unsigned_abs()) }
    } else {
        Taken::Granted { left: u32::try_from(answer.unsigned_abs()).unwrap_or(u32::MAX) }
    }
}

/// Returns the time in which a token is refilled, in microseconds, rounded up.
fn interval_us(per_second: f64) -> f64 {
    // NaN compares as false.
    if per_second > 0.0 {
        (1e6 / per_second).ceil().clamp(1.0, INTERVAL_MAX_US)
    } else {
        INTERVAL_MAX_US
    }
}

/// Returns the bucket that one gateway grants by itself: at least one token, unless the burst is 0.
fn local_bucket(bucket: Bucket) -> Bucket {
    Bucket {
        per_second: bucket.per_second / f64::from(LOCAL_DIVISOR),
        burst: bucket.burst.div_ceil(LOCAL_DIVISOR),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interval_is_rounded_up() {
        for (per_second, us) in
            [(1.0, 1e6), (3.0, 333_334.0), (2e6, 1.0), (1e-300, INTERVAL_MAX_US)]
        {
            assert!((interval_us(per_second) - us).abs() < 0.5, "{per_second}");
        }
        for odd in [0.0, -0.0, -1.0, f64::NAN, f64::NEG_INFINITY] {
            assert!((interval_us(odd) - INTERVAL_MAX_US).abs() < 0.5, "{odd}");
        }
        assert!((interval_us(f64::INFINITY) - 1.0).abs() < 0.5);
    }

    #[test]
    fn local_bucket_is_stricter_but_not_empty() {
        for burst in 0..100 {
            let local = local_bucket(Bucket { per_second: 8.0, burst });
            assert!(local.burst <= burst && (local.burst > 0) == (burst > 0));
            assert!(local.per_second <= 2.0);
        }
    }
}
