//! Rate limits of all gateways together, and a stricter local one while a primary is away or slow.

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

use super::{fleet::Fleet, primary::Primary, scripts};

/// How long a primary may take for a token, when nobody says.
pub(super) const TAKE_WITHIN: Duration = Duration::from_millis(50);
/// How long a primary that was too slow is not asked again.
const REST_FOR: Duration = Duration::from_millis(250);
/// Which part of a bucket a gateway gives on its own: others may be giving, too.
const LOCAL_PART: u32 = 4;
/// The longest that a token may take to come back; a rate of zero is this, too.
const INTERVAL_MAX_US: f64 = 365.0 * 24.0 * 3600.0 * 1e6;

/// Token buckets on the primaries.
#[derive(Debug)]
pub(super) struct RedisLimiter {
    fleet: Arc<Fleet>,
    local: Arc<LocalLimiter>,
    within: Duration,
    began: Instant,
    /// Until when each primary rests, in milliseconds since `began`.
    rests: Vec<AtomicU64>,
}

impl RedisLimiter {
    pub(super) fn new(fleet: Arc<Fleet>, local: Arc<LocalLimiter>, within: Duration) -> Self {
        let rests = fleet.primaries.iter().map(|_| AtomicU64::new(0)).collect();
        Self { fleet, local, within, began: Instant::now(), rests }
    }

    /// `None` where the primary does not say in time.
    async fn ask(&self, name: &str, bucket: Bucket) -> Option<Taken> {
        let index = self.fleet.ring.place(name);
        let (primary, rest) = (&self.fleet.primaries[index], &self.rests[index]);
        if self.now_ms() < rest.load(Ordering::Relaxed) {
            return None;
        }
        match take(primary, name, bucket, self.within).await {
            Ok(taken) => Some(taken),
            Err(error) => {
                tracing::debug!(%error, "limits are local for a while");
                let until = self.now_ms().saturating_add(millis(REST_FOR));
                rest.store(until, Ordering::Relaxed);
                None
            }
        }
    }

    fn now_ms(&self) -> u64 {
        millis(self.began.elapsed())
    }
}

#[async_trait]
impl Limiter for RedisLimiter {
    async fn take(&self, key: &str, bucket: Bucket) -> Taken {
        if bucket.burst == 0 {
            return TokenBucket::default().take(Duration::ZERO, bucket);
        }
        if let Some(taken) = self.ask(&format!("limit:{key}"), bucket).await {
            return taken;
        }
        self.fleet.shared.counters.local_takes.add(1);
        self.local.take_now(key, strict(bucket))
    }
}

async fn take(
    primary: &Primary,
    name: &str,
    bucket: Bucket,
    within: Duration,
) -> Result<Taken, String> {
    let mut script = scripts::TAKE.key(name);
    script.arg(format!("{:.0}", interval_us(bucket.per_second))).arg(bucket.burst);
    let wait: u64 = primary.run(&script, within).await?;
    Ok(match wait {
        0 => Taken::Granted,
        wait => Taken::Refused { retry_after: Duration::from_micros(wait) },
    })
}

/// The time that a token takes to come back, in microseconds, rounded up.
fn interval_us(per_second: f64) -> f64 {
    // Not a number compares as false.
    if per_second > 0.0 {
        (1e6 / per_second).ceil().clamp(1.0, INTERVAL_MAX_US)
    } else {
        INTERVAL_MAX_US
    }
}

/// What one gateway gives on its own; of a bucket that gives anything, one token at least.
fn strict(bucket: Bucket) -> Bucket {
    Bucket {
        per_second: bucket.per_second / f64::from(LOCAL_PART),
        burst: bucket.burst.div_ceil(LOCAL_PART),
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interval_is_rounded_so_that_no_token_is_won() {
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
    fn local_buckets_are_stricter_and_never_shut() {
        for burst in 0..100 {
            let strict = strict(Bucket { per_second: 8.0, burst });
            assert!(strict.burst <= burst && (strict.burst > 0) == (burst > 0));
            assert!(strict.per_second <= 2.0);
        }
    }
}
