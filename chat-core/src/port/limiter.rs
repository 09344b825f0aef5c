//! Token buckets.

use std::{fmt, time::Duration};

use async_trait::async_trait;

/// A bucket: `burst` tokens at the most, refilled evenly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// Tokens that come back in a second.
    pub per_second: f64,
    /// Tokens at the most.
    pub burst: u32,
}

/// What taking a token gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// A token.
    Granted,
    /// None is left.
    Refused {
        /// When the next one is there.
        retry_after: Duration,
    },
}

/// Token buckets by key. An implementation that loses its server goes on with a strict bucket of
/// its own: a limiter never fails.
#[async_trait]
pub trait Limiter: Send + Sync + fmt::Debug {
    /// Takes one token from the key's bucket, in one atomic step.
    async fn take(&self, key: &str, bucket: Bucket) -> Taken;
}
