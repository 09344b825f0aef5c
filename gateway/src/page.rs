//! The web client, embedded in the binary from `web-client/dist` at build time.

use std::borrow::Cow;

use axum::{
    Router,
    extract::Request,
    response::{IntoResponse, Response},
    routing::get,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH},
};
use rust_embed::RustEmbed;

use crate::rest;

/// The files that `npm run build` in `web-client` writes.
#[derive(RustEmbed)]
#[folder = "../web-client/dist"]
struct Files;

/// Folder of files whose names contain their hash, so that their content never changes.
const HASHED: &str = "assets/";
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
const REVALIDATE: &str = "no-cache";
/// Bytes of a file's hash in its entity tag.
const TAG_BYTES: usize = 16;

/// Returns the routes of `/` and of every file of the web client.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/", get(index)).fallback(file)
}

async fn index(headers: HeaderMap) -> Response {
    serve_file("index.html", &headers)
}

async fn file(request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return rest::unknown().into_response();
    }
    serve_file(request.uri().path().trim_start_matches('/'), request.headers())
}

fn serve_file(path: &str, headers: &HeaderMap) -> Response {
    let Some(file) = Files::get(path) else { return rest::unknown().into_response() };
    let hash = file.metadata.sha256_hash();
    let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&hash[..TAG_BYTES]));
    let cached = headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let is_cached = cached.is_some_and(|tags| tags.split(',').any(|one| matches_tag(one, &tag)));
    let caching = if path.starts_with(HASHED) { IMMUTABLE } else { REVALIDATE };
    let mut response = if is_cached {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(CONTENT_TYPE, content_type(path))], shared(file.data)).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(ETAG, tag);
    }
    response
}

/// Returns a file's bytes without a copy, so that a client that does not read holds none of its own.
fn shared(data: Cow<'static, [u8]>) -> Bytes {
    match data {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        // Only in debug builds, which read files from disk.
        Cow::Owned(bytes) => Bytes::from(bytes),
    }
}

/// Returns true if an entry of `If-None-Match` matches the tag. Weak tags match too (RFC 9110,
/// 13.1.2).
fn matches_tag(entry: &str, tag: &str) -> bool {
    let entry = entry.trim();
    entry == "*" || entry.strip_prefix("W/").unwrap_or(entry) == tag
}

/// Returns the content type of a file that the build writes.
fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, end)| end) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("json" | "webmanifest") => "application/json",
        Some("txt") => "text/plain; charset=utf-8",
        Some(_) | None => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_is_revalidated_and_its_assets_are_not() {
        let none = HeaderMap::new();
        let page = serve_file("index.html", &none);
        assert_eq!(page.status(), StatusCode::OK);
        assert_eq!(page.headers()[CACHE_CONTROL], REVALIDATE);
        assert_eq!(page.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
        for asset in Files::iter().filter(|path| path.starts_with(HASHED)) {
            let answer = serve_file(&asset, &none);
            assert_eq!(answer.headers()[CACHE_CONTROL], IMMUTABLE, "{asset}");
            assert_ne!(answer.headers()[CONTENT_TYPE], "application/octet-stream", "{asset}");
        }
    }

    #[test]
    fn file_is_not_sent_when_the_client_has_its_tag() {
        let page = serve_file("index.html", &HeaderMap::new());
        let tag = page.headers()[ETAG].to_str().unwrap().to_owned();
        for cached in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
            let headers = [(IF_NONE_MATCH, cached.parse().unwrap())].into_iter().collect();
            assert_eq!(serve_file("index.html", &headers).status(), StatusCode::NOT_MODIFIED);
        }
        let headers = [(IF_NONE_MATCH, "\"x\"".parse().unwrap())].into_iter().collect();
        assert_eq!(serve_file("index.html", &headers).status(), StatusCode::OK);
    }

    #[test]
    fn path_is_not_found_when_it_leaves_the_folder() {
        for path in ["nothing", "../Cargo.toml", "assets/../../Cargo.toml", "/etc/passwd", ""] {
            let answer = serve_file(path, &HeaderMap::new());
            assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
        }
    }
}
