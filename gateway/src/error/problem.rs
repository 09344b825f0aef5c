//! Errors over HTTP: status, headers and the problem document (RFC 9457).

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use chat_core::error::{ChatError, ErrorCode};
use http::{
    HeaderValue, StatusCode,
    header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::ErrorBody;
use crate::protocol::write_json;

/// The error of a request. [`crate::front`] turns it into a problem document with the path.
#[derive(Debug, Clone)]
pub struct ApiError {
    status: StatusCode,
    body: ErrorBody,
}

impl ApiError {
    /// Returns an error with the code `invalid` and an HTTP status of its own.
    pub fn refused(status: StatusCode, message: &str) -> Self {
        let error = ChatError::Invalid { field: None, message: message.to_owned() };
        Self { status, body: ErrorBody::from(&error) }
    }

    /// Returns the problem document for a request to this path.
    pub fn at(&self, path: &str) -> Problem {
        Problem {
            kind: format!("/docs#{}", self.code().name()),
            title: title(self.code()),
            status: self.status.as_u16(),
            detail: self.body.message.clone(),
            instance: path.to_owned(),
            body: self.body.clone(),
        }
    }

    /// Replaces the HTTP status.
    #[must_use]
    pub fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// Returns the code.
    pub const fn code(&self) -> ErrorCode {
        self.body.code.0
    }
}

impl From<ChatError> for ApiError {
    fn from(error: ChatError) -> Self {
        Self { status: status(error.code()), body: ErrorBody::from(&error) }
    }
}

/// A problem document (RFC 9457) with the members of the error object.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// A link to the explanation of the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The code in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// The message.
    pub detail: String,
    /// The path of the request.
    pub instance: String,
    /// The error object.
    #[serde(flatten)]
    pub body: ErrorBody,
}

impl Problem {
    /// Makes this the body of a response. Keeps the response's other headers.
    pub fn complete(self, response: Response) -> Response {
        let mut out = Vec::with_capacity(512);
        write_json(&mut out, &self);
        let (mut head, _) = response.into_parts();
        let headers = &mut head.headers;
        headers.remove(CONTENT_LENGTH);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if head.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        let waits = matches!(self.status, 429 | 503);
        if let Some(wait_ms) = self.body.retry_after_ms.filter(|_| waits) {
            headers.insert(RETRY_AFTER, HeaderValue::from(wait_ms.div_ceil(1_000).max(1)));
        }
        Response::from_parts(head, Body::from(out))
    }
}

impl IntoResponse for ApiError {
    /// Returns a response without a body, because the body needs the path. [`crate::front`] adds it
    /// from the error in the extensions.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Returns the HTTP status of a code.
pub(crate) const fn status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::Unauthenticated | ErrorCode::TokenExpired => StatusCode::UNAUTHORIZED,
        ErrorCode::Forbidden => StatusCode::FORBIDDEN,
        ErrorCode::NotFound => StatusCode::NOT_FOUND,
        ErrorCode::Conflict => StatusCode::CONFLICT,
        ErrorCode::Invalid => StatusCode::BAD_REQUEST,
        ErrorCode::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::KeyReused => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorCode::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        ErrorCode::Unavailable | ErrorCode::OutcomeUnknown => StatusCode::SERVICE_UNAVAILABLE,
    }
}

const fn title(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::Unauthenticated => "Not authenticated",
        ErrorCode::TokenExpired => "Access token expired",
        ErrorCode::Forbidden => "Not allowed",
        ErrorCode::NotFound => "Not found",
        ErrorCode::Conflict => "Conflict with the present state",
        ErrorCode::Invalid => "Not valid",
        ErrorCode::TooLarge => "Too large",
        ErrorCode::KeyReused => "Key reused with other content",
        ErrorCode::RateLimited => "Too many requests",
        ErrorCode::Internal => "Internal error",
        ErrorCode::Unavailable => "Not available now",
        ErrorCode::OutcomeUnknown => "Outcome unknown",
    }
}
