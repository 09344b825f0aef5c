//! Reads the body of an upload, a chunk at a time, within bounds of memory and time.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, HttpBody},
    extract::{FromRequest, Request},
};
use bytes::{Bytes, BytesMut};
use chat_core::{
    attachments::Attachments, error::ChatError, limits::CHUNK_BYTES_MAX, model::Upload,
};
use http::{StatusCode, header::CONTENT_TYPE};
use http_body_util::BodyExt;
use metrics::counter;
use tokio::time::{Instant, timeout_at};

use crate::{
    error::{ApiError, WHOLE_BODY},
    rest::extract::BodyRejection,
};

/// The content type of bytes of an upload.
const CONTENT: &str = "application/offset+octet-stream";
/// The time that a chunk may take to arrive.
const CHUNK_WITHIN: Duration = Duration::from_secs(60);
/// The smallest part of a chunk that is kept if the rest does not arrive.
const KEPT_BYTES_MIN: usize = 64 << 10;

/// The body of an upload, not read yet.
#[derive(Debug)]
pub struct UploadBody(Body);

impl<S: Sync> FromRequest<S> for UploadBody {
    type Rejection = BodyRejection;

    async fn from_request(request: Request, _: &S) -> Result<Self, BodyRejection> {
        let is_content = request.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == CONTENT);
        let body = request.into_body();
        if is_content || body.is_end_stream() {
            return Ok(Self(body));
        }
        let why = "expected Content-Type: application/offset+octet-stream";
        Err(BodyRejection::Unread(ApiError::refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, why)))
    }
}

/// The next part of a body.
enum Part {
    /// A whole chunk; more may follow.
    Chunk(Bytes),
    /// The last bytes.
    Last(Bytes),
    /// The bytes before the body broke off or became too slow.
    Broken(Bytes, BodyRejection),
}

/// Returns the bytes that are kept of a body that ends too early.
fn broken(buffer: &mut BytesMut, why: BodyRejection) -> Part {
    let is_kept = buffer.len() >= KEPT_BYTES_MIN;
    Part::Broken(if is_kept { buffer.split().freeze() } else { Bytes::new() }, why)
}

/// Fails unless a body continues the upload at this offset.
pub(super) fn check_continues(upload: &Upload, offset: u64) -> Result<(), BodyRejection> {
    if offset == upload.offset() {
        return Ok(());
    }
    let moved = ChatError::Conflict("the server has another number of bytes");
    Err(BodyRejection::Unread(moved.into()))
}

impl UploadBody {
    /// Returns how many bytes the client has declared, if there are any.
    pub(super) fn declared_bytes(&self) -> Option<u64> {
        self.0.size_hint().exact().filter(|bytes| *bytes > 0)
    }

    /// Stores all bytes of the body. What was stored before a failure stays.
    pub(super) async fn receive(
        mut self,
        attachments: &Arc<Attachments>,
        mut upload: Upload,
    ) -> Result<Upload, BodyRejection> {
        let rest = upload.size - upload.offset();
        if self.0.size_hint().lower() > rest {
            let max = usize::try_from(rest).unwrap_or(usize::MAX);
            let too_large = ChatError::TooLarge { field: WHOLE_BODY, max };
            return Err(BodyRejection::Unread(too_large.into()));
        }
        let mut buffer = BytesMut::new();
        loop {
            let (bytes, end) = match self.next_part(&mut buffer).await {
                Part::Chunk(bytes) => (bytes, None),
                Part::Last(bytes) => (bytes, Some(Ok(()))),
                Part::Broken(bytes, why) => (bytes, Some(Err(why))),
            };
            if !bytes.is_empty() {
                counter!("confab_upload_bytes_total").increment(bytes.len() as u64);
                let stored = attachments.receive(&upload, bytes).await;
                upload = stored.map_err(|error| BodyRejection::Unread(error.into()))?;
            }
            match end {
                None => {}
                Some(Ok(())) => return Ok(upload),
                Some(Err(why)) => return Err(why),
            }
        }
    }

    /// Reads until a chunk is full or the body ends. Leaves what does not fit in `buffer`.
    async fn next_part(&mut self, buffer: &mut BytesMut) -> Part {
        let until = Instant::now() + CHUNK_WITHIN;
        while buffer.len() < CHUNK_BYTES_MAX {
            match timeout_at(until, self.0.frame()).await {
                Ok(Some(Ok(frame))) => {
                    buffer.extend_from_slice(&frame.into_data().unwrap_or_default());
                }
                Ok(None) => return Part::Last(buffer.split().freeze()),
                Ok(Some(Err(_))) => {
                    let why = ApiError::refused(StatusCode::BAD_REQUEST, "the body is broken");
                    return broken(buffer, BodyRejection::Unread(why));
                }
                Err(_) => return broken(buffer, BodyRejection::TimedOut),
            }
        }
        Part::Chunk(buffer.split_to(CHUNK_BYTES_MAX).freeze())
    }
}
