//! The closed list of error codes, and the errors of commands and stores.

use std::time::Duration;

use crate::model::Seq;

/// The kind of an error, the same for every transport. On the wire it is written in snake case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// The request has no valid credentials.
    Unauthenticated,
    /// The access token has expired.
    TokenExpired,
    /// The caller is a member but lacks the right.
    Forbidden,
    /// The thing does not exist, or the caller may not know that it exists.
    NotFound,
    /// The current state does not allow the request.
    Conflict,
    /// The request is malformed.
    Invalid,
    /// The request exceeds a documented limit.
    TooLarge,
    /// An idempotency key or client id was used before with other content.
    KeyReused,
    /// The caller sends requests too often.
    RateLimited,
    /// The server has a defect.
    Internal,
    /// The request was not carried out; it may succeed later.
    Unavailable,
    /// The request may have been carried out. Retry it with the same client id.
    OutcomeUnknown,
}

impl ErrorCode {
    /// All codes, in the order of the documentation.
    pub const ALL: [Self; 12] = [
        Self::Unauthenticated,
        Self::TokenExpired,
        Self::Forbidden,
        Self::NotFound,
        Self::Conflict,
        Self::Invalid,
        Self::TooLarge,
        Self::KeyReused,
        Self::RateLimited,
        Self::Internal,
        Self::Unavailable,
        Self::OutcomeUnknown,
    ];

    /// Returns the name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::TokenExpired => "token_expired",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::Invalid => "invalid",
            Self::TooLarge => "too_large",
            Self::KeyReused => "key_reused",
            Self::RateLimited => "rate_limited",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
            Self::OutcomeUnknown => "outcome_unknown",
        }
    }

    /// Returns true if the same request may succeed later without a change.
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::RateLimited | Self::Unavailable | Self::OutcomeUnknown)
    }
}

/// The reason why a command failed. Its text is the message that the client gets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChatError {
    /// The request has no valid credentials.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// The access token has expired.
    #[error("the access token has expired")]
    TokenExpired,
    /// The caller is a member but lacks the right.
    #[error("{0}")]
    Forbidden(&'static str),
    /// The other user's privacy settings, or a block, do not allow it. Both look the same.
    #[error("the other person does not allow this")]
    Private,
    /// The password in this field is not the caller's.
    #[error("{0} is wrong")]
    WrongPassword(&'static str),
    /// The thing does not exist, or the caller may not know that it exists.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// The current state does not allow the request.
    #[error("{0}")]
    Conflict(&'static str),
    /// The first request under an idempotency key is still running.
    #[error("a request with this idempotency key is running")]
    Running,
    /// Something has reached its limit.
    #[error("{what} is full")]
    Full {
        /// The full thing.
        what: &'static str,
        /// The limit.
        max: usize,
    },
    /// Another user has the name.
    #[error("{0} is taken")]
    Taken(&'static str),
    /// The next seq is not the expected one.
    #[error("the next seq is not the expected one")]
    HeadMoved {
        /// The conversation's head.
        head_seq: Seq,
    },
    /// The request is malformed.
    #[error("{message}")]
    Invalid {
        /// The field at fault, if the error is about a field.
        field: Option<String>,
        /// What is wrong with it.
        message: String,
    },
    /// A field exceeds a documented limit.
    #[error("{field} is larger than {max}")]
    TooLarge {
        /// The field at fault.
        field: &'static str,
        /// The limit.
        max: usize,
    },
    /// An idempotency key or client id was used before with other content.
    #[error("the {0} was used before with other content")]
    KeyReused(&'static str),
    /// The caller sends requests too often.
    #[error("too many requests")]
    RateLimited {
        /// How long to wait before the next request.
        retry_after: Duration,
    },
    /// The server has a defect. Only the log has the detail.
    #[error("internal error")]
    Internal,
    /// The request was not carried out; it may succeed later.
    #[error("{0}")]
    Unavailable(&'static str),
    /// The request may have been carried out. Retry it with the same client id.
    #[error("the outcome is unknown: retry with the same client_id")]
    OutcomeUnknown,
}

impl ChatError {
    /// Makes the error for a malformed field.
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self::Invalid { field: Some(field.to_owned()), message: message.into() }
    }

    /// Returns true if the same request may succeed later without a change.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Running) || self.code().is_retryable()
    }

    /// Returns the code of this error.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Unauthenticated(_) => ErrorCode::Unauthenticated,
            Self::TokenExpired => ErrorCode::TokenExpired,
            Self::Forbidden(_) | Self::Private | Self::WrongPassword(_) => ErrorCode::Forbidden,
            Self::NotFound(_) => ErrorCode::NotFound,
            Self::Conflict(_)
            | Self::HeadMoved { .. }
            | Self::Running
            | Self::Full { .. }
            | Self::Taken(_) => ErrorCode::Conflict,
            Self::Invalid { .. } => ErrorCode::Invalid,
            Self::TooLarge { .. } => ErrorCode::TooLarge,
            Self::KeyReused(_) => ErrorCode::KeyReused,
            Self::RateLimited { .. } => ErrorCode::RateLimited,
            Self::Internal => ErrorCode::Internal,
            Self::Unavailable(_) => ErrorCode::Unavailable,
            Self::OutcomeUnknown => ErrorCode::OutcomeUnknown,
        }
    }
}

/// The reason why a store operation failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Nothing was written, and nothing will be.
    #[error("store unavailable: {0}")]
    Unavailable(String),
    /// The write may have been applied, or may be applied in a moment. [`crate::port::Log::append`]
    /// says which reads settle it.
    #[error("outcome unknown: {0}")]
    Unknown(String),
    /// The stored data is damaged or contradicts itself, and must not be used.
    #[error("store corrupt: {0}")]
    Corrupt(String),
}

/// Logs the detail of a failed store operation, and keeps it from the client.
impl From<StoreError> for ChatError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(detail) => {
                tracing::warn!(detail, "store unavailable");
                Self::Unavailable("the store is not available")
            }
            StoreError::Unknown(detail) => {
                tracing::warn!(detail, "outcome unknown");
                Self::OutcomeUnknown
            }
            StoreError::Corrupt(detail) => {
                tracing::error!(detail, "store corrupt");
                Self::Internal
            }
        }
    }
}
