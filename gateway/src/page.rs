//! The web client, from inside the binary (`web-client/dist` as it was when this was built).

use axum::{
    Router,
    extract::Request,
    response::{IntoResponse, Response},
    routing::get,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{
    HeaderMap, HeaderValue, Method, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH},
};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::rest;

/// The files, which `npm run build` in `web-client` makes.
#[derive(RustEmbed)]
#[folder = "../web-client/dist"]
struct Files;

/// Under this folder a file's name has its hash in it: it never changes.
const HASHED: &str = "assets/";
const FOR_EVER: &str = "public, max-age=31536000, immutable";
const ASK_AGAIN: &str = "no-cache";
/// Bytes of a file's hash that are its tag.
const TAG_BYTES: usize = 16;

/// `/`, and every file of the web client.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/", get(index)).fallback(file)
}

async fn index(headers: HeaderMap) -> Response {
    give("index.html", &headers)
}

async fn file(request: Request) -> Response {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let path = request.uri().path().trim_start_matches('/').to_owned();
    if is_read { give(&path, request.headers()) } else { rest::unknown().into_response() }
}

fn give(path: &str, headers: &HeaderMap) -> Response {
    let Some(file) = Files::get(path) else { return rest::unknown().into_response() };
    let tag = tag(&file);
    let known = headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let is_known = known.is_some_and(|known| known.split(',').any(|one| is_tag(one, &tag)));
    let caching = if path.starts_with(HASHED) { FOR_EVER } else { ASK_AGAIN };
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(CONTENT_TYPE, content_type(path))], file.data.into_owned()).into_response()
    };
    let answered = response.headers_mut();
    answered.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        answered.insert(ETAG, tag);
    }
    response
}

fn tag(file: &EmbeddedFile) -> String {
    let hash = file.metadata.sha256_hash();
    let (digits, _) = hash.split_at(TAG_BYTES);
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(digits))
}

/// Whether a tag of `If-None-Match` is this one; weak ones count too (RFC 9110, 13.1.2).
fn is_tag(known: &str, tag: &str) -> bool {
    let known = known.trim();
    known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag
}

/// The types of what a build makes.
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
    fn page_is_asked_for_again_and_its_assets_never() {
        let none = HeaderMap::new();
        let page = give("index.html", &none);
        assert_eq!(page.status(), StatusCode::OK);
        assert_eq!(page.headers()[CACHE_CONTROL], ASK_AGAIN);
        assert_eq!(page.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
        for asset in Files::iter().filter(|path| path.starts_with(HASHED)) {
            let answer = give(&asset, &none);
            assert_eq!(answer.headers()[CACHE_CONTROL], FOR_EVER, "{asset}");
            assert_ne!(answer.headers()[CONTENT_TYPE], "application/octet-stream", "{asset}");
        }
    }

    #[test]
    fn file_that_is_known_is_not_sent_again() {
        let page = give("index.html", &HeaderMap::new());
        let tag = page.headers()[ETAG].to_str().unwrap().to_owned();
        for known in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
            let headers = [(IF_NONE_MATCH, known.parse().unwrap())].into_iter().collect();
            assert_eq!(give("index.html", &headers).status(), StatusCode::NOT_MODIFIED);
        }
        let headers = [(IF_NONE_MATCH, "\"x\"".parse().unwrap())].into_iter().collect();
        assert_eq!(give("index.html", &headers).status(), StatusCode::OK);
    }

    #[test]
    fn what_is_not_in_the_folder_is_not_found() {
        for path in ["nothing", "../Cargo.toml", "assets/../../Cargo.toml", "/etc/passwd", ""] {
            let answer = give(path, &HeaderMap::new());
            assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
        }
    }
}
