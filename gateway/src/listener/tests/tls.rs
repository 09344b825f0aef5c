//! TLS at the accept loop.

use std::fs;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName},
};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::*;

/// A certificate in files, and a client that trusts it.
pub(crate) struct TlsFixture {
    folder: TempDir,
    pub(crate) certificate: Arc<Certificate>,
    connector: TlsConnector,
}

impl TlsFixture {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let der = write_certificate(&folder);
        let paths = ["certificate.pem", "key.pem"].map(|name| folder.path().join(name));
        let certificate = Arc::new(Certificate::read(&paths[0], &paths[1]).unwrap());
        Self { folder, certificate, connector: trusting(der) }
    }

    pub(crate) async fn connect<S>(&self, stream: S) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.connector.connect(ServerName::try_from("localhost").unwrap(), stream).await
    }

    /// Does a handshake with the certificate in force, both sides in memory.
    async fn is_trusted(&self) -> bool {
        let (client, server) = tokio::io::duplex(64 * 1024);
        let acceptor = tokio_rustls::TlsAcceptor::from(self.certificate.config());
        let (connected, _) = tokio::join!(self.connect(client), acceptor.accept(server));
        connected.is_ok()
    }
}

fn trusting(certificate: CertificateDer<'static>) -> TlsConnector {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    TlsConnector::from(Arc::new(config))
}

fn write_certificate(folder: &TempDir) -> CertificateDer<'static> {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(folder.path().join("certificate.pem"), cert.pem()).unwrap();
    fs::write(folder.path().join("key.pem"), signing_key.serialize_pem()).unwrap();
    cert.der().clone()
}

/// The first bytes of a handshake: the head of a record that does not follow.
const BEGUN: &[u8] = &[0x16, 0x03, 0x01, 0x02, 0x00, 0x01];

#[tokio::test]
async fn request_is_answered_over_tls_and_refused_without() {
    let fixture = TlsFixture::new();
    let running = run_with(10, 10, Some(fixture.certificate.clone())).await;
    let mut stream = fixture.connect(running.connect().await).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("TLS's own end");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("hello"), "{answer}");

    let mut plain = running.connect().await;
    plain.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut refusal = Vec::new();
    plain.read_to_end(&mut refusal).await.unwrap_or_default();
    assert!(!refusal.starts_with(b"HTTP"), "{refusal:?}");
    running.drain().await;
}

#[tokio::test(start_paused = true)]
async fn connection_is_closed_when_its_handshake_stalls() {
    let fixture = TlsFixture::new();
    let running = run_with(10, 10, Some(fixture.certificate.clone())).await;
    assert_eq!(closed_after(&mut running.connect().await).await, HEAD_WAIT_MAX);
    let mut begun = running.connect().await;
    begun.write_all(BEGUN).await.unwrap();
    assert_eq!(closed_after(&mut begun).await, HEAD_WAIT_MAX);
    running.drain().await;
}

#[tokio::test(start_paused = true)]
async fn handshake_and_head_have_one_deadline() {
    let fixture = TlsFixture::new();
    let running = run_with(10, 10, Some(fixture.certificate.clone())).await;
    let stream = running.connect().await;
    // The server begins to wait before time passes.
    while running.limiter.open() == 0 {
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(HEAD_WAIT_MAX.saturating_sub(Duration::from_secs(1))).await;
    let mut stream = fixture.connect(stream).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHo").await.unwrap();
    let started = Instant::now();
    stream.read_to_end(&mut Vec::new()).await.map(drop).unwrap_or_default();
    assert!(started.elapsed() <= Duration::from_secs(1), "{:?}", started.elapsed());
    running.drain().await;
}

#[tokio::test(start_paused = true)]
async fn half_handshakes_count_as_connections() {
    let fixture = TlsFixture::new();
    let running = run_with(2, 2, Some(fixture.certificate.clone())).await;
    let mut held = [running.connect().await, running.connect().await];
    for stream in &mut held {
        stream.write_all(BEGUN).await.unwrap();
    }
    let mut refused = running.connect().await;
    assert_eq!(closed_after(&mut refused).await, Duration::ZERO);
    for stream in &mut held {
        closed_after(stream).await;
    }
    while running.limiter.open() > 0 {
        tokio::task::yield_now().await;
    }
    fixture.connect(running.connect().await).await.expect("its place is free again");
    running.drain().await;
}

#[tokio::test(start_paused = true)]
async fn handshake_ends_when_the_gateway_drains() {
    let fixture = TlsFixture::new();
    let running = run_with(2, 2, Some(fixture.certificate.clone())).await;
    let mut half = running.connect().await;
    half.write_all(BEGUN).await.unwrap();
    while running.limiter.open() == 0 {
        tokio::task::yield_now().await;
    }
    running.drain.cancel();
    assert_eq!(closed_after(&mut half).await, Duration::ZERO);
    running.drain().await;
}

/// Returns how long the server keeps a connection on which the client sends nothing more.
async fn closed_after(stream: &mut TcpStream) -> Duration {
    let started = Instant::now();
    stream.read_to_end(&mut Vec::new()).await.map(drop).unwrap_or_default();
    started.elapsed()
}

#[tokio::test]
async fn certificate_is_replaced_when_both_files_fit() {
    let fixture = TlsFixture::new();
    let key = fixture.folder.path().join("key.pem");
    fixture.certificate.reload().await;
    assert!(fixture.is_trusted().await, "nothing has changed");

    let old_key = fs::read(&key).unwrap();
    let new = trusting(write_certificate(&fixture.folder));
    let new_key = fs::read(&key).unwrap();
    for (written, why) in
        [(&old_key[..], "another key"), (b"", "an empty key"), (b"-----", "no PEM")]
    {
        fs::write(&key, written).unwrap();
        fixture.certificate.reload().await;
        assert!(fixture.is_trusted().await, "{why} replaces nothing");
    }
    fs::remove_file(&key).unwrap();
    fixture.certificate.reload().await;
    assert!(fixture.is_trusted().await, "a missing key replaces nothing");

    fs::write(&key, new_key).unwrap();
    fixture.certificate.reload().await;
    assert!(!fixture.is_trusted().await, "the old certificate is gone");
    let renewed = TlsFixture { connector: new, ..fixture };
    assert!(renewed.is_trusted().await);
}

#[tokio::test(start_paused = true)]
async fn changed_files_are_followed_without_a_signal() {
    let fixture = TlsFixture::new();
    let following = fixture.certificate.clone().follow();
    let new = trusting(write_certificate(&fixture.folder));
    let renewed = TlsFixture { connector: new, ..fixture };
    let trusted = async {
        while !renewed.is_trusted().await {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    tokio::select! {
        () = following => unreachable!("it never ends"),
        trusted = timeout(Duration::from_secs(60), trusted) => trusted.unwrap(),
    }
}
