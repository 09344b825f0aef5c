//! HTTP/1.1 as a client reads and writes it: small requests, and answers with a declared length.

use anyhow::{Context, Result, ensure};

/// The most headers of an answer.
const HEADERS_MAX: usize = 32;

/// A whole answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer<'a> {
    /// The status code.
    pub(crate) status: u16,
    /// The body.
    pub(crate) body: &'a [u8],
}

/// Returns the first answer and its length, or `None` if it is not complete.
pub(crate) fn split(bytes: &[u8]) -> Result<Option<(Answer<'_>, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut head = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(begin) = head.parse(bytes)? else { return Ok(None) };
    let status = head.code.context("no status")?;
    let mut length = 0;
    for header in head.headers.iter() {
        ensure!(!header.name.eq_ignore_ascii_case("transfer-encoding"), "a body without a length");
        if header.name.eq_ignore_ascii_case("content-length") {
            length = std::str::from_utf8(header.value)?.parse()?;
        }
    }
    let end = begin + length;
    let Some(body) = bytes.get(begin..end) else { return Ok(None) };
    Ok(Some((Answer { status, body }, end)))
}

/// Returns a request without a body.
pub(crate) fn get(path: &str, token: &str) -> Vec<u8> {
    request("GET", path, token, &[], "")
}

/// Returns a request with a JSON body.
pub(crate) fn request(
    method: &str,
    path: &str,
    token: &str,
    headers: &[(&str, &str)],
    json: &str,
) -> Vec<u8> {
    let authorization = format!("Bearer {token}");
    let length = json.len().to_string();
    let token = (!token.is_empty()).then_some(("authorization", authorization.as_str()));
    let body = [("content-type", "application/json"), ("content-length", &length)];
    let body = body.into_iter().filter(|_| !json.is_empty());
    let headers = headers.iter().copied().chain(token).chain(body);
    let headers: String = headers.flat_map(|(name, value)| [name, ": ", value, "\r\n"]).collect();
    format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{headers}\r\n{json}").into_bytes()
}

/// Returns the request that starts a WebSocket.
pub(crate) fn upgrade() -> Vec<u8> {
    let headers = [
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "MDEyMzQ1Njc4OWFiY2RlZg=="),
        ("sec-websocket-protocol", "confab.v1.json"),
    ];
    request("GET", "/v1/ws", "", &headers, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_is_found_only_when_its_body_is_complete() {
        let text = b"HTTP/1.1 201 Created\r\nContent-Length: 4\r\n\r\n{\"\"}HTTP/1.1 200 OK\r\n";
        let end = text.len() - 17;
        for cut in 0..end {
            assert_eq!(split(&text[..cut]).unwrap(), None, "{cut}");
        }
        let answer = Answer { status: 201, body: b"{\"\"}" };
        assert_eq!(split(text).unwrap(), Some((answer, end)));
    }

    #[test]
    fn answer_without_a_body_ends_with_its_head() {
        let text = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\nframes";
        let (answer, length) = split(text).unwrap().unwrap();
        assert_eq!((answer.status, answer.body.len(), &text[length..]), (101, 0, &b"frames"[..]));
    }

    #[test]
    fn answer_without_a_length_is_refused() {
        let text = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
        assert!(split(text).is_err());
    }
}
