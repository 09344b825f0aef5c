//! What still works while Redis or the store is away, and that everything works afterwards.

use std::time::Duration;

use http::Method;
use tests::{
    Context, Result, Value,
    client::{Http, User, Ws},
    cluster::Cluster,
    ensure,
    gateway::Gateway,
    json,
    patience::{LATER, eventually, within},
    shape::{has, items},
};

/// Every command is answered within this time, even if the store does not answer.
const ANSWERED: Duration = Duration::from_secs(10);

/// Openings and polls after each way of losing Redis.
const OPENINGS: usize = 100;

async fn status(url: &str, path: &str) -> Result<u16> {
    Ok(Http::new(url).call(Method::GET, path).answer().await?.status)
}

async fn presence(watcher: &User, user: &User) -> Result<Value> {
    let answer = watcher.get(&format!("/v1/presence?users={}", user.id)).await?.ok(200)?;
    Ok(items(&answer).first().cloned().unwrap_or_default())
}

/// Waits until `watcher` sees this status of `user`.
async fn becomes(watcher: &User, user: &User, status: &str) -> Result<()> {
    let expected = json!({"status": status});
    eventually(LATER, async || has(&presence(watcher, user).await?, &expected)).await
}

/// Sends on Ada's gateway and opens a session and a poll on Bob's after each acknowledgement.
///
/// Fails if either returns a head below the acknowledged seq. `listening` keeps the conversation
/// live on Bob's gateway, so that its head is cached there.
async fn heads_are_never_stale(
    ada: &User,
    bob: &User,
    direct: &str,
    listening: &mut Ws,
    redis: &str,
) -> Result<()> {
    let mut acknowledged = 0;
    for number in 0..OPENINGS {
        let sent = ada.send(direct, &format!("{redis}-head-{number}"), "hello").await?.ok(201)?;
        acknowledged = sent["message"]["seq"].as_u64().context("no seq")?;
        let ws = bob.ws(None).await?;
        let opened = ws.heads().get(direct).copied();
        ensure!(opened >= Some(acknowledged), "hello: {opened:?} after {acknowledged}");
        ws.close().await?;
        let answer = bob.poll(None, Duration::ZERO).await?.ok(200)?;
        let polled = answer["resume"][direct].as_u64();
        ensure!(polled >= Some(acknowledged), "poll: {polled:?} after {acknowledged}");
    }
    while listening.next_of("message").await?["seq"] != acknowledged {}
    Ok(())
}

/// Waits until a gateway reports that hints do not pass.
async fn bus_is_degraded(gateway: &Gateway) -> Result<()> {
    eventually(LATER, async || {
        let ready = Http::new(gateway.admin_url()).call(Method::GET, "/readyz").answer().await?;
        ensure!(ready.body["dependencies"]["bus"] == "degraded", "{ready:?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_and_heads_stay_current_when_redis_is_away() -> Result<()> {
    let Some(mut cluster) = Cluster::on_one_node(2).await? else { return Ok(()) };
    let urls = cluster.urls();
    let ada = User::register(&urls[0], "ada").await?;
    let bob = User::register(&urls[1], "bob").await?;
    let direct = ada.acquainted(&bob).await?;
    let mut listening = bob.ws(None).await?;
    becomes(&ada, &bob, "online").await?;
    ada.send(&direct, "with-redis", "hello").await?.ok(201)?;
    has(&listening.next_of("message").await?, &json!({"client_id": "with-redis"}))?;

    for redis in ["paused", "killed"] {
        if redis == "paused" {
            cluster.redis.process().pause()?;
        } else {
            cluster.redis.process().kill()?;
        }
        bus_is_degraded(&cluster.gateways[1]).await?;
        let fresh = heads_are_never_stale(&ada, &bob, &direct, &mut listening, redis).await;
        fresh.with_context(|| format!("Redis is {redis}"))?;
        for number in 0..3 {
            let name = format!("{redis}-{number}");
            ada.send(&direct, &name, "are you there?").await?.ok(201)?;
            has(&listening.next_of("message").await?, &json!({"client_id": name}))?;
        }
        becomes(&ada, &bob, "unknown").await?;
        assert_eq!(status(cluster.gateways[0].admin_url(), "/readyz").await?, 200);
        ada.log_in("another device").await?;
        if redis == "paused" {
            cluster.redis.process().resume()?;
        } else {
            cluster.redis.restart().await?;
        }
        becomes(&ada, &bob, "online").await?;
        becomes(&bob, &ada, "offline").await?;
    }
    ada.send(&direct, "redis-again", "hello").await?.ok(201)?;
    has(&listening.next_of("message").await?, &json!({"client_id": "redis-again"}))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sends_fail_in_time_and_can_be_repeated_without_the_store() -> Result<()> {
    let Some(mut cluster) = Cluster::on_one_node(1).await? else { return Ok(()) };
    let url = cluster.gateways[0].url().to_owned();
    let admin = cluster.gateways[0].admin_url().to_owned();
    let ada = User::register(&url, "ada").await?;
    let bob = User::register(&url, "bob").await?;
    let direct = ada.acquainted(&bob).await?;
    let mut listening = bob.ws(None).await?;
    ada.send(&direct, "before", "hello").await?.ok(201)?;

    cluster.cassandra.node(1)?.pause()?;
    for number in 0..4 {
        let name = format!("while-{number}");
        let answer = within(ANSWERED, "a send", ada.send(&direct, &name, "hello")).await??;
        let code = answer.body["code"].as_str().unwrap_or_default().to_owned();
        ensure!(matches!(&*code, "unavailable" | "outcome_unknown"), "{answer:?}");
        answer.refused(503, &code)?;
    }
    eventually(LATER, async || {
        ensure!(status(&admin, "/readyz").await? == 503, "still ready");
        Ok(())
    })
    .await?;
    assert_eq!(status(&admin, "/healthz").await?, 200);
    listening.ok("ping", json!({})).await?;
    let mut log_ins = Vec::new();
    for username in ["ada", "nobody"] {
        let body = json!({"username": username, "password": "an example password"});
        let call = ada.http().call(Method::POST, "/v1/sessions").json(&body);
        let answer = within(ANSWERED, "a log-in", call.answer()).await??;
        log_ins.push(answer.refused(503, "unavailable")?["message"].clone());
    }
    assert_eq!(log_ins[0], log_ins[1], "known and unknown names get the same message");

    cluster.cassandra.node(1)?.resume()?;
    for number in 0..4 {
        let name = format!("while-{number}");
        eventually(LATER, async || {
            let answer = ada.send(&direct, &name, "hello").await?;
            ensure!(matches!(answer.status, 200 | 201), "{answer:?}");
            Ok(())
        })
        .await?;
    }
    let texts = bob.entries(&direct).await?;
    let mut names: Vec<_> = texts.iter().filter_map(|entry| entry["client_id"].as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["before", "while-0", "while-1", "while-2", "while-3"]);
    for seq in 3..=7 {
        has(&listening.next_of("message").await?, &json!({"seq": seq}))?;
    }
    eventually(LATER, async || {
        ensure!(status(&admin, "/readyz").await? == 200, "not ready again");
        Ok(())
    })
    .await
}
