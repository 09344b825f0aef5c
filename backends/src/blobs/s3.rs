//! A bucket of a storage that speaks S3's protocol.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use http_body_util::{BodyExt, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use object_store::{
    BackoffConfig, ClientOptions, ObjectStore, RetryConfig,
    aws::AmazonS3Builder,
    client::{
        HttpClient, HttpConnector as Connector, HttpError, HttpErrorKind, HttpRequest,
        HttpRequestBody, HttpResponse, HttpService,
    },
    path::Path,
    prefix::PrefixStore,
};
use tokio::time::timeout;

use crate::tls::{TlsError, TlsFiles, https_connector};

/// The time that the storage has for an answer.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// The largest answer: a chunk, or a list of names.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;
/// The time for all attempts of a call.
const ATTEMPTS_TIME_MAX: Duration = Duration::from_secs(15);
const ATTEMPTS_MAX: usize = 3;

/// Where the bucket is, and who may use it.
#[derive(Clone)]
pub struct S3Config {
    /// The address of the storage, such as `https://s3.eu-central-1.amazonaws.com`.
    pub endpoint: String,
    /// The bucket, which must exist.
    pub bucket: String,
    /// The region, which is a part of each signature.
    pub region: String,
    /// The public part of the credentials.
    pub access_key: String,
    /// The secret part of the credentials.
    pub secret_key: String,
    /// The beginning of all names, without a slash at the end. Empty for none.
    pub prefix: String,
    /// The authorities that may sign the certificate of the storage.
    pub tls: TlsFiles,
}

impl fmt::Debug for S3Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { endpoint, bucket, region, prefix, .. } = self;
        write!(f, "S3Config {{ {endpoint} {bucket}/{prefix} in {region} }}")
    }
}

/// The bucket cannot be used as configured.
#[derive(Debug, thiserror::Error)]
pub enum S3ConfigError {
    /// A file for TLS cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The address, the names or the credentials have a wrong form.
    #[error("{0}")]
    Form(#[from] object_store::Error),
}

/// Returns the objects of the bucket. Calls nobody.
pub(super) fn open(config: &S3Config) -> Result<Arc<dyn ObjectStore>, S3ConfigError> {
    let is_plain = config.endpoint.starts_with("http://");
    let connector = https_connector(&config.tls, !is_plain)?;
    let retry = RetryConfig {
        max_retries: ATTEMPTS_MAX,
        retry_timeout: ATTEMPTS_TIME_MAX,
        backoff: BackoffConfig::default(),
    };
    let bucket = AmazonS3Builder::new()
        .with_endpoint(config.endpoint.trim_end_matches('/'))
        .with_bucket_name(&config.bucket)
        .with_region(&config.region)
        .with_access_key_id(&config.access_key)
        .with_secret_access_key(&config.secret_key)
        .with_virtual_hosted_style_request(false)
        .with_allow_http(is_plain)
        // Not every storage with S3's protocol removes several objects with one call.
        .with_disable_bulk_delete(true)
        .with_retry(retry)
        .with_http_connector(Https(Client::builder(TokioExecutor::new()).build(connector)))
        .build()?;
    if config.prefix.is_empty() {
        return Ok(Arc::new(bucket));
    }
    Ok(Arc::new(PrefixStore::new(bucket, Path::from(config.prefix.as_str()))))
}

type HyperClient = Client<HttpsConnector<HttpConnector>, HttpRequestBody>;

/// Makes the calls of the bucket with the HTTP client and the TLS that the search engine has too.
#[derive(Debug, Clone)]
struct Https(HyperClient);

impl Connector for Https {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Https {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let answered = timeout(ANSWER_MAX, self.answer(request)).await;
        answered.unwrap_or_else(|late| Err(HttpError::new(HttpErrorKind::Timeout, late)))
    }
}

impl Https {
    /// Reads the whole answer, so that its time and its bytes have a bound.
    async fn answer(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let answer = self.0.request(request).await.map_err(|error| {
            let is_connect = error.is_connect();
            let kind = if is_connect { HttpErrorKind::Connect } else { HttpErrorKind::Request };
            HttpError::new(kind, error)
        })?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|error| HttpError::new_boxed(HttpErrorKind::Interrupted, error))?;
        Ok(HttpResponse::from_parts(head, body.to_bytes().into()))
    }
}
