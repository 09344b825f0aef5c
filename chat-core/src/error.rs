//! The closed list of errors: what a client is told, and what a port can answer.

use std::time::Duration;

use crate::model::Seq;

/// What went wrong, for every transport; the wire spells it in snake case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// No valid credentials.
    Unauthenticated,
    /// The access token has run out.
    TokenExpired,
    /// A member without the right.
    Forbidden,
    /// Not there, or not for the asker to know of.
    NotFound,
    /// The state does not allow it.
    Conflict,
    /// Not understood.
    Invalid,
    /// More than the documented bound.
    TooLarge,
    /// The same key or client id with other content.
    KeyReused,
    /// Too often.
    RateLimited,
    /// A defect of the server.
    Internal,
    /// Surely not done; later it may be.
    Unavailable,
    /// May be done: retry with the same client id.
    OutcomeUnknown,
}

impl ErrorCode {
    /// All of them, in the order of the documentation.
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

    /// The name on the wire.
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

    /// Whether the same request may succeed later without a change.
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::RateLimited | Self::Unavailable | Self::OutcomeUnknown)
    }
}

/// Why a command was not done; its text is the message that the client reads.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChatError {
    /// No valid credentials.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// The access token has run out.
    #[error("the access token has expired")]
    TokenExpired,
    /// A member without the right.
    #[error("{0}")]
    Forbidden(&'static str),
    /// Not there, or not for the asker to know of.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// The state does not allow it.
    #[error("{0}")]
    Conflict(&'static str),
    /// The first request under an idempotency key is still running.
    #[error("a request with this idempotency key is running")]
    Running,
    /// The bound of a growing thing is reached.
    #[error("{what} is full")]
    Full {
        /// What is full.
        what: &'static str,
        /// Its bound.
        max: usize,
    },
    /// The name is somebody else's.
    #[error("{0} is taken")]
    Taken(&'static str),
    /// `expected_seq` is not the next one.
    #[error("the next seq is not the expected one")]
    HeadMoved {
        /// The head that the conversation has.
        head_seq: Seq,
    },
    /// Not understood.
    #[error("{message}")]
    Invalid {
        /// The field at fault, if one is.
        field: Option<String>,
        /// What is wrong with it.
        message: String,
    },
    /// More than the documented bound.
    #[error("{field} is larger than {max}")]
    TooLarge {
        /// The field at fault.
        field: &'static str,
        /// Its bound.
        max: usize,
    },
    /// The same key or client id with other content.
    #[error("the {0} was used before with other content")]
    KeyReused(&'static str),
    /// Too often.
    #[error("too many requests")]
    RateLimited {
        /// When to come again.
        retry_after: Duration,
    },
    /// A defect of the server; its detail is in the log only.
    #[error("internal error")]
    Internal,
    /// Surely not done; later it may be.
    #[error("{0}")]
    Unavailable(&'static str),
    /// May be done: retry with the same client id.
    #[error("the outcome is unknown: retry with the same client_id")]
    OutcomeUnknown,
}

impl ChatError {
    /// A field that is not understood.
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self::Invalid { field: Some(field.to_owned()), message: message.into() }
    }

    /// Whether the same request may succeed later without a change.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Running) || self.code().is_retryable()
    }

    /// The one bridge from meaning to the closed list.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Unauthenticated(_) => ErrorCode::Unauthenticated,
            Self::TokenExpired => ErrorCode::TokenExpired,
            Self::Forbidden(_) => ErrorCode::Forbidden,
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

/// Why a store did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Surely not done.
    #[error("store unavailable: {0}")]
    Unavailable(String),
    /// May be done, now or (never after a later read has answered) in a moment.
    #[error("outcome unknown: {0}")]
    Unknown(String),
    /// What is stored breaks a promise: nothing may be built on it.
    #[error("store corrupt: {0}")]
    Corrupt(String),
}

/// A read or a plain write that failed is simply not available; only an append's fate matters.
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
