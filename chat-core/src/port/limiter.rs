//! Rate limits: token buckets.

use std::{fmt, time::Duration};

use async_trait::async_trait;

/// The size and the refill rate of a token bucket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// Tokens refilled per second.
    pub per_second: f64,
    /// The largest number of tokens in the bucket.
    pub burst: u32,
}

/// The result of taking a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// The bucket had a token.
    Granted,
    /// The bucket is empty.
    Refused {
        /// The time until the next token.
        retry_after: Duration,
    },
}

/// Keeps a token bucket for each key.
///
/// A limiter never fails. An implementation that loses its server continues with stricter buckets
/// of its own.
#[async_trait]
pub trait Limiter: Send + Sync + fmt::Debug {
    /// Takes one token from the key's bucket, in one atomic step.
    async fn take(&self, key: &str, bucket: Bucket) -> Taken;
}
