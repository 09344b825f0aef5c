//! Errors as clients get them. Only this module knows the HTTP status of an error.
//!
//! [`ErrorBody`] is the error object of every transport. Over HTTP, [`ApiError`] becomes a problem
//! document (RFC 9457) with the same five members. A wrong method or content type is a problem too,
//! with the code `invalid` and its own HTTP status.

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

/// The `retry_after_ms` of `unavailable`. Jitter of up to as much again keeps clients from retrying
/// all at the same time.
const UNAVAILABLE_WAIT: Duration = Duration::from_secs(1);
/// The `retry_after_ms` of `outcome_unknown`, before jitter.
const OUTCOME_WAIT: Duration = Duration::from_millis(500);
/// The `retry_after_ms` while the first request with an idempotency key is running, before jitter.
const RUNNING_WAIT: Duration = Duration::from_millis(500);

/// The `details.reason` of [`ChatError::Private`].
const PRIVACY: &str = "privacy";

/// The field of [`ChatError::TooLarge`] for a whole body. It becomes no `details.field`.
pub const WHOLE_BODY: &str = "body";

/// The error object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Error)]
pub struct ErrorBody {
    /// The code: one of twelve.
    #[schema(value_type = String, example = "invalid")]
    pub code: Code,
    /// A text for developers. Its wording may change.
    pub message: String,
    /// True if the same request can succeed later.
    pub retryable: bool,
    /// The minimum delay before a retry, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// What the code alone does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Box<Details>>,
}

/// Details of an error.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Details {
    /// The member at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The limit that was exceeded or reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<usize>,
    /// The `seq` of the conversation's newest entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head_seq: Option<u64>,
    /// Why the caller may not: `privacy` if another user does not allow it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
}

/// An error code, encoded as its name.
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
            retry_after_ms: retry_after(error).map(crate::protocol::millis),
            details: details(error).map(Box::new),
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
        | ChatError::Private
        | ChatError::WrongPassword(_)
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
        ChatError::Taken(name) | ChatError::KeyReused(name) | ChatError::WrongPassword(name) => {
            field(name)
        }
        ChatError::Private => Some(Details { reason: Some(PRIVACY), ..Details::default() }),
        ChatError::Full { max, .. } => Some(Details { max: Some(*max), ..Details::default() }),
        ChatError::HeadMoved { head_seq } => {
            Some(Details { head_seq: Some(Seq::get(*head_seq)), ..Details::default() })
        }
        ChatError::Invalid { field: Some(name), .. } => field(name),
        ChatError::TooLarge { field, max } => {
            let field = Some(*field).filter(|field| *field != WHOLE_BODY).map(str::to_owned);
            Some(Details { field, max: Some(*max), ..Details::default() })
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

/// Returns the duration plus up to as much again, at random.
pub(crate) fn jittered(wait: Duration) -> Duration {
    wait + wait.mul_f64(chance())
}

/// Returns a random number from 0 to 1. Not for secrets.
#[expect(clippy::cast_precision_loss, reason = "jitter needs no precision")]
pub(crate) fn chance() -> f64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0_u8) as f64 / u64::MAX as f64
}
