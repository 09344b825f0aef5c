//! HTTP calls and their answers as JSON values.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, header};
use http_body_util::{BodyExt, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;

use super::tls;
use crate::patience::{SOON, within};

/// Calls one gateway, over as many connections as there are concurrent calls, or over one connection
/// of HTTP/2 if its address begins with `https://`.
#[derive(Debug, Clone)]
pub struct Http {
    url: String,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Http {
    /// Returns a client of the gateway at `url`.
    pub fn new(url: &str) -> Self {
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls::config(&[]))
            .https_or_http()
            .enable_all_versions()
            .build();
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Self { url: url.to_owned(), client }
    }

    /// Returns the gateway's address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns a call without a token and a body.
    pub fn call(&self, method: Method, path: &str) -> Call {
        Call {
            http: self.clone(),
            request: Request::builder().method(method).uri(format!("{}{path}", self.url)),
            body: Bytes::new(),
            deadline: SOON,
        }
    }
}

/// A call that has not been made yet.
#[derive(Debug)]
#[must_use]
pub struct Call {
    http: Http,
    request: http::request::Builder,
    body: Bytes,
    deadline: Duration,
}

impl Call {
    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    /// Adds an access token.
    pub fn token(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// Adds a JSON body.
    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").bytes(body.to_string())
    }

    /// Adds any body, without a content type.
    pub fn bytes(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets the deadline, for calls that wait on purpose.
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Makes the call. Fails if there is no answer in time.
    pub async fn answer(self) -> Result<Answer> {
        let request = self.request.body(Full::new(self.body))?;
        let what = format!("{} {}", request.method(), request.uri().path());
        let exchange = async {
            let response = self.http.client.request(request).await?;
            let (head, body) = response.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok::<_, anyhow::Error>((head, body))
        };
        let (head, text) = within(self.deadline, &what, exchange).await?.context(what.clone())?;
        let body = serde_json::from_slice(&text).unwrap_or(Value::Null);
        Ok(Answer { what, status: head.status.as_u16(), headers: head.headers, body, text })
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The call, for error messages.
    pub what: String,
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as JSON, or null if it is not JSON.
    pub body: Value,
    /// The body as bytes.
    pub text: Bytes,
}

impl Answer {
    /// Returns a header as text, empty if it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Returns the body. Fails if the status is another one.
    pub fn ok(self, status: u16) -> Result<Value> {
        ensure!(self.status == status, "{} instead of {status}: {self:?}", self.status);
        Ok(self.body)
    }

    /// Returns the body of a refusal. Fails if the status, the code or any promised member differs.
    pub fn refused(self, status: u16, code: &str) -> Result<Value> {
        let body = &self.body;
        ensure!(self.status == status, "{} instead of {status}: {self:?}", self.status);
        ensure!(body["code"] == code, "{} instead of {code}: {self:?}", body["code"]);
        ensure!(self.header("content-type") == "application/problem+json", "type of {self:?}");
        ensure!(body["status"] == status, "status of {self:?}");
        for text in ["type", "title", "detail", "instance", "message"] {
            ensure!(body[text].as_str().is_some_and(|text| !text.is_empty()), "{text} of {self:?}");
        }
        ensure!(body["retryable"].is_boolean(), "retryable of {self:?}");
        let challenge = self.headers.contains_key(header::WWW_AUTHENTICATE);
        ensure!(challenge == (status == 401), "WWW-Authenticate of {self:?}");
        if matches!(status, 429 | 503) {
            let after = self.header("retry-after").parse::<u64>();
            ensure!(after.is_ok_and(|after| after > 0), "Retry-After of {self:?}");
        }
        Ok(self.body)
    }
}
