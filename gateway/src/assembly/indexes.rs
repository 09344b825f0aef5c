//! Opens the index of messages that the configuration names.

use std::sync::Arc;

use anyhow::Result;
use backends::search::{OpenSearch, OpenSearchConfig};
use chat_core::port::Search;
use gateway::{config::Config, secret::Secret};

use super::{client_tls, misconfigured};

/// Makes a client of the search engine of a fleet, if there is one.
pub(super) fn open_engine(config: &Config) -> Result<Option<Arc<dyn Search>>> {
    let search = &config.search;
    if search.urls.is_empty() {
        return Ok(None);
    }
    let engine = OpenSearchConfig {
        urls: search.urls.iter().map(ToString::to_string).collect(),
        user: search.user.clone(),
        password: search.password.as_ref().map(Secret::expose).map(str::to_owned),
        prefix: search.prefix.clone(),
        tls: client_tls(&search.tls),
    };
    let opened = OpenSearch::new(&engine);
    Ok(Some(Arc::new(opened.map_err(|error| misconfigured("CONFAB__SEARCH", &error))?)))
}

/// Opens the index beside the embedded store.
#[cfg(feature = "search")]
pub(super) async fn open_search(config: &Config) -> Result<Option<Arc<dyn Search>>> {
    use anyhow::Context as _;

    let dir = config.data_dir.join("search");
    let opened =
        tokio::task::spawn_blocking(move || backends::search::LocalSearch::open(&dir)).await?;
    Ok(Some(Arc::new(opened.context("index of messages")?)))
}

/// Returns nothing: this binary was built without an index.
#[cfg(not(feature = "search"))]
pub(super) async fn open_search(_config: &Config) -> Result<Option<Arc<dyn Search>>> {
    Ok(None)
}
