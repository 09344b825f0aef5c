//! Sends files, a piece at a time, so that a download needs little memory however large the file is.

use std::{ops::Range, slice, sync::Arc};

use axum::{body::Body, response::IntoResponse};
use bytes::Bytes;
use chat_core::{
    attachments::Attachments,
    budget::Reserved,
    error::ChatError,
    id::{AttachmentId, ChunkId, UserId},
    limits::UNREAD_RETRY_AFTER,
    model::{Chunk, MediaType, Upload},
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

/// What is sent: the content of a file, or a smaller form of it.
#[derive(Debug)]
pub(super) struct Download<'a> {
    file: AttachmentId,
    name: &'a str,
    media: MediaType,
    chunks: &'a [Chunk],
    tag: HeaderValue,
}

impl<'a> Download<'a> {
    /// Sends the content of a complete file.
    pub(super) fn of(upload: &'a Upload) -> Result<Self, ChatError> {
        let (sha256, _) = upload.finished().ok_or(ChatError::Internal)?;
        let Upload { id, name, media, chunks, .. } = upload;
        Ok(Self { file: *id, name, media: *media, chunks, tag: tag(sha256, "")? })
    }

    /// Sends an image that fills a place with a side of this many pixels.
    pub(super) fn of_thumbnail(upload: &'a Upload, side: u32) -> Result<Self, ChatError> {
        let whole = Self::of(upload)?;
        if !upload.media.is_image() {
            return Err(ChatError::NotFound("thumbnail"));
        }
        let Some(thumbnail) = upload.thumbnail(side) else { return Ok(whole) };
        let (sha256, _) = upload.finished().ok_or(ChatError::Internal)?;
        Ok(Self {
            media: thumbnail.media,
            chunks: slice::from_ref(&thumbnail.chunk),
            tag: tag(sha256, &format!("-{}", thumbnail.side))?,
            ..whole
        })
    }

    fn bytes(&self) -> u64 {
        self.chunks.iter().map(|chunk| u64::from(chunk.bytes)).sum()
    }
}

/// Answers with the content, or with what the headers ask for.
pub(super) async fn answer(
    app: &App,
    user: UserId,
    download: &Download<'_>,
    headers: &HeaderMap,
) -> HandlerResult {
    let (status, answer_headers, range) = described(download, headers)?;
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
    let pieces = pieces(Arc::clone(&app.attachments), download, range, reserved);
    Ok((status, answer_headers, Body::from_stream(pieces)).into_response())
}

/// Answers with the headers of the whole content only: ranges are for GET.
pub(super) fn head(download: &Download<'_>, headers: &HeaderMap) -> HandlerResult {
    let mut headers = headers.clone();
    headers.remove(RANGE);
    let (status, headers, _) = described(download, &headers)?;
    Ok((status, headers, Bytes::new()).into_response())
}

/// Returns the status, the headers and the bytes of the answer. Without bytes, the answer has no body.
fn described(
    download: &Download<'_>,
    headers: &HeaderMap,
) -> Result<(StatusCode, HeaderMap, Option<Range<u64>>), ApiError> {
    let size = download.bytes();
    let wanted = wanted(headers, size, &download.tag);
    let mut answer = HeaderMap::new();
    answer.insert(ETAG, download.tag.clone());
    answer.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    // Access may end, so a cached copy is checked each time.
    answer.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    answer.insert(CONTENT_SECURITY_POLICY, POLICY);
    let (status, range) = match wanted {
        Wanted::Nothing => return Ok((StatusCode::NOT_MODIFIED, answer, None)),
        Wanted::BeyondEnd => {
            answer.insert(CONTENT_RANGE, content_range(format!("bytes */{size}"))?);
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, answer, None));
        }
        Wanted::Whole => (StatusCode::OK, 0..size),
        Wanted::Part(range) => {
            let (first, last) = (range.start, range.end - 1);
            let value = content_range(format!("bytes {first}-{last}/{size}"))?;
            answer.insert(CONTENT_RANGE, value);
            (StatusCode::PARTIAL_CONTENT, range)
        }
    };
    answer.insert(CONTENT_TYPE, HeaderValue::from_static(download.media.name()));
    answer.insert(CONTENT_DISPOSITION, disposition(download.name, download.media));
    answer.insert(CONTENT_LENGTH, (range.end - range.start).into());
    Ok((status, answer, Some(range)))
}

fn content_range(value: String) -> Result<HeaderValue, ApiError> {
    HeaderValue::try_from(value).map_err(|_| ChatError::Internal.into())
}

/// Returns the `ETag` of a form of content with this hash.
fn tag(sha256: &[u8; 32], form: &str) -> Result<HeaderValue, ChatError> {
    let digits = sha256.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let hex: String = digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect();
    HeaderValue::try_from(format!("\"{hex}{form}\"")).map_err(|_| ChatError::Internal)
}

/// Returns the bytes of this range, piece by piece. The next piece is read when the client has taken
/// the one before.
fn pieces(
    attachments: Arc<Attachments>,
    download: &Download<'_>,
    range: Range<u64>,
    reserved: Reserved,
) -> impl Stream<Item = Result<Bytes, ChatError>> + Send + use<> {
    let parts = Chunk::parts(download.chunks, &range);
    let parts: Vec<_> = parts.into_iter().flat_map(split).collect();
    let file = download.file;
    let reading = Reading { attachments, file, parts: parts.into_iter(), _reserved: reserved };
    stream::try_unfold(reading, Reading::next)
}

struct Reading {
    attachments: Arc<Attachments>,
    file: AttachmentId,
    parts: std::vec::IntoIter<(ChunkId, Range<u32>)>,
    _reserved: Reserved,
}

impl Reading {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, ChatError> {
        let Some((chunk, part)) = self.parts.next() else { return Ok(None) };
        let bytes = self.attachments.read(self.file, chunk, part).await?;
        counter!("confab_download_bytes_total").increment(bytes.len() as u64);
        Ok(Some((bytes, self)))
    }
}

/// Splits a part of a chunk into pieces.
fn split((chunk, part): (ChunkId, Range<u32>)) -> impl Iterator<Item = (ChunkId, Range<u32>)> {
    let starts = part.clone().step_by(PIECE_BYTES as usize);
    starts.map(move |start| (chunk, start..part.end.min(start.saturating_add(PIECE_BYTES))))
}
