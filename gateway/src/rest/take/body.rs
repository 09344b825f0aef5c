//! JSON bodies, bounded in size and time.

use std::time::Duration;

use axum::{
    body::HttpBody,
    extract::{FromRequest, Request},
    response::{IntoResponse, Response},
};
use chat_core::{error::ChatError, limits::FRAME_BYTES_MAX};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CONNECTION, CONTENT_TYPE},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::{
    error::{ApiError, WHOLE_BODY},
    protocol::fields::Shape,
};

/// How long a body may take to come.
const BODY_WITHIN: Duration = Duration::from_secs(10);

/// A JSON body of this shape.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T: Shape, S: Sync> FromRequest<S> for Body<T> {
    type Rejection = Response;

    async fn from_request(request: Request, _: &S) -> Result<Self, Response> {
        if !is_json(request.headers()) {
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            let error = ApiError::refused(status, "expected Content-Type: application/json");
            return Err(error.into_response());
        }
        let bytes = whole(request).await?;
        T::parse(&bytes).map(Self).map_err(|error| ApiError::from(error).into_response())
    }
}

/// A JSON body of this shape, or none: that is `{}`.
#[derive(Debug)]
pub struct MaybeBody<T>(pub T);

impl<T: Shape, S: Sync> FromRequest<S> for MaybeBody<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        if request.headers().contains_key(CONTENT_TYPE) {
            return Body::from_request(request, state).await.map(|Body(shape)| Self(shape));
        }
        let bytes = whole(request).await?;
        let json: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        T::parse(json).map(Self).map_err(|error| ApiError::from(error).into_response())
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let (kind, _) = value.split_once(';').unwrap_or((value, ""));
    kind.trim().eq_ignore_ascii_case("application/json")
}

async fn whole(request: Request) -> Result<bytes::Bytes, Response> {
    let body = request.into_body();
    if body.size_hint().lower() > FRAME_BYTES_MAX as u64 {
        return Err(too_large());
    }
    let limited = Limited::new(body, FRAME_BYTES_MAX);
    match tokio::time::timeout(BODY_WITHIN, limited.collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.downcast_ref::<LengthLimitError>().is_some() => Err(too_large()),
        Ok(Err(_)) => Err(last(ApiError::refused(StatusCode::BAD_REQUEST, "the body is broken"))),
        Err(_) => Err(last(StatusCode::REQUEST_TIMEOUT)),
    }
}

fn too_large() -> Response {
    last(ApiError::from(ChatError::TooLarge { field: WHOLE_BODY, max: FRAME_BYTES_MAX }))
}

/// The connection's last answer: where the next request begins is not known.
fn last(answer: impl IntoResponse) -> Response {
    let mut answer = answer.into_response();
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}
