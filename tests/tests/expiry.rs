//! Access tokens expire, and their sockets with them unless the token is refreshed in time.

use tests::{
    Result, ensure,
    gateway::Settings,
    json,
    patience::{LATER, eventually},
    shape::has,
    stage::Stage,
};

/// Starts a gateway whose tokens live for seconds. It may accept them for five more seconds.
async fn short_lived() -> Result<Stage> {
    Stage::with(Settings::new().set("AUTH__ACCESS_TTL", "3s")).await
}

#[tokio::test]
async fn old_token_is_refused_as_expired() -> Result<()> {
    let stage = short_lived().await?;
    let ada = stage.user("ada").await?;
    let problem =
        eventually(LATER, async || ada.get("/v1/me").await?.refused(401, "token_expired"));
    has(&problem.await?, &json!({"retryable": false}))?;
    let ada = ada.refreshed().await?;
    has(&ada.get("/v1/me").await?.ok(200)?, &json!({"username": "ada"}))
}

#[tokio::test]
async fn socket_closes_when_its_token_expires() -> Result<()> {
    let stage = short_lived().await?;
    let ada = stage.user("ada").await?;
    let mut ws = ada.ws(None).await?;
    assert_eq!(ws.closed().await?, 4001);
    Ok(())
}

#[tokio::test]
async fn socket_stays_open_when_its_token_is_refreshed() -> Result<()> {
    let stage = short_lived().await?;
    let mut ada = stage.user("ada").await?;
    let first = ada.clone();
    let mut kept = ada.ws(None).await?;
    let mut left = ada.ws(None).await?;
    let expired = async || first.get("/v1/me").await?.refused(401, "token_expired");
    while expired().await.is_err() {
        ada = ada.refreshed().await?;
        let reply = kept.ok("refresh", json!({"token": ada.access_token})).await?;
        ensure!(reply["expires_in"].as_u64() <= Some(3), "{reply}");
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    assert_eq!(left.closed().await?, 4001);
    ada = ada.refreshed().await?;
    kept.ok("refresh", json!({"token": ada.access_token})).await?;
    kept.ok("ping", json!({})).await.map(drop)
}
