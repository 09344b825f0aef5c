//! Sends files, a piece at a time, so that a download needs little memory however large the file is.

use std::{ops::Range, sync::Arc};

use axum::{body::Body, response::IntoResponse};
use bytes::Bytes;
use chat_core::{
    attachments::Attachments,
    budget::Reserved,
    error::ChatError,
    id::{AttachmentId, ChunkId, UserId},
    limits::UNREAD_RETRY_AFTER,
    model::Upload,
};
use futures_util::{Stream, stream};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{
        ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
        CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, RANGE,
    },
};
use metrics::counter;

use super::{
    disposition::disposition,
    ranges::{Wanted, wanted},
};
use crate::{app::App, error::ApiError, rest::answer::HandlerResult};

/// Bytes that are read and held at once. They count as unread as long as the download lasts.
const PIECE_BYTES: u32 = 256 << 10;
/// Allows a file that a browser opens nothing at all, whatever is in it.
const POLICY: HeaderValue = HeaderValue::from_static("sandbox; default-src 'none'");

/// Answers with the content, or with what the headers ask for.
pub(super) async fn answer(
    app: &App,
    user: UserId,
    upload: &Upload,
    headers: &HeaderMap,
) -> HandlerResult {
    let (status, answer_headers, range) = described(upload, headers)?;
    let Some(range) = range else {
        let mut answer = if status == StatusCode::RANGE_NOT_SATISFIABLE {
            ApiError::refused(status, "the range is beyond the end").into_response()
        } else {
            status.into_response()
        };
        answer.headers_mut().extend(answer_headers);
        return Ok(answer);
    };
    let mut reserved = Reserved::none(app.unread.of(user));
    if !reserved.try_add(PIECE_BYTES as usize) {
        return Err(ChatError::RateLimited { retry_after: UNREAD_RETRY_AFTER }.into());
    }
    app.limits.charge_bytes(user, range.end - range.start).await;
    let pieces = pieces(Arc::clone(&app.attachments), upload, range, reserved);
    Ok((status, answer_headers, Body::from_stream(pieces)).into_response())
}

/// Answers with the headers of the whole content only: ranges are for GET.
pub(super) fn head(upload: &Upload, headers: &HeaderMap) -> HandlerResult {
    let mut headers = headers.clone();
    headers.remove(RANGE);
    let (status, headers, _) = described(upload, &headers)?;
    Ok((status, headers, Bytes::new()).into_response())
}

/// Returns the status, the headers and the bytes of the answer. Without bytes, the answer has no body.
fn described(
    upload: &Upload,
    headers: &HeaderMap,
) -> Result<(StatusCode, HeaderMap, Option<Range<u64>>), ApiError> {
    let (sha256, _) = upload.finished().ok_or(ChatError::Internal)?;
    let tag = tag(sha256)?;
    let wanted = wanted(headers, upload.size, &tag);
    let mut answer = HeaderMap::new();
    answer.insert(ETAG, tag);
    answer.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    // Access may end, so a cached copy is checked each time.
    answer.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    answer.insert(CONTENT_SECURITY_POLICY, POLICY);
    let (status, range) = match wanted {
        Wanted::Nothing => return Ok((StatusCode::NOT_MODIFIED, answer, None)),
        Wanted::BeyondEnd => {
            answer.insert(CONTENT_RANGE, content_range(format!("bytes */{}", upload.size))?);
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, answer, None));
        }
        Wanted::Whole => (StatusCode::OK, 0..upload.size),
        Wanted::Part(range) => {
            let (first, last) = (range.start, range.end - 1);
            let value = content_range(format!("bytes {first}-{last}/{}", upload.size))?;
            answer.insert(CONTENT_RANGE, value);
            (StatusCode::PARTIAL_CONTENT, range)
        }
    };
    answer.insert(CONTENT_TYPE, HeaderValue::from_static(upload.media.name()));
    answer.insert(CONTENT_DISPOSITION, disposition(&upload.name, upload.media));
    answer.insert(CONTENT_LENGTH, (range.end - range.start).into());
    Ok((status, answer, Some(range)))
}

fn content_range(value: String) -> Result<HeaderValue, ApiError> {
    HeaderValue::try_from(value).map_err(|_| ChatError::Internal.into())
}

/// Returns the `ETag` of content with this hash.
fn tag(sha256: &[u8; 32]) -> Result<HeaderValue, ApiError> {
    let digits = sha256.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let hex: String = digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect();
    HeaderValue::try_from(format!("\"{hex}\"")).map_err(|_| ChatError::Internal.into())
}

/// Returns the bytes of this range, piece by piece. The next piece is read when the client has taken
/// the one before.
fn pieces(
    attachments: Arc<Attachments>,
    upload: &Upload,
    range: Range<u64>,
    reserved: Reserved,
) -> impl Stream<Item = Result<Bytes, ChatError>> + Send + use<> {
    let id = upload.id;
    let parts: Vec<_> = upload.parts(&range).into_iter().flat_map(split).collect();
    let reading = Reading { attachments, id, parts: parts.into_iter(), _reserved: reserved };
    stream::try_unfold(reading, Reading::next)
}

struct Reading {
    attachments: Arc<Attachments>,
    id: AttachmentId,
    parts: std::vec::IntoIter<(ChunkId, Range<u32>)>,
    _reserved: Reserved,
}

impl Reading {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, ChatError> {
        let Some((chunk, part)) = self.parts.next() else { return Ok(None) };
        let bytes = self.attachments.read(self.id, chunk, part).await?;
        counter!("confab_download_bytes_total").increment(bytes.len() as u64);
        Ok(Some((bytes, self)))
    }
}

/// Splits a part of a chunk into pieces.
fn split((chunk, part): (ChunkId, Range<u32>)) -> impl Iterator<Item = (ChunkId, Range<u32>)> {
    let starts = part.clone().step_by(PIECE_BYTES as usize);
    starts.map(move |start| (chunk, start..part.end.min(start.saturating_add(PIECE_BYTES))))
}
