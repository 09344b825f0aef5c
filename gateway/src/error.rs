//! Errors as clients read them; the only place that knows HTTP status.
//!
//! [`ErrorBody`] is the one object on every transport. [`ApiError`] is that over HTTP: the same five
//! members in an RFC 9457 problem. What HTTP itself refuses (a wrong method, another content type)
//! is a problem too, with the code `invalid` and HTTP's own status.

mod problem;

use std::time::Duration;

use chat_core::{
    error::{ChatError, ErrorCode},
    model::Seq,
};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

pub(crate) use self::problem::status;
pub use self::problem::{ApiError, Problem};

/// How long to wait when the store does not answer; up to as much again is added by chance, so that
/// not everybody comes back at once.
const UNAVAILABLE_WAIT: Duration = Duration::from_secs(1);
/// How long to wait before asking for an unknown outcome.
const OUTCOME_WAIT: Duration = Duration::from_millis(500);
/// How long to wait for the first request under an idempotency key.
const RUNNING_WAIT: Duration = Duration::from_millis(500);

/// The field of [`ChatError::TooLarge`] that stands for a whole body; it names no member.
pub const WHOLE_BODY: &str = "body";

/// The error object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Error)]
pub struct ErrorBody {
    /// One of the twelve.
    #[schema(value_type = String, example = "invalid")]
    pub code: Code,
    /// For a developer.
    pub message: String,
    /// Whether the same request, unchanged, can succeed later.
    pub retryable: bool,
    /// Wait at least so long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// More about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Details>,
}

/// More about an error.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Details {
    /// The member at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Its bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<usize>,
    /// The head of the conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head_seq: Option<u64>,
}

/// A code that is written by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code(pub ErrorCode);

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.name())
    }
}

impl From<&ChatError> for ErrorBody {
    fn from(error: &ChatError) -> Self {
        Self {
            code: Code(error.code()),
            message: error.to_string(),
            retryable: error.is_retryable(),
            retry_after_ms: retry_after(error).map(crate::protocol::body::millis),
            details: details(error),
        }
    }
}

fn retry_after(error: &ChatError) -> Option<Duration> {
    match error {
        ChatError::RateLimited { retry_after } => Some(*retry_after),
        ChatError::Unavailable(_) => Some(jittered(UNAVAILABLE_WAIT)),
        ChatError::OutcomeUnknown => Some(jittered(OUTCOME_WAIT)),
        ChatError::Running => Some(jittered(RUNNING_WAIT)),
        ChatError::Unauthenticated(_)
        | ChatError::TokenExpired
        | ChatError::Forbidden(_)
        | ChatError::NotFound(_)
        | ChatError::Conflict(_)
        | ChatError::Full { .. }
        | ChatError::Taken(_)
        | ChatError::HeadMoved { .. }
        | ChatError::Invalid { .. }
        | ChatError::TooLarge { .. }
        | ChatError::KeyReused(_)
        | ChatError::Internal => None,
    }
}

fn details(error: &ChatError) -> Option<Details> {
    let field = |field: &str| Some(Details { field: Some(field.to_owned()), ..Details::default() });
    match error {
        ChatError::Taken(name) | ChatError::KeyReused(name) => field(name),
        ChatError::Full { max, .. } => Some(Details { max: Some(*max), ..Details::default() }),
        ChatError::HeadMoved { head_seq } => {
            Some(Details { head_seq: Some(Seq::get(*head_seq)), ..Details::default() })
        }
        ChatError::Invalid { field: Some(name), .. } => field(name),
        ChatError::TooLarge { field, max } => {
            let field = Some(*field).filter(|field| *field != WHOLE_BODY).map(str::to_owned);
            Some(Details { field, max: Some(*max), head_seq: None })
        }
        ChatError::Unauthenticated(_)
        | ChatError::TokenExpired
        | ChatError::Forbidden(_)
        | ChatError::NotFound(_)
        | ChatError::Conflict(_)
        | ChatError::Running
        | ChatError::Invalid { field: None, .. }
        | ChatError::RateLimited { .. }
        | ChatError::Internal
        | ChatError::Unavailable(_)
        | ChatError::OutcomeUnknown => None,
    }
}

/// This long and up to as much again.
pub(crate) fn jittered(wait: Duration) -> Duration {
    wait + wait.mul_f64(chance())
}

/// A number from 0 to 1 that differs each time; nothing secret hangs on it.
#[expect(clippy::cast_precision_loss, reason = "chance needs no precision")]
pub(crate) fn chance() -> f64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0_u8) as f64 / u64::MAX as f64
}
