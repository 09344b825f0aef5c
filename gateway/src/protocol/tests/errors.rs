//! Problems are encoded as in the examples, except for the wording and for random waits.

use std::time::Duration;

use chat_core::error::ChatError;
use serde_json::Value;

use super::{compact, example, json, samples::seq};
use crate::error::{ApiError, ErrorBody};

pub(super) const NAMES: &[&str] = &[
    "conflict",
    "forbidden",
    "internal",
    "invalid",
    "key_reused",
    "not_found",
    "outcome_unknown",
    "rate_limited",
    "token_expired",
    "too_large",
    "unauthenticated",
    "unavailable",
];

fn errors() -> [ChatError; 12] {
    [
        ChatError::HeadMoved { head_seq: seq(13) },
        ChatError::Forbidden("only the sender edits a message"),
        ChatError::Internal,
        ChatError::invalid("subject", "unknown field"),
        ChatError::KeyReused("client_id"),
        ChatError::NotFound("conversation"),
        ChatError::OutcomeUnknown,
        ChatError::RateLimited { retry_after: Duration::from_millis(850) },
        ChatError::TokenExpired,
        ChatError::TooLarge { field: "text", max: 16_384 },
        ChatError::Unauthenticated("wrong username or password"),
        ChatError::Unavailable("the store cannot be reached"),
    ]
}

#[test]
fn problem_of_every_code_matches_its_example() {
    for (error, name) in errors().into_iter().zip(NAMES) {
        assert_eq!(error.code().name(), *name);
        let name = format!("error-{name}");
        let shown: Value = serde_json::from_str(&example(&name)).unwrap();
        let (message, wait) = (shown["message"].as_str().unwrap(), &shown["retry_after_ms"]);
        let mut problem = ApiError::from(error).at(shown["instance"].as_str().unwrap());
        message.clone_into(&mut problem.detail);
        message.clone_into(&mut problem.body.message);
        assert_eq!(problem.body.retry_after_ms.is_some(), wait.is_number(), "{name}");
        problem.body.retry_after_ms = wait.as_u64();
        assert_eq!(json(&problem), compact(&name), "{name}");
    }
}

#[test]
fn problem_names_no_field_when_the_whole_body_is_too_large() {
    let error = ChatError::TooLarge { field: crate::error::WHOLE_BODY, max: 65_536 };
    let problem = ApiError::from(error).at("/v1/users");
    let details = problem.body.details.unwrap();
    assert_eq!((details.field, details.max), (None, Some(65_536)));
}

#[test]
fn time_to_wait_is_rounded_up() {
    for (nanos, millis) in [(1, 1), (1_000_000, 1), (1_000_001, 2)] {
        let error = ChatError::RateLimited { retry_after: Duration::from_nanos(nanos) };
        assert_eq!(ErrorBody::from(&error).retry_after_ms, Some(millis));
    }
}
