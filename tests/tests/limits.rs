//! Every documented limit is tested at and above its bound.

use std::time::Duration;

use http::Method;
use tests::{
    Result, Value,
    client::{Cursors, User},
    ensure,
    gateway::Settings,
    json, over_both_transports,
    patience::{SOON, within},
    session::Session,
    shape::{has, items},
    stage::Stage,
};

over_both_transports!(text_is_limited_by_its_bytes, emoji_and_client_id_are_limited);

async fn text_is_limited_by_its_bytes<S: Session>() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let direct = ada.direct(&bob).await?;
    let mut session = S::open(&ada, None).await?;
    let body = |client_id: &str, text: String| json!({"conversation": direct, "client_id": client_id, "text": text});
    // The bound counts bytes of UTF-8, not of JSON escapes.
    for (client_id, text) in [("a", "x".repeat(16_384)), ("b", "ä".repeat(8_192))] {
        session.ok("send", body(client_id, text)).await?;
    }
    for (client_id, text) in [("c", "x".repeat(16_385)), ("d", "ä".repeat(8_193))] {
        let error = session.refused("send", body(client_id, text), "too_large").await?;
        has(&error, &json!({"details": {"field": "text", "max": 16_384}}))?;
    }
    let mut edit = body("e", "x".repeat(16_385));
    edit["seq"] = json!(3);
    session.refused("edit", edit, "too_large").await?;
    let long = bob.entries(&direct).await?;
    assert_eq!(long[2]["text"].as_str().map(str::len), Some(16_384));
    Ok(())
}

async fn emoji_and_client_id_are_limited<S: Session>() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let direct = ada.direct(&bob).await?;
    let mut session = S::open(&ada, None).await?;
    session.say(&direct, &"x".repeat(64), "hello").await?;
    let long = json!({"conversation": direct, "client_id": "x".repeat(65), "text": "hello"});
    session.refused("send", long, "invalid").await?;
    let react =
        |emoji: String| json!({"conversation": direct, "seq": 3, "emoji": emoji, "on": true});
    let family = |members: usize| vec!["\u{1F469}"; members].join("\u{200D}");
    session.ok("react", react(family(9))).await?;
    assert_eq!(family(9).len(), 60);
    session.refused("react", react(family(10)), "invalid").await.map(drop)
}

async fn group(user: &User, body: Value) -> Result<tests::client::Answer> {
    let key = format!("key-{:?}", body["members"].as_array().map(Vec::len).unwrap_or_default());
    let call = user.call(Method::POST, "/v1/conversations").header("idempotency-key", &key);
    call.json(&body).answer().await
}

#[tokio::test]
async fn titles_and_names_are_limited() -> Result<()> {
    let stage = Stage::open().await?;
    let ada = stage.user("ada").await?;
    let lunch = ada.group("Lunch", &[]).await?;
    let path = format!("/v1/conversations/{lunch}");
    let title = |bytes| json!({"title": "x".repeat(bytes)});
    ada.patch(&path, title(256)).await?.ok(200)?;
    ada.patch(&path, title(257)).await?.refused(413, "too_large")?;
    ada.patch(&path, title(0)).await?.refused(400, "invalid")?;
    let name = |bytes| json!({"display_name": "x".repeat(bytes)});
    ada.patch("/v1/me", name(128)).await?.ok(200)?;
    ada.patch("/v1/me", name(129)).await?.refused(400, "invalid")?;
    let register = async |username: &str, password: &str| {
        let body = json!({"username": username, "password": password});
        ada.http().call(Method::POST, "/v1/users").json(&body).answer().await
    };
    let long = "x".repeat(32);
    let password = "an example password ".repeat(52);
    register(&long, &password[..1_024]).await?.ok(201)?;
    register("abc", "q8Zk1Lw0").await?.ok(201)?;
    register(&"x".repeat(33), "q8Zk1Lw0").await?.refused(400, "invalid")?;
    register("abd", "q8Zk1Lw").await?.refused(400, "invalid")?;
    register("abd", &password[..1_025]).await?.refused(400, "invalid")?;
    Ok(())
}

#[tokio::test]
async fn first_members_of_a_group_are_limited() -> Result<()> {
    let stage = Stage::open().await?;
    let ada = stage.user("ada").await?;
    let ids = |count: u64| (1..=count).map(|id| id.to_string()).collect::<Vec<_>>();
    let body = |members: Vec<String>| json!({"kind": "group", "title": "x", "members": members});
    let refused = group(&ada, body(ids(256))).await?.refused(413, "too_large")?;
    has(&refused, &json!({"details": {"field": "members", "max": 256}}))?;
    // With the creator these are 256, which is allowed. The users only do not exist.
    group(&ada, body(ids(255))).await?.refused(404, "not_found")?;
    Ok(())
}

#[tokio::test]
async fn watched_users_are_limited() -> Result<()> {
    let stage = Stage::open().await?;
    let ada = stage.user("ada").await?;
    let mut ws = ada.ws(None).await?;
    let users = |range: std::ops::RangeInclusive<u64>| json!({"users": range.map(|id| id.to_string()).collect::<Vec<_>>()});
    ws.refused("watch", users(1..=257), "too_large").await?;
    let reply = ws.ok("watch", users(1..=200)).await?;
    assert_eq!(reply["presence"].as_array().map(Vec::len), Some(200));
    ws.ok("watch", users(101..=256)).await?;
    ws.refused("watch", users(300..=300), "too_large").await?;
    ws.ok("unwatch", users(1..=1)).await?;
    ws.ok("watch", users(300..=300)).await?;
    let ids = |count: u64| (1..=count).map(|id| id.to_string()).collect::<Vec<_>>().join(",");
    let asked = ada.get(&format!("/v1/presence?users={}", ids(100))).await?.ok(200)?;
    assert_eq!(items(&asked).len(), 100);
    ada.get(&format!("/v1/presence?users={}", ids(101))).await?.refused(400, "invalid")?;
    ada.get("/v1/presence?users=").await?.refused(400, "invalid")?;
    Ok(())
}

#[tokio::test]
async fn bodies_are_limited() -> Result<()> {
    let stage = Stage::open().await?;
    let ada = stage.user("ada").await?;
    let padded = |bytes: usize| format!("{}{{\"wait_ms\":0}}", " ".repeat(bytes - 13));
    let poll = |body: String| {
        ada.call(Method::POST, "/v1/poll").header("content-type", "application/json").bytes(body)
    };
    poll(padded(65_536)).answer().await?.ok(200)?;
    let refused = poll(padded(65_537)).answer().await?.refused(413, "too_large")?;
    has(&refused, &json!({"details": {"max": 65_536}}))?;
    ensure!(refused["details"].get("field").is_none(), "{refused}");
    Ok(())
}

#[tokio::test]
async fn oldest_poll_ends_when_a_login_starts_a_third() -> Result<()> {
    let stage = Stage::open().await?;
    let ada = stage.user("ada").await?;
    let wait = Duration::from_secs(30);
    let mut polls = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let ada = ada.clone();
        polls.spawn(async move { ada.poll(Some(&Cursors::new()), wait).await });
    }
    let first = within(SOON, "the oldest poll", polls.join_next()).await?;
    let Some(first) = first else { tests::bail!("no poll") };
    has(&first??.ok(200)?, &json!({"events": [], "resume": {}}))?;
    let second = within(Duration::from_secs(1), "another one", polls.join_next()).await;
    ensure!(second.is_err(), "only the oldest ends: {second:?}");
    Ok(())
}

#[tokio::test]
async fn poll_waits_for_the_requested_time() -> Result<()> {
    let stage = Stage::open().await?;
    let ada = stage.user("ada").await?;
    let begun = tokio::time::Instant::now();
    let answer = ada.poll(Some(&Cursors::new()), Duration::from_millis(1_500)).await?.ok(200)?;
    has(&answer, &json!({"events": [], "resume": {}}))?;
    ensure!(begun.elapsed() >= Duration::from_millis(1_450), "after {:?}", begun.elapsed());
    Ok(())
}

#[tokio::test]
async fn hello_returns_the_limits() -> Result<()> {
    let stage = Stage::open().await?;
    let ada = stage.user("ada").await?;
    let ws = ada.ws(None).await?;
    let limits = json!({"text_bytes_max": 16_384, "title_bytes_max": 256,
        "frame_bytes_max": 65_536, "members_max": 100_000, "conversations_max": 10_000,
        "commands_in_flight_max": 32, "poll_wait_ms_max": 30_000, "resume_entries_max": 500,
        "rate_limits": null});
    let greeting = json!({"user": ada.id, "session": ada.login, "heartbeat_ms": 25_000,
        "limits": limits, "resume": {}});
    has(ws.greeting(), &greeting)
}

#[tokio::test]
async fn commands_above_the_rate_limit_can_be_repeated() -> Result<()> {
    let stage = Stage::with(Settings::new().set("RATE_LIMITS__ENABLED", "true")).await?;
    let (ada, bob) = (stage.user("ada").await?, stage.user("bob").await?);
    let direct = ada.direct(&bob).await?;
    let mut ws = ada.ws(None).await?;
    let limits = &ws.greeting()["limits"]["rate_limits"];
    let burst = limits["burst"].as_u64().unwrap_or_default();
    ensure!(burst > 0 && limits["messages_per_second"].as_u64() > Some(0), "{limits}");
    let (mut sent, mut limited) = (0, 0);
    while limited == 0 {
        ensure!(sent < 50 * burst, "no limit after {sent} texts");
        let body = json!({"conversation": direct, "client_id": format!("a-{sent}"), "text": "x"});
        match ws.call("send", body).await? {
            Ok(_) => sent += 1,
            Err(error) => {
                has(&error, &json!({"code": "rate_limited", "retryable": true}))?;
                ensure!(error["retry_after_ms"].as_u64() > Some(0), "{error}");
                limited += 1;
            }
        }
    }
    let over_rest = ada.send(&direct, "rest", "x").await?;
    ensure!(matches!(over_rest.status, 201 | 429), "{over_rest:?}");
    let more = u64::from(over_rest.status == 201);
    assert_eq!(bob.conversation(&direct).await?["head_seq"], 2 + sent + more);
    Ok(())
}

#[tokio::test]
async fn password_guesses_are_limited() -> Result<()> {
    let stage = Stage::with(Settings::new().set("RATE_LIMITS__ENABLED", "true")).await?;
    let ada = stage.user("ada").await?;
    for attempt in 0..500 {
        let body = json!({"username": "ada", "password": format!("guess number {attempt}")});
        let answer = ada.http().call(Method::POST, "/v1/sessions").json(&body).answer().await?;
        if answer.status == 429 {
            answer.refused(429, "rate_limited")?;
            return Ok(());
        }
        answer.refused(401, "unauthenticated")?;
    }
    tests::bail!("500 guesses without a limit")
}
