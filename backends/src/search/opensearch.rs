//! The index of a fleet: [OpenSearch](https://opensearch.org), or a server with the same HTTP API.
//!
//! What holds:
//! - Any gateway may write at any time. Every document has the version of the newest entry that changed
//!   it, and the server refuses older versions (external versioning). So repeats and late writers do no
//!   harm.
//! - The marks are written after the documents have been acknowledged, and never move back.
//! - A redacted message stays as a document without fields, so that its version is remembered.
//! - The words of a text are made here, as for every other index. The server only splits them at spaces.
//! - The server does not keep the texts (`_source` is off).
//!
//! `http` makes the calls, and `requests` has the bodies.

mod http;
mod requests;

use std::fmt;

use async_trait::async_trait;
use chat_core::{
    id::ConversationId,
    model::Seq,
    port::{IndexedPart, Place, Search, SearchError, SearchRequest},
    search::FORMAT,
    time::Timestamp,
};
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use self::http::{Answer, Http};
use crate::tls::{TlsError, TlsFiles};

/// How to reach the servers.
#[derive(Clone, Default)]
pub struct OpenSearchConfig {
    /// The addresses of some nodes, such as `http://127.0.0.1:9200`.
    pub urls: Vec<String>,
    /// The user name, if the servers require authentication.
    pub user: Option<String>,
    /// The password of that user.
    pub password: Option<String>,
    /// The beginning of the names of the indexes.
    pub prefix: String,
    /// Files for addresses that begin with `https://`.
    pub tls: TlsFiles,
}

impl fmt::Debug for OpenSearchConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenSearchConfig").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// An address that cannot be used, or unusable certificate authorities.
#[derive(Debug, thiserror::Error)]
pub enum OpenSearchConfigError {
    /// Not an address.
    #[error("not an address: expected http:// or https://")]
    Address,
    /// No certificate authorities.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// The index of a fleet.
#[derive(Debug)]
pub struct OpenSearch {
    http: Http,
    // Aliases of the indexes.
    messages: String,
    marks: String,
}

/// A hit of a search, which has only the values that it is sorted by.
#[derive(Deserialize)]
struct Hit {
    sort: [i64; 3],
}

impl OpenSearch {
    /// Makes a client of these servers. They need not be up.
    pub fn new(config: &OpenSearchConfig) -> Result<Self, OpenSearchConfigError> {
        Ok(Self {
            http: Http::new(config)?,
            messages: format!("{}-messages-{FORMAT}", config.prefix),
            marks: format!("{}-marks-{FORMAT}", config.prefix),
        })
    }

    /// Creates the indexes, if they do not exist. New documents need new marks: all logs are then taken
    /// into the index again.
    async fn create(&self) -> Result<(), SearchError> {
        if self.create_index(&self.messages, requests::messages_index()).await? {
            self.delete_index(&self.marks).await?;
        }
        self.create_index(&self.marks, requests::marks_index()).await.map(drop)
    }

    /// Creates an index, and its alias, by which it is used. Returns true if the index did not exist.
    async fn create_index(&self, alias: &str, mut body: Value) -> Result<bool, SearchError> {
        body["aliases"] = json!({ alias: {} });
        let path = format!("/{}", index_of(alias));
        let answer = self.http.call(Method::PUT, &path, Some(&body)).await?;
        match answer.status {
            200 => Ok(true),
            400 if answer.error_type() == "resource_already_exists_exception" => Ok(false),
            _ => Err(answer.unexpected()),
        }
    }

    async fn delete_index(&self, alias: &str) -> Result<(), SearchError> {
        let path = format!("/{}", index_of(alias));
        let answer = self.http.call(Method::DELETE, &path, None).await?;
        if matches!(answer.status, 200 | 404) { Ok(()) } else { Err(answer.unexpected()) }
    }

    /// Writes lines of a bulk request. A version that is older than the stored one is not an error.
    async fn bulk(&self, lines: String) -> Result<(), SearchError> {
        if lines.is_empty() {
            return Ok(());
        }
        let answer = self.http.bulk(lines).await?.success()?;
        let items = answer["items"].as_array().into_iter().flatten();
        let failed = items
            .map(|item| &item["index"])
            .find(|item| !matches!(item["status"].as_u64(), Some(200 | 201 | 409)));
        match failed {
            None => Ok(()),
            Some(item) if item["error"]["type"] == "index_not_found_exception" => {
                Err(self.make_again().await)
            }
            Some(item) => Err(SearchError::Unavailable(format!("not indexed: {}", item["error"]))),
        }
    }

    /// Creates indexes that somebody has deleted. They are empty at first.
    async fn make_again(&self) -> SearchError {
        let lost = || SearchError::Unavailable("the index was deleted, making it again".to_owned());
        self.create().await.map_or_else(|error| error, |()| lost())
    }

    async fn read_marks(&self, ids: &[ConversationId]) -> Result<Answer, SearchError> {
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let path = format!("/{}/_mget", self.marks);
        self.http.call(Method::POST, &path, Some(&json!({ "ids": ids }))).await
    }
}

#[async_trait]
impl Search for OpenSearch {
    async fn marks(&self, conversations: &[ConversationId]) -> Result<Vec<Seq>, SearchError> {
        if conversations.is_empty() {
            return Ok(Vec::new());
        }
        let mut answer = self.read_marks(conversations).await?;
        if answer.status == 404 || answer.lacks_index() {
            self.create().await?;
            answer = self.read_marks(conversations).await?;
        }
        let answer = answer.success()?;
        let docs = answer["docs"].as_array().map_or(&[][..], Vec::as_slice);
        if docs.len() != conversations.len() {
            return Err(SearchError::Unavailable("an answer without all marks".to_owned()));
        }
        let mark = |doc: &Value| Seq::new(doc["_source"]["mark"].as_u64().unwrap_or_default());
        Ok(docs.iter().map(mark).collect())
    }

    async fn index(&self, parts: &[IndexedPart]) -> Result<(), SearchError> {
        let documents = parts.iter().flat_map(|part| &part.documents);
        let documents = documents.map(|one| requests::document(&self.messages, one)).collect();
        self.bulk(documents).await?;
        self.bulk(parts.iter().map(|part| requests::mark(&self.marks, part)).collect()).await
    }

    async fn query(&self, request: &SearchRequest) -> Result<Vec<Place>, SearchError> {
        let path = format!("/{}/_search", self.messages);
        let body = requests::search(request);
        let answer = self.http.call(Method::POST, &path, Some(&body)).await?;
        if answer.status == 404 {
            return Err(self.make_again().await);
        }
        let mut answer = answer.success()?;
        if answer["timed_out"] == json!(true) || answer["_shards"]["failed"] != json!(0) {
            return Err(SearchError::Unavailable("a part of the index did not answer".to_owned()));
        }
        let hits: Vec<Hit> = serde_json::from_value(answer["hits"]["hits"].take())
            .map_err(|error| SearchError::Unavailable(format!("not understood: {error}")))?;
        Ok(hits.iter().filter_map(place).collect())
    }

    async fn clear(&self) -> Result<(), SearchError> {
        self.delete_index(&self.messages).await?;
        self.delete_index(&self.marks).await?;
        self.create().await
    }
}

/// Returns the name of the index that an alias stands for.
fn index_of(alias: &str) -> String {
    format!("{alias}-0")
}

fn place(hit: &Hit) -> Option<Place> {
    let [at, conversation, seq] = hit.sort;
    Some(Place {
        at: Timestamp::from_millis(at),
        conversation: ConversationId::from_i64(conversation)?,
        seq: Seq::new(u64::try_from(seq).ok()?),
    })
}
