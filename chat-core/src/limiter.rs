//! The token bucket as arithmetic, without a clock and without floating point.
//!
//! This is the generic cell rate algorithm (ITU-T I.371). A bucket is stored as one point in time:
//! when it will be full again. Taking a token moves that point by the time one token takes to be
//! refilled. A bucket may be in debt, by one burst at most.

use std::time::Duration;

use crate::port::{Bucket, Taken};

/// The longest time for refilling one token. A rate of zero gets this too.
const INTERVAL_MAX: Duration = Duration::from_secs(365 * 24 * 3600);

/// A token bucket, full at first. Times are measured from one fixed moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TokenBucket {
    full_at: Duration,
}

impl TokenBucket {
    /// Takes tokens if there is at least one; the others become a debt. With one token at a time, no
    /// more are granted over any period than the burst plus those refilled in that period.
    pub fn take(&mut self, now: Duration, bucket: Bucket, tokens: u32) -> Taken {
        let interval = interval(bucket.per_second);
        let Some(rest) = bucket.burst.checked_sub(1) else {
            return Taken::Refused { retry_after: INTERVAL_MAX };
        };
        let missing = self.full_at.saturating_sub(now);
        let retry_after = missing.saturating_sub(interval.saturating_mul(rest));
        if !retry_after.is_zero() {
            return Taken::Refused { retry_after };
        }
        self.charge(now, bucket, tokens);
        Taken::Granted { left: self.left(now, bucket) }
    }

    /// Returns the whole tokens in the bucket, zero while it is in debt.
    fn left(&self, now: Duration, bucket: Bucket) -> u32 {
        let interval = interval(bucket.per_second);
        let missing = self.full_at.saturating_sub(now).as_nanos().div_ceil(interval.as_nanos());
        bucket.burst.saturating_sub(u32::try_from(missing).unwrap_or(u32::MAX))
    }

    /// Takes tokens even from an empty bucket. The debt never exceeds one burst.
    pub fn charge(&mut self, now: Duration, bucket: Bucket, tokens: u32) {
        let interval = interval(bucket.per_second);
        let full_at = self.full_at.max(now).saturating_add(interval.saturating_mul(tokens));
        let burst = interval.saturating_mul(bucket.burst);
        self.full_at = full_at.min(now.saturating_add(burst.saturating_mul(2)));
    }

    /// Returns true if the bucket equals a new one and can be forgotten.
    pub fn is_full(&self, now: Duration) -> bool {
        self.full_at <= now
    }
}

/// Returns the time for refilling one token, rounded up to whole nanoseconds.
fn interval(per_second: f64) -> Duration {
    if per_second.is_nan() || per_second <= 0.0 {
        return INTERVAL_MAX;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    let nanos = (1e9 / per_second).ceil() as u64;
    Duration::from_nanos(nanos.max(1)).min(INTERVAL_MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn granted(bucket: &mut TokenBucket, now: Duration, shape: Bucket) -> bool {
        bucket.take(now, shape, 1).is_granted()
    }

    #[test]
    fn burst_is_granted_at_once_and_then_one_by_one() {
        let shape = Bucket { per_second: 4.0, burst: 3 };
        let mut bucket = TokenBucket::default();
        assert!((0..3).all(|_| granted(&mut bucket, SECOND, shape)));
        let refused = bucket.take(SECOND, shape, 1);
        assert_eq!(refused, Taken::Refused { retry_after: SECOND / 4 });
        assert!(!granted(&mut bucket, SECOND + SECOND / 5, shape));
        assert!(granted(&mut bucket, SECOND + SECOND / 4, shape));
        assert!(!granted(&mut bucket, SECOND + SECOND / 4, shape));
        assert!(!bucket.is_full(SECOND + SECOND * 3 / 4));
        assert!(bucket.is_full(SECOND * 2));
    }

    #[test]
    fn idle_bucket_refills_to_its_burst_and_no_further() {
        let shape = Bucket { per_second: 100.0, burst: 5 };
        let mut bucket = TokenBucket::default();
        for hour in 1..4 {
            let now = Duration::from_secs(hour * 3600);
            let many = (0..50).filter(|_| granted(&mut bucket, now, shape)).count();
            assert_eq!(many, 5);
        }
    }

    #[test]
    fn bucket_is_strict_when_rate_or_burst_is_invalid() {
        for per_second in [0.0, -0.0, -1.0, f64::NAN, f64::NEG_INFINITY, 1e-300] {
            let mut bucket = TokenBucket::default();
            let shape = Bucket { per_second, burst: 2 };
            let many = (0..100).filter(|s| granted(&mut bucket, SECOND * *s, shape)).count();
            assert_eq!(many, 2, "{per_second}");
        }
        let none = TokenBucket::default().take(SECOND, Bucket { per_second: 9.0, burst: 0 }, 1);
        assert_eq!(none, Taken::Refused { retry_after: INTERVAL_MAX });
        let mut bucket = TokenBucket::default();
        let shape = Bucket { per_second: f64::INFINITY, burst: u32::MAX };
        assert!((0..100).all(|_| granted(&mut bucket, SECOND, shape)));
    }

    #[test]
    fn interval_is_rounded_so_that_no_extra_token_is_granted() {
        let shape = Bucket { per_second: 0.7e9, burst: 1 };
        let mut bucket = TokenBucket::default();
        let times = (1..=1_000).map(Duration::from_nanos);
        let many = times.filter(|now| granted(&mut bucket, *now, shape)).count();
        assert!((450..=701).contains(&many), "{many}");
    }

    #[test]
    fn expensive_work_leaves_a_debt_of_at_most_one_burst() {
        let shape = Bucket { per_second: 1.0, burst: 10 };
        let mut bucket = TokenBucket::default();
        assert_eq!(bucket.take(SECOND, shape, 0), Taken::Granted { left: 10 });
        assert_eq!(bucket.take(SECOND, shape, 15), Taken::Granted { left: 0 });
        let refused = |seconds| Taken::Refused { retry_after: SECOND * seconds };
        assert_eq!(bucket.take(SECOND, shape, 1), refused(6));
        assert_eq!(bucket.take(SECOND, shape, 0), refused(6));
        bucket.charge(SECOND, shape, 1_000);
        assert_eq!(bucket.take(SECOND, shape, 1), refused(11));
        assert_eq!(bucket.take(SECOND * 12, shape, 1), Taken::Granted { left: 0 });
        assert_eq!(bucket.take(SECOND * 15 + SECOND / 2, shape, 1), Taken::Granted { left: 2 });
    }

    proptest! {
        #[test]
        fn any_period_grants_no_more_than_burst_and_rate(
            rate in 1_u32..2_000,
            burst in 1_u32..20,
            waits in proptest::collection::vec(0_u64..20_000_000, 1..200),
        ) {
            let shape = Bucket { per_second: f64::from(rate), burst };
            let mut bucket = TokenBucket::default();
            let mut now = SECOND;
            let mut grants = Vec::new();
            for wait in waits {
                now += Duration::from_nanos(wait);
                if granted(&mut bucket, now, shape) {
                    grants.push(now);
                }
            }
            for (first, from) in grants.iter().enumerate() {
                for (last, to) in grants.iter().enumerate().skip(first) {
                    let span = to.saturating_sub(*from).as_nanos();
                    let most = u128::from(burst) + span * u128::from(rate) / 1_000_000_000;
                    prop_assert!((last - first + 1) as u128 <= most);
                }
            }
        }

        #[test]
        fn token_is_granted_at_retry_after_and_not_before(
            rate in 1_u32..2_000,
            burst in 1_u32..20,
            waits in proptest::collection::vec(0_u64..5_000_000, 1..100),
        ) {
            let shape = Bucket { per_second: f64::from(rate), burst };
            let mut bucket = TokenBucket::default();
            let mut now = SECOND;
            for wait in waits {
                now += Duration::from_nanos(wait);
                if let Taken::Refused { retry_after } = bucket.take(now, shape, 1) {
                    let just_before = (now + retry_after).saturating_sub(Duration::from_nanos(1));
                    prop_assert!(!granted(&mut bucket.clone(), just_before, shape));
                    prop_assert!(granted(&mut bucket.clone(), now + retry_after, shape));
                }
            }
        }
    }
}
