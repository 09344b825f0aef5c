//! An ended login gets nothing: on every gateway, without Redis, and after a rolling restart.

use http::Method;
use tests::{
    Context, Result,
    client::{User, Ws},
    cluster::Cluster,
    ensure, json,
    patience::{LATER, eventually, within},
};

/// Tries everything that a login allows, at one gateway.
async fn gets_nothing(login: &User, url: &str, conversation: &str) -> Result<()> {
    let login = login.at(url);
    login.get("/v1/me").await?.refused(401, "unauthenticated")?;
    login.send(conversation, "too-late", "hello").await?.refused(401, "unauthenticated")?;
    login.poll(None, std::time::Duration::ZERO).await?.refused(401, "unauthenticated")?;
    let body = json!({"refresh_token": login.refresh_token});
    let call = login.http().call(Method::POST, "/v1/sessions/refresh").json(&body);
    call.answer().await?.refused(401, "unauthenticated")?;
    ensure!(login.ws(None).await.is_err(), "an ended login opened a socket");
    Ok(())
}

async fn is_closed(socket: &mut Ws) -> Result<()> {
    let code = within(LATER, "the end of a socket", socket.closed()).await??;
    ensure!(code == 4501, "closed with {code}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ended_login_gets_nothing_on_any_gateway() -> Result<()> {
    let Some(mut cluster) = Cluster::on_one_node(3).await? else { return Ok(()) };
    let urls = cluster.urls();
    let ada = User::register(&urls[0], "ada").await?;
    let group = ada.group("Lunch", &[]).await?;
    let (phone, tablet) = (ada.log_in("phone").await?, ada.log_in("tablet").await?);
    let mut sockets = Vec::new();
    for login in [&phone, &tablet] {
        for url in &urls[1..] {
            sockets.push(login.at(url).ws(None).await?);
        }
    }
    let (phones, tablets) = sockets.split_at_mut(2);

    let end = async |login: &User| -> Result<()> {
        ada.delete(&format!("/v1/sessions/{}", login.login)).await?.ok(204).map(drop)
    };
    end(&phone).await?;
    for socket in phones {
        is_closed(socket).await.context("with Redis")?;
    }
    cluster.redis.process().kill()?;
    end(&tablet).await?;
    gets_nothing(&tablet, &urls[0], &group).await.context("at the gateway that ended it")?;
    for socket in tablets {
        is_closed(socket).await.context("without Redis")?;
    }
    for url in &urls {
        for login in [&phone, &tablet] {
            eventually(LATER, async || gets_nothing(login, url, &group).await).await?;
        }
    }

    for nth in 0..3 {
        cluster.gateways[nth].restart().await?;
        let url = cluster.gateways[nth].url().to_owned();
        for login in [&phone, &tablet] {
            gets_nothing(login, &url, &group).await.context("right after a restart")?;
        }
        ada.at(&url).get("/v1/me").await?.ok(200)?;
    }
    Ok(())
}
