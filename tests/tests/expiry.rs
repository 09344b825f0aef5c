//! Access tokens end, and sockets with them; who refreshes in time notices nothing.

use tests::{
    Result, ensure,
    gateway::Settings,
    json,
    patience::{LATER, eventually},
    shape::has,
    stage::Stage,
};

/// Tokens of a few seconds; the gateway may add up to five seconds of leeway.
async fn short_lived() -> Result<Stage> {
    Stage::with(Settings::new().set("AUTH__ACCESS_TTL", "3s")).await
}

#[tokio::test]
async fn old_token_is_told_to_be_expired() -> Result<()> {
    let stage = short_lived().await?;
    let ada = stage.user("ada").await?;
    let problem =
        eventually(LATER, async || ada.get("/v1/me").await?.refused(401, "token_expired"));
    has(&problem.await?, &json!({"retryable": false}))?;
    let ada = ada.refreshed().await?;
    has(&ada.get("/v1/me").await?.ok(200)?, &json!({"username": "ada"}))
}

#[tokio::test]
async fn socket_ends_with_its_token() -> Result<()> {
    let stage = short_lived().await?;
    let ada = stage.user("ada").await?;
    let mut ws = ada.ws(None).await?;
    assert_eq!(ws.closed().await?, 4001);
    Ok(())
}

#[tokio::test]
async fn refreshed_socket_outlives_its_first_token() -> Result<()> {
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
