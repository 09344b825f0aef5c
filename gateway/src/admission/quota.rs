//! What is left in the buckets that a request took tokens from: the `RateLimit` headers of its answer
//! (draft-ietf-httpapi-ratelimit-headers).

use std::cell::RefCell;

use chat_core::port::{Bucket, Taken};
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::task_local;

task_local! {
    /// The buckets of the request that this task answers.
    static TAKEN: RefCell<Vec<Quota>>;
}

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// A bucket after tokens were taken from it.
#[derive(Debug, Clone, Copy)]
pub struct Quota {
    name: &'static str,
    bucket: Bucket,
    taken: Taken,
}

/// Runs the work of a request. Returns its output and the buckets that it took tokens from. Those of
/// detached tasks are not included.
pub async fn record<T>(work: impl Future<Output = T>) -> (T, Vec<Quota>) {
    TAKEN
        .scope(RefCell::default(), async {
            let output = work.await;
            (output, TAKEN.with(RefCell::take))
        })
        .await
}

/// Records a bucket for the request of this task, if there is one. The last value of each bucket is
/// kept.
pub(super) fn note(name: &'static str, bucket: Bucket, taken: Taken) {
    // Sockets have no request.
    TAKEN
        .try_with(|quotas| {
            let mut quotas = quotas.borrow_mut();
            quotas.retain(|quota| quota.name != name);
            quotas.push(Quota { name, bucket, taken });
        })
        .ok();
}

/// Adds `RateLimit` and `RateLimit-Policy`, unless there are no buckets.
pub fn add_headers(headers: &mut HeaderMap, quotas: &[Quota]) {
    if quotas.is_empty() {
        return;
    }
    let (limits, policies): (Vec<_>, Vec<_>) = quotas.iter().map(Quota::items).unzip();
    for (name, items) in [(RATE_LIMIT, limits), (RATE_LIMIT_POLICY, policies)] {
        headers.extend(HeaderValue::try_from(items.join(", ")).ok().map(|value| (name, value)));
    }
}

impl Quota {
    /// Returns the items of both headers.
    fn items(&self) -> (String, String) {
        let Self { name, bucket, taken } = *self;
        let (left, seconds) = match taken {
            Taken::Granted { left } => {
                (left, seconds_for(bucket.burst.saturating_sub(left), bucket))
            }
            Taken::Refused { retry_after } => (0, ceil(retry_after.as_secs_f64())),
        };
        let window = seconds_for(bucket.burst, bucket);
        let limit = format!("\"{name}\";r={left};t={seconds}");
        (limit, format!("\"{name}\";q={};w={window}", bucket.burst))
    }
}

/// Returns the seconds in which this many tokens are refilled, rounded up.
fn seconds_for(tokens: u32, bucket: Bucket) -> u64 {
    ceil(f64::from(tokens) / bucket.per_second)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
fn ceil(seconds: f64) -> u64 {
    seconds.ceil() as u64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const BUCKET: Bucket = Bucket { per_second: 20.0, burst: 100 };

    #[tokio::test]
    async fn headers_have_the_last_value_of_each_bucket() {
        let work = async {
            note("messages", BUCKET, Taken::Granted { left: 99 });
            note("messages", BUCKET, Taken::Granted { left: 50 });
            let slow = Bucket { per_second: 0.5, burst: 9 };
            note("additions", slow, Taken::Refused { retry_after: Duration::from_millis(1_001) });
            7
        };
        let (output, quotas) = record(work).await;
        assert_eq!(output, 7);
        let mut headers = HeaderMap::new();
        add_headers(&mut headers, &quotas);
        assert_eq!(headers[RATE_LIMIT], r#""messages";r=50;t=3, "additions";r=0;t=2"#);
        assert_eq!(headers[RATE_LIMIT_POLICY], r#""messages";q=100;w=5, "additions";q=9;w=18"#);
    }

    #[tokio::test]
    async fn headers_are_absent_when_nothing_was_taken() {
        note("messages", BUCKET, Taken::Granted { left: 1 });
        let ((), quotas) = record(async {}).await;
        let mut headers = HeaderMap::new();
        add_headers(&mut headers, &quotas);
        assert!(headers.is_empty());
    }
}
