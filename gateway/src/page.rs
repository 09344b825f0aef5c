//! The web client, embedded in the binary from `web-client/dist` at build time.
//!
//! The build also writes each file compressed (`<name>.br`, `<name>.gz`). A client gets the encoding that
//! it prefers, by its `Accept-Encoding`.

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
    header::{
        ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
    },
};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::rest;

mod encoding;

use encoding::Encoding;

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

/// Returns the routes of `/`, of the links of invites, and of every file of the web client.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/", get(index)).route("/i/{code}", get(invite)).fallback(file)
}

async fn index(headers: HeaderMap) -> Response {
    serve_file("index.html", &headers)
}

/// Answers the link of an invite with the page, whatever the code: the page shows what it leads to. The
/// page's relative addresses lead one folder up there.
async fn invite() -> Response {
    let Some(page) = Files::get("index.html") else { return rest::unknown().into_response() };
    let page = String::from_utf8_lossy(&page.data).replace("=\"./", "=\"../");
    let mut response = ([(CONTENT_TYPE, content_type("index.html"))], page).into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(REVALIDATE));
    headers.insert("x-robots-tag", HeaderValue::from_static("noindex"));
    response
}

async fn file(request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return rest::unknown().into_response();
    }
    serve_file(request.uri().path().trim_start_matches('/'), request.headers())
}

fn serve_file(path: &str, headers: &HeaderMap) -> Response {
    let Some((file, encoding)) = find(path, headers) else {
        return rest::unknown().into_response();
    };
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
    headers.insert(VARY, HeaderValue::from_name(ACCEPT_ENCODING));
    if let Some(encoding) = encoding {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding.name()));
    }
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(ETAG, tag);
    }
    response
}

/// Returns a file in the encoding that the client prefers, or as it is. The compressed files have no
/// paths of their own.
fn find(path: &str, headers: &HeaderMap) -> Option<(EmbeddedFile, Option<Encoding>)> {
    if Encoding::ALL.iter().any(|encoding| path.ends_with(encoding.suffix())) {
        return None;
    }
    let plain = Files::get(path)?;
    let encoded = |encoding: Encoding| {
        Some((Files::get(&format!("{path}{}", encoding.suffix()))?, Some(encoding)))
    };
    Some(Encoding::preferred(headers).and_then(encoded).unwrap_or((plain, None)))
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
        Some("svg") => "image/svg+xml; charset=utf-8",
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

    /// Returns the paths of the files that clients ask for.
    fn originals() -> impl Iterator<Item = Cow<'static, str>> {
        Files::iter().filter(|path| !path.ends_with(".br") && !path.ends_with(".gz"))
    }

    fn accepting(encodings: &str) -> HeaderMap {
        [(ACCEPT_ENCODING, encodings.parse().unwrap())].into_iter().collect()
    }

    fn encoding_of(answer: &Response) -> &str {
        answer.headers().get(CONTENT_ENCODING).map_or("", |name| name.to_str().unwrap())
    }

    #[test]
    fn every_file_is_compressed_when_the_client_accepts_it() {
        let unchanged = |answer: &Response| {
            [CONTENT_TYPE, CACHE_CONTROL].map(|name| answer.headers()[name].clone())
        };
        for path in originals() {
            let plain = serve_file(&path, &HeaderMap::new());
            for (accepted, expected) in [("gzip, deflate, br, zstd", "br"), ("gzip", "gzip")] {
                let answer = serve_file(&path, &accepting(accepted));
                assert_eq!(encoding_of(&answer), expected, "{path}");
                assert_eq!(answer.headers()[VARY], "accept-encoding", "{path}");
                assert_eq!(unchanged(&answer), unchanged(&plain), "{path}");
                assert_ne!(answer.headers()[ETAG], plain.headers()[ETAG], "{path}");
            }
            assert_eq!(encoding_of(&plain), "", "{path}");
            assert_eq!(plain.headers()[VARY], "accept-encoding", "{path}");
        }
    }

    #[test]
    fn compressed_file_is_not_sent_when_the_client_has_its_tag() {
        let brotli = accepting("br");
        let tag = serve_file("index.html", &brotli).headers()[ETAG].clone();
        let with_tag = |mut headers: HeaderMap| {
            headers.insert(IF_NONE_MATCH, tag.clone());
            headers
        };
        let cached = serve_file("index.html", &with_tag(brotli));
        assert_eq!(cached.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(cached.headers()[VARY], "accept-encoding");
        let other = serve_file("index.html", &with_tag(accepting("gzip")));
        assert_eq!(other.status(), StatusCode::OK);
    }

    #[test]
    fn compressed_file_has_no_path_of_its_own() {
        let compressed: Vec<_> = Files::iter().filter(|path| path.ends_with(".br")).collect();
        assert!(!compressed.is_empty());
        for path in compressed {
            let answer = serve_file(&path, &HeaderMap::new());
            assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
        }
    }

    #[test]
    fn page_is_revalidated_and_its_assets_are_not() {
        let none = HeaderMap::new();
        let page = serve_file("index.html", &none);
        assert_eq!(page.status(), StatusCode::OK);
        assert_eq!(page.headers()[CACHE_CONTROL], REVALIDATE);
        assert_eq!(page.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
        for asset in originals().filter(|path| path.starts_with(HASHED)) {
            let answer = serve_file(&asset, &none);
            assert_eq!(answer.headers()[CACHE_CONTROL], IMMUTABLE, "{asset}");
            assert_ne!(answer.headers()[CONTENT_TYPE], "application/octet-stream", "{asset}");
        }
    }

    #[tokio::test]
    async fn link_of_an_invite_shows_the_page_with_its_files() {
        let answer = invite().await;
        assert_eq!(answer.status(), StatusCode::OK);
        let page = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        let page = String::from_utf8(page.to_vec()).unwrap();
        assert!(!page.contains("=\"./"), "{page}");
        let addresses: Vec<&str> =
            page.split("=\"../").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        assert!(addresses.len() > 2, "{page}");
        for address in addresses {
            let file = serve_file(address, &HeaderMap::new());
            assert_eq!(file.status(), StatusCode::OK, "{address}");
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
