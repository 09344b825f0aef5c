//! TLS on the listener for clients: every transport works over it, and the certificate can be replaced.

use std::{fs, time::Duration};

use http::Method;
use rustix::process::Signal;
use tests::{
    Result, bail,
    certificates::{Authority, CertificateFiles, text},
    client::{Http, User, Ws, connect, presented_certificate},
    ensure,
    gateway::{Gateway, Settings},
    json,
    patience::{LATER, SOON, eventually, within},
    shape::has,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn settings(files: &CertificateFiles) -> Result<Settings> {
    Ok(Settings::new()
        .set("TLS__CERTIFICATE", text(&files.certificate)?)
        .set("TLS__KEY", text(&files.key)?))
}

/// Sends a request over HTTP/1.1 and returns the answer.
async fn over_http1(url: &str, request: &str) -> Result<String> {
    let mut stream = connect(url, &["http/1.1"]).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    within(SOON, "an answer", stream.read_to_string(&mut answer)).await??;
    Ok(answer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_transport_works_over_tls() -> Result<()> {
    let authority = Authority::new()?;
    let gateway = Gateway::with(settings(&authority.sign("127.0.0.1")?)?).await?;
    let url = gateway.url();
    ensure!(url.starts_with("https://"), "{url}");
    // These calls use HTTP/2.
    let (ada, bob) = (User::register(url, "ada").await?, User::register(url, "bob").await?);
    let group = ada.group("Lunch", &[&bob]).await?;

    let mut sender = ada.ws(None).await?;
    let mut idle = bob.ws(None).await?;
    // From shorter than a record of TLS to many records, and again.
    for (number, length) in [1, 4_000, 8_150, 3, 8_150].into_iter().enumerate() {
        let client_id = format!("tls-{number}");
        let text = "\u{e9}".repeat(length);
        let body = json!({"conversation": group, "client_id": client_id, "text": text});
        sender.ok("send", body).await?;
        let expected = json!({"client_id": client_id, "text": text});
        has(&idle.next_of("message").await?, &expected)?;
    }
    let polled = bob.poll(None, Duration::ZERO).await?.ok(200)?;
    ensure!(polled["resume"][&group].as_u64() > Some(5), "{polled}");
    sender.close().await?;
    idle.close().await?;

    let request = "GET /v1/nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let answer = over_http1(url, request).await?;
    ensure!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    ensure!(answer.contains("strict-transport-security: max-age=31536000"), "{answer}");
    let plain = url.replacen("https", "http", 1);
    let answer = over_http1(&plain, request).await;
    ensure!(!answer.as_ref().is_ok_and(|answer| answer.starts_with("HTTP")), "{answer:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pipelined_commands_are_answered_in_order_over_tls() -> Result<()> {
    let authority = Authority::new()?;
    let gateway = Gateway::with(settings(&authority.sign("127.0.0.1")?)?).await?;
    let (ada, bob) =
        (User::register(gateway.url(), "ada").await?, User::register(gateway.url(), "bob").await?);
    let group = ada.group("Lunch", &[&bob]).await?;
    let mut sender = ada.ws(None).await?;
    let mut readers = Vec::new();
    for _ in 0..8 {
        readers.push(bob.ws(None).await?);
    }
    let mut ids = Vec::new();
    for number in 0..300 {
        let body = json!({"conversation": group, "client_id": format!("{number}"), "text": "x".repeat(900)});
        ids.push(sender.send("send", body).await?);
    }
    let mut last = 0;
    for id in ids {
        let Ok(reply) = sender.reply(id).await? else { bail!("{id} is refused") };
        let seq = reply["message"]["seq"].as_u64().unwrap_or_default();
        ensure!(seq > last, "{seq} after {last}");
        last = seq;
    }
    for reader in &mut readers {
        let mut seen = 0;
        while seen < last {
            let seq = reader.next_of("message").await?["seq"].as_u64().unwrap_or_default();
            ensure!(seen == 0 || seq == seen + 1, "{seq} after {seen}");
            seen = seq;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificate_is_replaced_while_a_socket_stays_open() -> Result<()> {
    let authority = Authority::new()?;
    let files = authority.sign("127.0.0.1")?;
    let mut gateway = Gateway::with(settings(&files)?).await?;
    let url = gateway.url().to_owned();
    let ada = User::register(&url, "ada").await?;
    let mut socket = ada.ws(None).await?;
    let first = presented_certificate(&url).await?;

    // At once, by a signal.
    authority.sign("127.0.0.1")?;
    gateway.process().signal(Signal::HUP)?;
    gateway.process().line("the certificate was replaced", SOON).await?;
    let second = presented_certificate(&url).await?;
    ensure!(second != first, "the old certificate");
    socket.ok("ping", json!({})).await?;

    // A file that is not usable changes nothing.
    let key = fs::read(&files.key)?;
    fs::write(&files.key, "half a ke")?;
    gateway.process().signal(Signal::HUP)?;
    gateway.process().line("the old certificate stays", SOON).await?;
    ensure!(presented_certificate(&url).await? == second, "another certificate");
    fs::write(&files.key, key)?;

    // By itself, some seconds after the files have changed.
    authority.sign("127.0.0.1")?;
    eventually(LATER, async || {
        ensure!(presented_certificate(&url).await? != second, "the old certificate");
        Ok(())
    })
    .await?;
    socket.ok("ping", json!({})).await?;
    ada.ws(None).await?.ok("ping", json!({})).await?;
    ensure!(gateway.drain().await?.success(), "the drain");
    ensure!(socket.closed().await? == 1012, "the close of the drain");
    Ok(())
}

#[tokio::test]
async fn start_fails_when_the_certificate_is_not_usable() -> Result<()> {
    let authority = Authority::new()?;
    let files = authority.sign("127.0.0.1")?;
    let settings = settings(&files)?;
    fs::write(&files.key, "")?;
    let (status, log) = Gateway::run(&settings, &[]).await?;
    ensure!(status.code() == Some(64), "{status}");
    ensure!(log.has_logged("CONFAB__TLS: "), "no reason in the log");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn admin_listener_has_no_tls() -> Result<()> {
    let authority = Authority::new()?;
    let gateway = Gateway::with(settings(&authority.sign("127.0.0.1")?)?).await?;
    let ready = Http::new(gateway.admin_url()).call(Method::GET, "/readyz").answer().await?;
    ready.ok(200)?;
    let refused = Ws::open(&gateway.url().replacen("https", "http", 1)).await;
    ensure!(refused.is_err(), "a WebSocket without TLS");
    Ok(())
}
