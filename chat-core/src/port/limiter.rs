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

/// The result of taking tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// The bucket had a token at least.
    Granted {
        /// The tokens that are left, zero while the bucket is in debt.
        left: u32,
    },
    /// The bucket is empty.
    Refused {
        /// The time until the next token.
        retry_after: Duration,
    },
}

impl Taken {
    /// Returns true if the tokens were taken.
    pub const fn is_granted(self) -> bool {
        matches!(self, Self::Granted { .. })
    }
}

/// Keeps a token bucket for each key.
///
/// A limiter never fails. An implementation that loses its server continues with stricter buckets
/// of its own.
#[async_trait]
pub trait Limiter: Send + Sync + fmt::Debug {
    /// Takes this many tokens from the key's bucket, in one atomic step, if it has at least one. What
    /// it lacks becomes its debt, up to one burst: nothing more is granted before that is refilled.
    /// Taking no tokens only looks whether there is one.
    async fn take(&self, key: &str, bucket: Bucket, tokens: u32) -> Taken;

    /// Takes this many tokens even from an empty bucket: for work whose price is known afterwards.
    async fn charge(&self, key: &str, bucket: Bucket, tokens: u32);
}
