//! A proxy passes every transport, long waits and the client's address.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::join_all;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tests::{
    Context, Result,
    client::{Cursors, User, Ws},
    ensure,
    gateway::{Gateway, Settings},
    json,
    patience::{LATER, SOON, within},
    shape::has,
};
use tokio::task::JoinSet;

use crate::{
    behind_both_proxies,
    proxy::{Kind, Limits, Place, Proxy, STRICT_CONNECTIONS, STRICT_REQUESTS},
};

behind_both_proxies!(
    every_transport_passes,
    long_waits_pass,
    clients_are_limited_by_their_real_address,
    untrusted_proxy_counts_as_one_client,
    proxy_answers_like_a_gateway_when_none_is_up,
    flood_of_one_client_is_refused_and_others_pass,
);

/// Starts one gateway behind a proxy that is configured for two.
async fn alone(kind: Kind, settings: Settings) -> Result<Option<(Gateway, Proxy)>> {
    let (here, nowhere) = (Place::new()?, Place::new()?);
    let gateway = here.gateway(settings).await?;
    let Some(proxy) = Proxy::start(kind, [here, nowhere]).await? else { return Ok(None) };
    proxy.uses(1).await?;
    Ok(Some((gateway, proxy)))
}

/// The gateway's limit, for any body.
const BODY_BYTES_MAX: usize = 65_536;

async fn every_transport_passes(kind: Kind) -> Result<()> {
    let Some((_gateway, proxy)) = alone(kind, Settings::new()).await? else { return Ok(()) };
    let ada = User::register(proxy.url(), "ada").await?;
    let bob = User::register(proxy.url(), "bob").await?;
    let direct = ada.direct(&bob).await?;
    // Before the poll, which would return the change of the conversation's state.
    bob.accept(&direct).await?;
    let mut ws = ada.ws(None).await?;
    let waiting = bob.clone();
    let mut polls = JoinSet::new();
    polls.spawn(async move {
        let cursors = Cursors::from([(direct_of(&waiting).await?, 2)]);
        waiting.poll(Some(&cursors), Duration::from_secs(25)).await
    });
    let sent = bob.send(&direct, "b-1", "over REST").await?.ok(201)?;
    has(&ws.next_of("message").await?, &json!({"seq": 3, "client_id": "b-1"}))?;
    has(&sent, &json!({"message": {"seq": 3}, "replayed": false}))?;
    let polled = within(SOON, "the poll", polls.join_next()).await?.context("no poll")??;
    has(&polled?.ok(200)?, &json!({"resume": {direct.as_str(): 3}}))?;
    let body = json!({"conversation": direct, "client_id": "a-1", "text": "over the socket"});
    has(&ws.ok("send", body).await?, &json!({"message": {"seq": 4}}))?;

    // The proxy changes neither the gateway's answers nor the requested host.
    let path = format!("/v1/conversations/{direct}/messages");
    let large = bob.call(Method::POST, &path).header("content-type", "application/json");
    let large = large.bytes(" ".repeat(BODY_BYTES_MAX + 1)).answer().await?;
    large.refused(413, "too_large")?;
    bob.get("/v1/conversations/1").await?.refused(404, "not_found")?;
    let own = [("sec-websocket-protocol", "confab.v1.json"), ("origin", proxy.url())];
    Ws::connect(proxy.url(), &own).await.context("a page of this origin")?;
    let strange = [own[0], ("origin", "http://elsewhere.example")];
    ensure!(Ws::connect(proxy.url(), &strange).await.is_err(), "a foreign page is let in");
    Ok(())
}

async fn direct_of(user: &User) -> Result<String> {
    let list = user.get("/v1/conversations").await?.ok(200)?;
    Ok(list["items"][0]["id"].as_str().context("no conversation")?.to_owned())
}

/// Waits with a poll for the maximum time, and with a socket that only gets a ping.
async fn long_waits_pass(kind: Kind) -> Result<()> {
    const LONGEST: Duration = Duration::from_secs(30);
    let Some((_gateway, proxy)) = alone(kind, Settings::new()).await? else { return Ok(()) };
    let ada = User::register(proxy.url(), "ada").await?;
    let bob = User::register(proxy.url(), "bob").await?;
    let direct = ada.direct(&bob).await?;
    let mut ws = ada.ws(None).await?;
    let polled = bob.poll(Some(&Cursors::from([(direct.clone(), 2)])), LONGEST).await?;
    has(&polled.ok(200)?, &json!({"events": [], "resume": {direct.as_str(): 2}}))?;
    ws.ok("ping", json!({})).await?;
    bob.send(&direct, "b-1", "still there?").await?.ok(201)?;
    has(&ws.next_of("message").await?, &json!({"client_id": "b-1"}))
}

/// Concurrent log-ins above the limit.
const RUSH: usize = 16;
/// Log-ins of another client, below the limit.
const FEW: usize = 6;

/// Limits each address to eight log-ins at once and one more a second.
fn limited() -> Settings {
    Settings::new()
        .set("RATE_LIMITS__ENABLED", "true")
        .set("RATE_LIMITS__ADDRESS_BURST", "8")
        .set("RATE_LIMITS__ADDRESS_PER_SECOND", "1")
        .set("RATE_LIMITS__ACCOUNT_BURST", "1000")
        .set("RATE_LIMITS__ACCOUNT_PER_SECOND", "1000")
}

/// Makes log-ins at once from 127.0.0.`host` and returns how many are refused. Each claims another
/// address in its headers, as attackers do.
async fn refused(proxy: &Proxy, host: u8, count: usize) -> Result<usize> {
    let mut connector = HttpConnector::new();
    connector.set_local_address(Some(IpAddr::V4(Ipv4Addr::new(127, 0, 0, host))));
    let client = Client::builder(TokioExecutor::new()).build(connector);
    let body = json!({"username": "nobody", "password": "a wrong password"}).to_string();
    let log_in = |number: usize| {
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}/v1/sessions", proxy.url()))
            .header("content-type", "application/json")
            .header("x-forwarded-for", format!("198.51.100.{number}"))
            .body(Full::new(Bytes::from(body.clone())));
        let client = client.clone();
        async move { Ok::<_, anyhow::Error>(client.request(request?).await?.status().as_u16()) }
    };
    let statuses = within(LATER, "log-ins", join_all((1..=count).map(log_in))).await?;
    let statuses = statuses.into_iter().collect::<Result<Vec<_>>>()?;
    let known = statuses.iter().all(|status| matches!(status, 401 | 429 | 503));
    ensure!(known, "{statuses:?}");
    Ok(statuses.into_iter().filter(|status| *status == 429).count())
}

async fn clients_are_limited_by_their_real_address(kind: Kind) -> Result<()> {
    let Some((_gateway, proxy)) = alone(kind, limited()).await? else { return Ok(()) };
    // The addresses that the clients claim are ignored.
    ensure!(refused(&proxy, 2, RUSH).await? > 0, "one address is not limited");
    assert_eq!(refused(&proxy, 3, FEW).await?, 0, "another address is limited as well");
    Ok(())
}

async fn untrusted_proxy_counts_as_one_client(kind: Kind) -> Result<()> {
    let (here, nowhere) = (Place::new()?, Place::new()?);
    let settings = here.settle(limited()).set("TRUSTED_PROXIES", "192.0.2.1");
    let _gateway = Gateway::with(settings).await?;
    let Some(proxy) = Proxy::start(kind, [here, nowhere]).await? else { return Ok(()) };
    proxy.uses(1).await?;
    ensure!(refused(&proxy, 2, RUSH).await? > 0, "one address is not limited");
    ensure!(refused(&proxy, 3, FEW).await? > 0, "an untrusted X-Forwarded-For is believed");
    Ok(())
}

async fn proxy_answers_like_a_gateway_when_none_is_up(kind: Kind) -> Result<()> {
    let Some((mut gateway, proxy)) = alone(kind, Settings::new()).await? else { return Ok(()) };
    let ada = User::register(proxy.url(), "ada").await?;
    gateway.kill()?;
    proxy.uses(0).await?;
    // HAProxy knows that the request was not forwarded; nginx does not.
    let (status, code) = match kind {
        Kind::HaProxy => (503, "unavailable"),
        Kind::Nginx => (502, "outcome_unknown"),
    };
    let answer = ada.send("1", "a-1", "into the void").await?;
    ensure!(answer.header("retry-after").parse::<u64>().is_ok_and(|after| after > 0), "{answer:?}");
    ensure!(answer.header("cache-control") == "no-store", "{answer:?}");
    let body = answer.refused(status, code)?;
    assert_eq!(body["instance"], "/v1/conversations/1/messages");
    ensure!(ada.ws(None).await.is_err(), "a socket to a missing path");
    Ok(())
}

/// Sends requests from 127.0.0.`host`, one after the other, and returns the answers' statuses and
/// content types.
async fn statuses(proxy: &Proxy, host: u8, count: usize) -> Result<Vec<(u16, String)>> {
    let mut connector = HttpConnector::new();
    connector.set_local_address(Some(IpAddr::V4(Ipv4Addr::new(127, 0, 0, host))));
    let client = Client::builder(TokioExecutor::new()).build(connector);
    let mut statuses = Vec::new();
    for _ in 0..count {
        let request = Request::builder().uri(format!("{}/v1/me", proxy.url()));
        let answer = client.request(request.body(Full::new(Bytes::new()))?).await?;
        let kind = answer.headers().get("content-type").and_then(|kind| kind.to_str().ok());
        statuses.push((answer.status().as_u16(), kind.unwrap_or_default().to_owned()));
        // Reads the body, so that the connection is used again.
        answer.into_body().collect().await?;
    }
    Ok(statuses)
}

/// Opens WebSockets from one address until one is refused, and returns how many there are.
async fn sockets(proxy: &Proxy, count: usize) -> usize {
    let mut open = Vec::new();
    for _ in 0..count {
        match Ws::connect(proxy.url(), &[("sec-websocket-protocol", "confab.v1.json")]).await {
            Ok(socket) => open.push(socket),
            Err(_) => break,
        }
    }
    open.len()
}

async fn flood_of_one_client_is_refused_and_others_pass(kind: Kind) -> Result<()> {
    let (here, nowhere) = (Place::new()?, Place::new()?);
    let _gateway = here.gateway(Settings::new()).await?;
    let started = Proxy::start_with(kind, [here, nowhere], Limits::Strict).await?;
    let Some(proxy) = started else { return Ok(()) };
    proxy.uses(1).await?;
    let flood = within(LATER, "a flood", statuses(&proxy, 2, 2 * STRICT_REQUESTS)).await??;
    let refused = flood.iter().filter(|(status, _)| *status == 429).count();
    ensure!((1..=STRICT_REQUESTS).contains(&refused), "{refused} of {} are refused", flood.len());
    let is_problem =
        |(status, kind): &(u16, String)| *status != 429 || kind == "application/problem+json";
    ensure!(flood.iter().all(is_problem), "{flood:?}");
    let others = within(LATER, "another client", statuses(&proxy, 3, FEW)).await??;
    ensure!(others.iter().all(|(status, _)| *status == 401), "{others:?}");
    let open = within(LATER, "sockets", sockets(&proxy, 2 * STRICT_CONNECTIONS)).await?;
    ensure!((1..=STRICT_CONNECTIONS).contains(&open), "{open} sockets of one client");
    Ok(())
}
