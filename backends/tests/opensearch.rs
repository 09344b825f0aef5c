//! The index on servers keeps the promises of its port, on the server that `CONFAB_TEST_OPENSEARCH` names
//! (`http://127.0.0.1:9200`). `cargo xtask test` starts one.
#![expect(clippy::unwrap_used, reason = "a test may end so")]

#[path = "redis/certificates.rs"]
mod certificates;

use std::{sync::Arc, time::Duration};

use backends::{
    search::{OpenSearch, OpenSearchConfig},
    tls::{ClientIdentity, TlsFiles},
};
use chat_core::{
    id::{ConversationId, UserId},
    memory::MemorySearch,
    model::Seq,
    port::{Document, IndexedPart, Place, Search, SearchError, SearchRequest},
    search::{FORMAT, Query},
    time::{Clock, SystemClock, Timestamp},
};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    time::sleep,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;

use self::certificates::{Authority, CertificateFiles};

/// Attempts to find what was indexed, one each 100 ms.
const ATTEMPTS_MAX: u32 = 300;

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

fn fresh_prefix() -> String {
    let mut random = [0; 8];
    getrandom::fill(&mut random).unwrap();
    format!("test-{:x}", u64::from_be_bytes(random))
}

fn fresh_conversation() -> ConversationId {
    SystemClock::new(1).fresh_id().into()
}

/// Opens two handles on an index of its own. Without a server, the suite runs on the index in memory.
async fn open() -> ((), Vec<Arc<dyn Search>>) {
    let Some(url) = server() else { return ((), vec![Arc::new(MemorySearch::default())]) };
    // The first address does not answer.
    let urls = vec!["http://127.0.0.1:1".to_owned(), url];
    let config = OpenSearchConfig { urls, prefix: fresh_prefix(), ..OpenSearchConfig::default() };
    let one = OpenSearch::new(&config).unwrap();
    // Gateways ask for marks first, which creates the indexes.
    one.marks(&[fresh_conversation()]).await.unwrap();
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

/// Returns a part of a log with one message, and the search that finds it.
fn part_and_search(conversation: ConversationId) -> (IndexedPart, SearchRequest) {
    let seq = Seq::new(1);
    let place = Place { at: Timestamp::from_millis(1), conversation, seq };
    let sender = UserId::new(1).unwrap();
    let text = Some("hello".into());
    let document = Document { place, version: seq, sender, text, has_attachment: false };
    let request = SearchRequest {
        scope: vec![(conversation, seq)],
        query: Query::parse("hello").unwrap(),
        sender: None,
        has: None,
        before: None,
        after: None,
        below: None,
        limit: 10,
    };
    (IndexedPart { conversation, to: seq, documents: vec![document] }, request)
}

async fn finds_eventually(search: &OpenSearch, request: &SearchRequest) -> bool {
    for _ in 0..ATTEMPTS_MAX {
        if search.query(request).await.is_ok_and(|hits| hits.len() == 1) {
            return true;
        }
        sleep(Duration::from_millis(100)).await;
    }
    false
}

async fn delete(url: &str, index: &str) {
    let address = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request =
        format!("DELETE /{index} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn deleted_index_is_made_again_with_its_fields() {
    let Some(url) = server() else { return };
    for has_write_first in [true, false] {
        let config = OpenSearchConfig {
            urls: vec![url.clone()],
            prefix: fresh_prefix(),
            ..OpenSearchConfig::default()
        };
        let search = OpenSearch::new(&config).unwrap();
        let conversation = fresh_conversation();
        let (part, request) = part_and_search(conversation);
        search.marks(&[conversation]).await.unwrap();
        search.index(std::slice::from_ref(&part)).await.unwrap();
        assert!(finds_eventually(&search, &request).await);
        delete(&url, &format!("{}-messages-{FORMAT}-0", config.prefix)).await;
        let refused = if has_write_first {
            search.index(std::slice::from_ref(&part)).await.unwrap_err()
        } else {
            search.query(&request).await.unwrap_err()
        };
        assert!(matches!(refused, SearchError::Unavailable(_)), "{refused}");
        // Without marks, everything is taken into the index again.
        assert_eq!(search.marks(&[conversation]).await.unwrap(), [Seq::ZERO]);
        search.index(&[part]).await.unwrap();
        assert!(finds_eventually(&search, &request).await);
    }
}

async fn pass_on(acceptor: TlsAcceptor, client: TcpStream, target: String) {
    // A client that is refused has learned why.
    let Ok(mut client) = acceptor.accept(client).await else { return };
    let mut server = TcpStream::connect(target).await.unwrap();
    drop(copy_bidirectional(&mut client, &mut server).await);
}

/// Accepts connections with TLS, from clients with a certificate of this authority, and passes them on.
/// Returns its address.
async fn with_tls(url: &str, authority: &Authority) -> String {
    let CertificateFiles { certificate, key } = authority.sign("127.0.0.1");
    let certificates = CertificateDer::pem_file_iter(certificate).unwrap();
    let mut clients = RootCertStore::empty();
    clients.add(CertificateDer::from_pem_file(authority.ca()).unwrap()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(clients), provider.clone()).build();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.unwrap())
        .with_single_cert(
            certificates.map(Result::unwrap).collect(),
            PrivateKeyDer::from_pem_file(key).unwrap(),
        );
    let acceptor = TlsAcceptor::from(Arc::new(config.unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap());
    let target = url.trim_start_matches("http://").to_owned();
    let tasks = TaskTracker::new();
    // They end with the test's runtime.
    tasks.clone().spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            tasks.spawn(pass_on(acceptor.clone(), client, target.clone()));
        }
    });
    address
}

#[tokio::test]
async fn authority_and_certificate_are_used_when_the_address_is_https() {
    let Some(url) = server() else { return };
    let authority = Authority::new();
    let connect = |ca, identity: Option<CertificateFiles>, urls| {
        let identity = identity
            .map(|CertificateFiles { certificate, key }| ClientIdentity { certificate, key });
        let tls = TlsFiles { ca: Some(ca), identity };
        OpenSearch::new(&OpenSearchConfig {
            urls,
            prefix: fresh_prefix(),
            tls,
            ..OpenSearchConfig::default()
        })
        .unwrap()
    };
    let urls = vec![with_tls(&url, &authority).await];
    let marks = [fresh_conversation()];
    let known = connect(authority.ca(), Some(authority.sign("gateway")), urls.clone());
    assert_eq!(known.marks(&marks).await.unwrap(), [Seq::ZERO]);
    let without_certificate = connect(authority.ca(), None, urls.clone());
    assert!(without_certificate.marks(&marks).await.is_err());
    let other_authority = connect(Authority::new().ca(), Some(authority.sign("other")), urls);
    assert!(other_authority.marks(&marks).await.is_err());
}
