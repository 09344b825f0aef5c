//! The explanations of all error codes. The `type` of a problem links to them.

use chat_core::error::ErrorCode;

use crate::error::status;

/// Returns the causes of a code and what to do about it, as in `docs/protocol.md`.
const fn explained(code: ErrorCode) -> (&'static str, &'static str) {
    match code {
        ErrorCode::Unauthenticated => (
            "No token, a token that is not valid, a login that has ended, wrong user name or \
             password, a refresh token that is unknown, expired or used.",
            "Refresh once; where that gives unauthenticated too, log in again.",
        ),
        ErrorCode::TokenExpired => (
            "The access token was valid and is too old.",
            "Refresh, then repeat with the new token.",
        ),
        ErrorCode::Forbidden => (
            "You may see the thing but not do this; also an Origin that is not allowed.",
            "Do not offer it.",
        ),
        ErrorCode::NotFound => (
            "It is not there, or you may not know of it; also an unknown path.",
            "Drop it from the client's lists.",
        ),
        ErrorCode::Conflict => (
            "The present state does not allow it: a name is taken, expected_seq is not head + 1, \
             the target is redacted, the last owner would go, a limit is reached, or the first \
             call with this Idempotency-Key still runs.",
            "Read the state again and decide anew; with retryable, repeat.",
        ),
        ErrorCode::Invalid => (
            "Not the shape or range that the protocol gives; details.field names the member. \
             HTTP's own refusals carry this code with their own status: 405, 415, 426.",
            "Correct the client.",
        ),
        ErrorCode::TooLarge => (
            "A text, a title, a list or a whole body is over its limit: details.max.",
            "Shorten or split.",
        ),
        ErrorCode::KeyReused => (
            "This client_id or Idempotency-Key was used with other content.",
            "A fault of the client: make a new one for each new command.",
        ),
        ErrorCode::RateLimited => (
            "Too many commands of this login, in this conversation, or log-ins from this \
             address; nothing was done.",
            "Repeat after retry_after_ms.",
        ),
        ErrorCode::Internal => (
            "A fault of the server; whether the command took effect is not known.",
            "Report it; a repeat by hand with the same client_id is safe.",
        ),
        ErrorCode::Unavailable => (
            "The store cannot be reached or the server has too much to do; nothing was done.",
            "Repeat after retry_after_ms.",
        ),
        ErrorCode::OutcomeUnknown => (
            "The store did not say in time whether the entry is in the log.",
            "Repeat with the same client_id (and base_seq) until there is another answer; never \
             with a new one.",
        ),
    }
}

/// Returns the rows of the table of errors. All texts are constants, so nothing is escaped.
pub(super) fn table() -> String {
    ErrorCode::ALL.into_iter().map(row).collect()
}

fn row(code: ErrorCode) -> String {
    let (cause, cure) = explained(code);
    let (name, status) = (code.name(), status(code).as_u16());
    let retryable = if code.is_retryable() { "yes" } else { "no" };
    format!(
        "<tr id=\"{name}\"><td><a href=\"#{name}\"><code>{name}</code></a></td><td>{status}</td>\
         <td>{cause}</td><td>{cure}</td><td>{retryable}</td></tr>\n"
    )
}
