//! Calls to the servers, one after the other until one answers.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use chat_core::port::SearchError;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Method, Request, Uri,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue},
};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;
use tokio::time::timeout;

use super::{OpenSearchConfig, OpenSearchConfigError};
use crate::tls::https_connector;

/// The time that a server has to answer.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// The largest answer.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A client of the servers.
#[derive(Debug)]
pub(super) struct Http {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    urls: Vec<String>,
    /// The server that answered last.
    current: AtomicUsize,
    authorization: Option<HeaderValue>,
}

/// A server's answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Answer {
    /// Returns the body of an answer that is a success.
    pub(super) fn success(self) -> Result<Value, SearchError> {
        if self.status == 200 { Ok(self.body) } else { Err(self.unexpected()) }
    }

    /// Returns the kind of an error.
    pub(super) fn error_type(&self) -> &str {
        self.body["error"]["type"].as_str().unwrap_or_default()
    }

    /// Returns true if a document was asked for in an index that does not exist.
    pub(super) fn lacks_index(&self) -> bool {
        self.body["docs"][0]["error"]["type"] == "index_not_found_exception"
    }

    pub(super) fn unexpected(&self) -> SearchError {
        let reason = self.body["error"]["reason"].as_str().unwrap_or("no reason");
        SearchError::Unavailable(format!("status {}: {reason}", self.status))
    }
}

impl Http {
    pub(super) fn new(config: &OpenSearchConfig) -> Result<Self, OpenSearchConfigError> {
        let urls: Vec<String> =
            config.urls.iter().map(|url| url.trim_end_matches('/').to_owned()).collect();
        let is_address = |url: &String| {
            url.parse::<Uri>().is_ok_and(|uri| {
                matches!(uri.scheme_str(), Some("http" | "https")) && uri.authority().is_some()
            })
        };
        if urls.is_empty() || !urls.iter().all(is_address) {
            return Err(OpenSearchConfigError::Address);
        }
        let is_encrypted = urls.iter().any(|url| url.starts_with("https://"));
        let connector = https_connector(&config.tls, is_encrypted)?;
        let client = Client::builder(TokioExecutor::new()).build(connector);
        let credentials = config.user.as_ref().zip(config.password.as_ref());
        let authorization = credentials.and_then(|(user, password)| {
            let encoded = STANDARD.encode(format!("{user}:{password}"));
            let mut value = HeaderValue::from_str(&format!("Basic {encoded}")).ok()?;
            value.set_sensitive(true);
            Some(value)
        });
        Ok(Self { client, urls, current: AtomicUsize::new(0), authorization })
    }

    /// Makes a call with a JSON body.
    pub(super) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, SearchError> {
        let body = body.map(ToString::to_string).unwrap_or_default();
        self.call_any(method, path, "application/json", body.into()).await
    }

    /// Makes a call with lines of JSON. Their indexes are aliases: the server would make a missing index
    /// by itself, with other fields.
    pub(super) async fn bulk(&self, lines: String) -> Result<Answer, SearchError> {
        let path = "/_bulk?require_alias=true";
        self.call_any(Method::POST, path, "application/x-ndjson", lines.into()).await
    }

    /// Calls the server that answered last, and then the others. All calls can be repeated.
    async fn call_any(
        &self,
        method: Method,
        path: &str,
        kind: &'static str,
        body: Bytes,
    ) -> Result<Answer, SearchError> {
        let mut last = String::new();
        let first = self.current.load(Ordering::Relaxed);
        for number in first..first + self.urls.len() {
            let at = number % self.urls.len();
            let uri = format!("{}{path}", self.urls[at]);
            let called = self.call_one(method.clone(), uri, kind, body.clone());
            match timeout(ANSWER_MAX, called).await {
                Ok(Ok(answer)) => {
                    self.current.store(at, Ordering::Relaxed);
                    return Ok(answer);
                }
                Ok(Err(error)) => last = error,
                Err(_) => "no answer in time".clone_into(&mut last),
            }
        }
        Err(SearchError::Unavailable(last))
    }

    async fn call_one(
        &self,
        method: Method,
        uri: String,
        kind: &'static str,
        body: Bytes,
    ) -> Result<Answer, String> {
        let mut request = Request::builder().method(method).uri(uri);
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, kind);
        }
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let request = request.body(Full::new(body)).map_err(|error| error.to_string())?;
        let answer = self.client.request(request).await.map_err(|error| error.to_string())?;
        let status = answer.status().as_u16();
        let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|error| error.to_string())?.to_bytes();
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        if status >= 500 || status == 429 {
            return Err(format!("status {status}"));
        }
        Ok(Answer { status, body })
    }
}
