//! JSON bodies, bounded in size and time.

use std::time::Duration;

use axum::{
    body::HttpBody,
    extract::{FromRequest, Request},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use chat_core::{error::ChatError, limits::FRAME_BYTES_MAX};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CONNECTION, CONTENT_TYPE},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use crate::{
    error::{ApiError, WHOLE_BODY},
    protocol::read::from_json,
};

/// The time that a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// A JSON body of this type.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Body<T> {
    type Rejection = BodyRejection;

    async fn from_request(request: Request, _: &S) -> Result<Self, BodyRejection> {
        require_json(request.headers())?;
        Ok(Self(from_json(&read(request).await?)?))
    }
}

/// A JSON body of this type. An empty body or `null` is the default, whatever the content type of an
/// empty one says.
#[derive(Debug)]
pub struct OptionalBody<T>(pub T);

impl<T: DeserializeOwned + Default, S: Sync> FromRequest<S> for OptionalBody<T> {
    type Rejection = BodyRejection;

    async fn from_request(request: Request, _: &S) -> Result<Self, BodyRejection> {
        if request.headers().contains_key(CONTENT_TYPE) {
            require_json(request.headers())?;
        }
        let bytes = read(request).await?;
        let is_absent = matches!(bytes.trim_ascii(), b"" | b"null");
        Ok(Self(if is_absent { T::default() } else { from_json(&bytes)? }))
    }
}

fn require_json(headers: &HeaderMap) -> Result<(), ApiError> {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let (kind, _) = value.split_once(';').unwrap_or((value, ""));
    if kind.trim().eq_ignore_ascii_case("application/json") {
        Ok(())
    } else {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        Err(ApiError::refused(status, "expected Content-Type: application/json"))
    }
}

/// Reads the whole body. Refuses a declared size over the limit before reading anything.
async fn read(request: Request) -> Result<Bytes, BodyRejection> {
    let too_large = || ChatError::TooLarge { field: WHOLE_BODY, max: FRAME_BYTES_MAX };
    let body = request.into_body();
    if body.size_hint().lower() > FRAME_BYTES_MAX as u64 {
        return Err(BodyRejection::Unread(too_large().into()));
    }
    let limited = Limited::new(body, FRAME_BYTES_MAX);
    match tokio::time::timeout(BODY_TIMEOUT, limited.collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) => Err(BodyRejection::Unread(if error.is::<LengthLimitError>() {
            too_large().into()
        } else {
            ApiError::refused(StatusCode::BAD_REQUEST, "the body is broken")
        })),
        Err(_) => Err(BodyRejection::TimedOut),
    }
}

/// Why a body is refused.
#[derive(Debug)]
pub enum BodyRejection {
    /// The content type or the content is wrong. The connection stays open.
    Content(ApiError),
    /// The body was not read completely. The next request cannot be found, so the connection closes.
    Unread(ApiError),
    /// The body did not arrive in time. The answer has no body, and the connection closes.
    TimedOut,
}

impl From<ApiError> for BodyRejection {
    fn from(error: ApiError) -> Self {
        Self::Content(error)
    }
}

impl From<ChatError> for BodyRejection {
    fn from(error: ChatError) -> Self {
        Self::Content(error.into())
    }
}

impl IntoResponse for BodyRejection {
    fn into_response(self) -> Response {
        let mut response = match self {
            Self::Content(error) => return error.into_response(),
            Self::Unread(error) => error.into_response(),
            Self::TimedOut => StatusCode::REQUEST_TIMEOUT.into_response(),
        };
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        response
    }
}
