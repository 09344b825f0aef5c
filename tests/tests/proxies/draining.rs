//! A proxy stops using a gateway that drains or dies, and its clients reconnect.

use std::time::Duration;

use tests::{
    Context, Result,
    client::{Cursors, Http, User},
    ensure,
    gateway::{Gateway, Settings},
    json,
    patience::{SOON, eventually, within},
    shape::has,
};
use tokio::{net::TcpStream, task::JoinSet};

use crate::{
    behind_both_proxies,
    proxy::{Kind, Place, Proxy, get},
};

behind_both_proxies!(
    clients_reconnect_when_their_gateway_drains,
    requests_succeed_when_a_gateway_drains,
    requests_succeed_when_a_gateway_dies,
);

async fn clients_reconnect_when_their_gateway_drains(kind: Kind) -> Result<()> {
    let (here, nowhere) = (Place::new()?, Place::new()?);
    let mut gateway = here.gateway(Settings::new()).await?;
    let Some(proxy) = Proxy::start(kind, [here, nowhere]).await? else { return Ok(()) };
    proxy.uses(1).await?;
    let ada = User::register(proxy.url(), "ada").await?;
    let bob = User::register(proxy.url(), "bob").await?;
    let direct = ada.acquainted(&bob).await?;
    drain_under(&mut gateway, &ada, &bob, &direct).await?;
    proxy.uses(0).await?;
    ensure!(ada.ws(None).await.is_err(), "no users");

    gateway.restart().await?;
    proxy.uses(1).await?;
    let sent = eventually(SOON, async || bob.send(&direct, "b-1", "after").await?.ok(201)).await?;
    has(&sent, &json!({"message": {"seq": 4}}))?;
    let mut ws = ada.ws(Some(&Cursors::from([(direct, 2)]))).await?;
    for (seq, client_id) in [(3, "a-1"), (4, "b-1")] {
        has(&ws.next_of("message").await?, &json!({"seq": seq, "client_id": client_id}))?;
    }
    Ok(())
}

/// Drains the gateway while Ada has a socket and Bob a waiting poll, and checks that both are notified.
async fn drain_under(gateway: &mut Gateway, ada: &User, bob: &User, direct: &str) -> Result<()> {
    let mut ws = ada.ws(None).await?;
    ws.ok("send", json!({"conversation": direct, "client_id": "a-1", "text": "before"})).await?;
    let (waiting, cursors) = (bob.clone(), Cursors::from([(direct.to_owned(), 3)]));
    let mut polls = JoinSet::new();
    polls.spawn(async move { waiting.poll(Some(&cursors), Duration::from_secs(30)).await });
    // A user with a waiting poll is online.
    eventually(SOON, async || {
        let present = ada.get(&format!("/v1/presence?users={}", bob.id)).await?.ok(200)?;
        has(&present, &json!({"items": [{"status": "online"}]}))
    })
    .await?;

    gateway.process().terminate()?;
    let draining = ws.next_of("draining").await?;
    ensure!(draining["reconnect_after_ms"].is_u64(), "{draining}");
    assert_eq!(ws.closed().await?, 1012);
    let polled = within(SOON, "the poll", polls.join_next()).await?.context("no poll")??;
    has(&polled?.ok(200)?, &json!({"events": []}))?;
    assert_eq!(gateway.process().ended(SOON).await?.code(), Some(0));
    Ok(())
}

/// Starts two gateways with separate stores, for requests that need no store.
async fn two(settings: &Settings) -> Result<([Place; 2], [Gateway; 2])> {
    let places = [Place::new()?, Place::new()?];
    let settings = settings.clone().set("STORE", "memory");
    let one = places[0].gateway(settings.clone()).await?;
    let two = places[1].gateway(settings).await?;
    Ok((places, [one, two]))
}

/// Makes requests one after the other, each over a new connection.
async fn requests(proxy: &Proxy, count: usize) -> Result<()> {
    for _ in 0..count {
        get(&Http::new(proxy.url()), "/openapi.json").await?.ok(200)?;
    }
    Ok(())
}

/// Makes requests before, during and after an event. Fails if one is not answered.
async fn through(proxy: &Proxy, happens: impl Future<Output = Result<()>>) -> Result<()> {
    requests(proxy, 4).await?;
    tokio::select! {
        failed = requests(proxy, usize::MAX) => failed,
        happened = happens => happened,
    }?;
    requests(proxy, 20).await
}

async fn requests_succeed_when_a_gateway_drains(kind: Kind) -> Result<()> {
    let (places, [mut one, _two]) = two(&Settings::new().set("DRAIN__DELAY", "2s")).await?;
    let Some(proxy) = Proxy::start(kind, places).await? else { return Ok(()) };
    proxy.uses(2).await?;
    let drained = async {
        one.process().terminate()?;
        assert_eq!(one.process().ended(SOON).await?.code(), Some(0));
        proxy.uses(1).await
    };
    through(&proxy, drained).await?;
    let back = async {
        one.restart().await?;
        proxy.uses(2).await
    };
    through(&proxy, back).await
}

async fn requests_succeed_when_a_gateway_dies(kind: Kind) -> Result<()> {
    let (places, [mut one, _two]) = two(&Settings::new()).await?;
    let Some(proxy) = Proxy::start(kind, places).await? else { return Ok(()) };
    proxy.uses(2).await?;
    through(&proxy, async { one.kill() }).await?;
    proxy.uses(1).await
}

#[tokio::test]
async fn haproxy_removes_a_gateway_before_it_stops_listening() -> Result<()> {
    let (places, [mut one, mut two]) = two(&Settings::new().set("DRAIN__DELAY", "4s")).await?;
    let Some(proxy) = Proxy::start(Kind::HaProxy, places).await? else { return Ok(()) };
    proxy.uses(2).await?;
    assert_eq!(proxy.readiness().await?, 200);
    one.process().terminate()?;
    proxy.uses(1).await?;
    TcpStream::connect(("127.0.0.1", places[0].port))
        .await
        .context("it does not listen any more")?;
    one.process().ended(SOON).await?;
    two.process().terminate()?;
    proxy.uses(0).await?;
    assert_eq!(proxy.readiness().await?, 503);
    Ok(())
}
