//! A draining gateway notifies all clients, loses nothing and exits by itself.

use std::time::Duration;

use tempfile::TempDir;
use tests::{
    Context, Result,
    client::{Cursors, Http},
    ensure,
    gateway::{Gateway, Settings},
    json,
    patience::{SOON, eventually, within},
    shape::has,
    stage::Stage,
};

#[tokio::test]
async fn drain_notifies_clients_and_exits_with_zero() -> Result<()> {
    let mut stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let direct = ada.direct(&bob).await?;
    let mut ws = ada.ws(None).await?;
    let waiting = bob.clone();
    let mut polls = tokio::task::JoinSet::new();
    polls.spawn(async move {
        let cursors = waiting.poll(None, Duration::ZERO).await?.ok(200)?["resume"].take();
        let cursors: Cursors = serde_json::from_value(cursors)?;
        waiting.poll(Some(&cursors), Duration::from_secs(30)).await
    });
    // A poll that returns an event shows that polls arrive. The next one waits.
    ws.ok("send", json!({"conversation": direct, "client_id": "a-1", "text": "x"})).await?;
    if let Ok(first) = within(Duration::from_secs(1), "a poll", polls.join_next()).await {
        let Some(first) = first else { tests::bail!("no poll") };
        first??.ok(200)?;
        let waiting = bob.clone();
        let cursors = Cursors::from([(direct.clone(), 3)]);
        polls.spawn(async move { waiting.poll(Some(&cursors), Duration::from_secs(30)).await });
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    stage.gateway.process().terminate()?;
    let draining = ws.next_of("draining").await?;
    ensure!(draining["reconnect_after_ms"].is_u64(), "{draining}");
    assert_eq!(ws.closed().await?, 1012);
    let polled = within(SOON, "the waiting poll", polls.join_next()).await?;
    let Some(polled) = polled else { tests::bail!("no poll") };
    has(&polled??.ok(200)?, &json!({"events": []}))?;
    let status = stage.gateway.process().ended(SOON).await?;
    assert_eq!(status.code(), Some(0));

    stage.gateway.restart().await?;
    let bob = bob.at(stage.gateway.url());
    let resumed = bob.poll(Some(&Cursors::from([(direct.clone(), 2)])), Duration::ZERO).await?;
    let event = json!({"ev": "message", "seq": 3, "client_id": "a-1"});
    has(&resumed.ok(200)?, &json!({"events": [event], "resume": {direct.as_str(): 3}}))
}

#[tokio::test]
async fn drain_completes_commands_in_progress() -> Result<()> {
    let mut stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let direct = ada.direct(&bob).await?;
    let mut ws = ada.ws(None).await?;
    let mut open = Vec::new();
    for number in 0..200 {
        let body = json!({"conversation": direct, "client_id": format!("a-{number}"), "text": "x"});
        open.push(ws.send("send", body).await?);
    }
    stage.gateway.process().terminate()?;
    let mut acknowledged = Vec::new();
    for id in open {
        match ws.reply(id).await {
            Ok(Ok(ok)) => acknowledged.push(ok["message"]["seq"].as_u64().unwrap_or_default()),
            Ok(Err(error)) => ensure!(error["code"] == "unavailable", "{error}"),
            Err(_) => break,
        }
    }
    assert_eq!(stage.gateway.process().ended(SOON).await?.code(), Some(0));
    stage.gateway.restart().await?;
    let entries = bob.at(stage.gateway.url()).entries(&direct).await?;
    let head = entries.len() as u64;
    ensure!(acknowledged.iter().all(|&seq| seq <= head), "lost: {acknowledged:?} of {head}");
    Ok(())
}

#[tokio::test]
async fn second_process_fails_on_the_same_folder() -> Result<()> {
    let stage = Stage::open().await?;
    let folder = stage.gateway.data().display().to_string();
    let settings = Settings::new().set("DATA_DIR", &folder);
    let (status, process) = Gateway::run(&settings, &[]).await?;
    ensure!(status.code().is_some_and(|code| code != 0), "a second one: {status}");
    ensure!(!process.has_logged("listening on http"), "it served");
    Ok(())
}

#[tokio::test]
async fn all_wrong_settings_are_reported_together() -> Result<()> {
    let settings = Settings::new().set("STORE", "paper").set("LISTENN", "x");
    let settings = settings.set("AUTH__ACCESS_TTL", "soon");
    let (status, mut process) = Gateway::run(&settings, &[]).await?;
    assert_eq!(status.code(), Some(64));
    for name in ["CONFAB__STORE", "CONFAB__LISTENN", "CONFAB__AUTH__ACCESS_TTL"] {
        process.line(name, SOON).await?;
    }
    Ok(())
}

#[tokio::test]
async fn readiness_ends_before_the_listener_closes() -> Result<()> {
    let stage = Stage::open().await?;
    let admin = Http::new(stage.gateway.admin_url());
    let status = async |path: &str| -> Result<u16> {
        Ok(admin.call(http::Method::GET, path).answer().await?.status)
    };
    eventually(SOON, async || {
        ensure!(status("/readyz").await? == 200, "not ready");
        Ok(())
    })
    .await?;
    assert_eq!(status("/healthz").await?, 200);
    Ok(())
}

#[tokio::test]
async fn signal_ends_a_gateway_that_is_opening_its_store() -> Result<()> {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let folder = TempDir::with_prefix("confab-test-")?;
    let secret = folder.path().join("auth.key");
    std::fs::write(&secret, "A".repeat(43))?;
    let settings = Settings::new()
        .set("STORE", "scylla")
        .set("SCYLLA__NODES", &silent.local_addr()?.to_string())
        .set("AUTH__SECRET_FILE", secret.to_str().context("a folder without a name")?);
    let (mut process, _folder) = Gateway::begin(&settings)?;
    let _asked = within(SOON, "a connection to the store", silent.accept()).await??;
    process.terminate()?;
    let ended = process.ended(SOON).await?;
    ensure!(ended.success(), "{ended}");
    Ok(())
}
