//! The headers of tus 1.0 (<https://tus.io/protocols/resumable-upload>).

use axum::{
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use chat_core::{attachments::NewFile, error::ChatError, id::ConversationId, model::Upload};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, request::Parts};

use crate::error::ApiError;

const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const VERSIONS: HeaderName = HeaderName::from_static("tus-version");
const EXTENSIONS: HeaderName = HeaderName::from_static("tus-extension");
const MAX_SIZE: HeaderName = HeaderName::from_static("tus-max-size");
const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const LENGTH: HeaderName = HeaderName::from_static("upload-length");
const DEFER_LENGTH: HeaderName = HeaderName::from_static("upload-defer-length");
const METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const EXPIRES: HeaderName = HeaderName::from_static("upload-expires");

const VERSION: HeaderValue = HeaderValue::from_static("1.0.0");
/// The extensions of tus that the server has.
const HAS: HeaderValue =
    HeaderValue::from_static("creation,creation-with-upload,termination,expiration");

/// The headers of an upload. `Tus-Resumable` may be missing, for clients that only send whole files.
#[derive(Debug)]
pub struct Tus(HeaderMap);

impl<S: Sync> FromRequestParts<S> for Tus {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        if parts.headers.get(RESUMABLE).is_none_or(|version| version == VERSION) {
            return Ok(Self(parts.headers.clone()));
        }
        let refusal =
            ApiError::refused(StatusCode::PRECONDITION_FAILED, "expected Tus-Resumable: 1.0.0");
        let mut response = refusal.into_response();
        response.headers_mut().insert(VERSIONS, VERSION);
        Err(response)
    }
}

impl Tus {
    /// Returns true if the client speaks tus.
    pub(super) fn is_used(&self) -> bool {
        self.0.contains_key(RESUMABLE)
    }

    /// Returns the offset at which the client continues.
    pub(super) fn offset(&self) -> Result<u64, ChatError> {
        self.number(&OFFSET, "Upload-Offset")?
            .ok_or_else(|| ChatError::invalid("Upload-Offset", "required"))
    }

    /// Returns the file that an upload begins with. Without `Upload-Length`, its size is that of the
    /// body.
    pub(super) fn new_file(&self, body_bytes: Option<u64>) -> Result<NewFile, ChatError> {
        let mut name = String::new();
        let mut conversation = None;
        for (key, value) in self.metadata()? {
            match key {
                "filename" => name = value,
                "conversation" => conversation = value.parse::<ConversationId>().ok(),
                // Clients send their own keys too. The type is found in the content.
                _ => {}
            }
        }
        let conversation = conversation.ok_or_else(|| {
            ChatError::invalid("Upload-Metadata", "expected conversation: the id of one, in base64")
        })?;
        let length = self.number(&LENGTH, "Upload-Length")?;
        let size = length.or_else(|| body_bytes.filter(|_| !self.0.contains_key(DEFER_LENGTH)));
        let size = size.ok_or_else(|| ChatError::invalid("Upload-Length", "required"))?;
        Ok(NewFile { conversation, name, size })
    }

    /// Returns the keys and values of `Upload-Metadata`.
    fn metadata(&self) -> Result<Vec<(&str, String)>, ChatError> {
        let invalid =
            || ChatError::invalid("Upload-Metadata", "expected keys and values in base64");
        let Some(header) = self.0.get(METADATA) else { return Ok(Vec::new()) };
        let header = header.to_str().map_err(|_| invalid())?;
        let pairs = header.split(',').map(|pair| {
            let (key, encoded) = pair.trim().split_once(' ').unwrap_or((pair.trim(), ""));
            let bytes = STANDARD.decode(encoded.trim()).map_err(|_| invalid())?;
            Ok((key, String::from_utf8(bytes).map_err(|_| invalid())?))
        });
        pairs.collect()
    }

    fn number(&self, name: &HeaderName, shown: &str) -> Result<Option<u64>, ChatError> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        let digits = value.to_str().ok().filter(|text| {
            (1..=19).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
        });
        let number = digits.and_then(|digits| digits.parse().ok());
        number.map(Some).ok_or_else(|| ChatError::invalid(shown, "expected a number of bytes"))
    }
}

/// Returns the header that every answer to an upload has.
pub(super) fn version() -> HeaderMap {
    HeaderMap::from_iter([(RESUMABLE, VERSION)])
}

/// Returns the answer to `OPTIONS`.
pub(super) fn capabilities(file_bytes_max: u64) -> Response {
    let mut headers = version();
    headers.insert(VERSIONS, VERSION);
    headers.insert(EXTENSIONS, HAS);
    headers.insert(MAX_SIZE, file_bytes_max.into());
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// Returns the headers that say how far an upload is, and when it ends if nobody completes it.
pub(super) fn progress(upload: &Upload) -> HeaderMap {
    let mut headers = version();
    headers.insert(OFFSET, upload.offset().into());
    if upload.finished().is_none()
        && let Some(at) = upload.due_at
        && let Ok(expires) = HeaderValue::try_from(http_date(at))
    {
        headers.insert(EXPIRES, expires);
    }
    headers
}

/// Returns what the client announced about an upload.
pub(super) fn announced(upload: &Upload) -> HeaderMap {
    let conversation = STANDARD.encode(upload.conversation.to_string());
    let name = STANDARD.encode(upload.name.as_bytes());
    let mut headers = HeaderMap::new();
    headers.insert(LENGTH, upload.size.into());
    let metadata = format!("filename {name},conversation {conversation}");
    if let Ok(metadata) = HeaderValue::try_from(metadata) {
        headers.insert(METADATA, metadata);
    }
    headers
}

/// Returns a time in the form of HTTP's dates.
fn http_date(at: chat_core::time::Timestamp) -> String {
    let millis = u64::try_from(at.as_millis()).unwrap_or(0);
    httpdate::fmt_http_date(std::time::UNIX_EPOCH + std::time::Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tus(headers: &[(&'static str, &str)]) -> Tus {
        let headers = headers.iter().map(|(name, value)| {
            (HeaderName::from_static(name), HeaderValue::try_from(*value).unwrap())
        });
        Tus(headers.collect())
    }

    fn field<T: std::fmt::Debug>(result: Result<T, ChatError>) -> String {
        let ChatError::Invalid { field, .. } = result.unwrap_err() else { panic!("another error") };
        field.unwrap_or_default()
    }

    #[test]
    fn new_file_is_read_from_the_metadata() {
        let metadata = "filename aMOpLnBuZw==,filetype aW1hZ2UvcG5n,is_private,conversation NQ==";
        let headers = tus(&[("upload-metadata", metadata), ("upload-length", "12")]);
        let conversation = ConversationId::new(5).unwrap();
        let file = NewFile { conversation, name: "hé.png".to_owned(), size: 12 };
        assert_eq!(headers.new_file(Some(3)).unwrap(), file);
        let whole = tus(&[("upload-metadata", "conversation NQ==")]);
        assert_eq!(whole.new_file(Some(3)).unwrap().size, 3);
    }

    #[test]
    fn malformed_headers_are_refused_by_name() {
        for metadata in ["", "conversation", "conversation !", "filename /w==,conversation NQ=="] {
            let headers = tus(&[("upload-metadata", metadata), ("upload-length", "1")]);
            assert_eq!(field(headers.new_file(None)), "Upload-Metadata", "{metadata}");
        }
        for length in ["", "-1", "+1", "1.5", "99999999999999999999"] {
            let headers =
                tus(&[("upload-metadata", "conversation NQ=="), ("upload-length", length)]);
            assert_eq!(field(headers.new_file(Some(1))), "Upload-Length", "{length}");
        }
        let deferred = [("upload-metadata", "conversation NQ=="), ("upload-defer-length", "1")];
        assert_eq!(field(tus(&deferred).new_file(Some(0))), "Upload-Length");
        assert_eq!(field(tus(&[]).offset()), "Upload-Offset");
    }
}
