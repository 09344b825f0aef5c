//! The index on servers keeps the promises of its port, on the server that `CONFAB_TEST_OPENSEARCH` names
//! (`http://127.0.0.1:9200`). `cargo xtask test` starts one.
#![expect(clippy::unwrap_used, reason = "a test may end so")]

use std::sync::Arc;

use backends::search::{OpenSearch, OpenSearchConfig};
use chat_core::{
    id::ConversationId,
    memory::MemorySearch,
    port::{Search, SearchError},
    time::{Clock, SystemClock},
};

/// Returns the address of the server. Without one, the test is skipped, or fails in CI.
#[expect(clippy::print_stderr, reason = "a test says that it was skipped")]
fn server() -> Option<String> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(url) = set("CONFAB_TEST_OPENSEARCH") {
        return Some(url.to_string_lossy().into_owned());
    }
    assert!(set("CI").is_none(), "CONFAB_TEST_OPENSEARCH names no server: run `cargo xtask test`");
    eprintln!("SKIPPED: CONFAB_TEST_OPENSEARCH names no server; `cargo xtask test` starts one");
    None
}

/// Opens two handles on an index of its own. Without a server, the suite runs on the index in memory.
async fn open() -> ((), Vec<Arc<dyn Search>>) {
    let Some(url) = server() else { return ((), vec![Arc::new(MemorySearch::default())]) };
    let mut random = [0; 6];
    getrandom::fill(&mut random).unwrap();
    let prefix = format!(
        "test-{:x}",
        u64::from_be_bytes([
            0, 0, random[0], random[1], random[2], random[3], random[4], random[5]
        ])
    );
    // The first address does not answer.
    let urls = vec!["http://127.0.0.1:1".to_owned(), url];
    let config = OpenSearchConfig { urls, prefix, ..OpenSearchConfig::default() };
    let one = OpenSearch::new(&config).unwrap();
    // Gateways ask for marks first, which creates the indexes.
    let fresh: ConversationId = SystemClock::new(1).fresh_id().into();
    one.marks(&[fresh]).await.unwrap();
    let handles: [Arc<dyn Search>; 2] =
        [Arc::new(one), Arc::new(OpenSearch::new(&config).unwrap())];
    ((), handles.to_vec())
}

chat_core::search_contract!(open);

#[tokio::test]
async fn index_is_unavailable_when_no_server_answers() {
    let config = OpenSearchConfig {
        urls: vec!["http://127.0.0.1:1".to_owned()],
        prefix: "none".to_owned(),
        ..OpenSearchConfig::default()
    };
    let search = OpenSearch::new(&config).unwrap();
    let refused = search.marks(&[ConversationId::new(1).unwrap()]).await.unwrap_err();
    assert!(matches!(refused, SearchError::Unavailable(_)), "{refused}");
}

#[test]
fn address_is_refused_when_it_is_not_http() {
    for url in ["", "127.0.0.1:9200", "ftp://127.0.0.1", "http://"] {
        let config = OpenSearchConfig { urls: vec![url.to_owned()], ..OpenSearchConfig::default() };
        assert!(OpenSearch::new(&config).is_err(), "{url}");
    }
}
