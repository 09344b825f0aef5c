//! Whether users have to agree to what others start.

use std::num::NonZeroU32;

use chat_core::consent::ConsentRules;
use serde::{Deserialize, Serialize};

use super::serving::number;

/// Whether users have to agree to what others start.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Consent {
    /// True if a membership is a request until its owner takes part.
    pub requests: bool,
    /// Direct conversations that a user may have opened in the last 30 days without an answer.
    pub requests_max: NonZeroU32,
}

impl Default for Consent {
    fn default() -> Self {
        let rules = ConsentRules::default();
        let requests_max = number(u32::try_from(rules.requests_max).unwrap_or(u32::MAX));
        Self { requests: rules.requests, requests_max }
    }
}
