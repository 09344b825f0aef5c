//! Consent, privacy and blocks: on one gateway over both transports, and on three gateways.

#![expect(clippy::cognitive_complexity, reason = "a scenario reads from top to bottom")]

use http::Method;
use tests::{
    Result, Value,
    client::User,
    cluster::Cluster,
    ensure, json, over_both_transports,
    patience::{LATER, eventually},
    session::Session,
    shape::{has, items},
    stage::Stage,
};

over_both_transports!(
    request_is_shown_and_accepted,
    declined_request_is_removed_and_does_not_come_back,
    hidden_direct_conversation_comes_back_with_its_next_entry,
    blocked_user_is_refused,
);

async fn answer(user: &User, conversation: &str, answer: &str, status: u16) -> Result<()> {
    let path = format!("/v1/conversations/{conversation}/{answer}");
    user.post(&path, json!({})).await?.ok(status).map(drop)
}

/// Returns the ids of the user's conversations in this state.
async fn listed(user: &User, state: &str) -> Result<Vec<String>> {
    let list = user.get(&format!("/v1/conversations?state={state}")).await?.ok(200)?;
    Ok(items(&list).iter().filter_map(|item| item["id"].as_str()).map(str::to_owned).collect())
}

async fn status(watcher: &User, user: &User) -> Result<Value> {
    let answer = watcher.get(&format!("/v1/presence?users={}", user.id)).await?.ok(200)?;
    Ok(answer["items"][0]["status"].clone())
}

async fn request_is_shown_and_accepted<S: Session>() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let mut session = S::open(&bob, None).await?;
    let direct = ada.direct(&bob).await?;
    let shown = session.event_of("conversation").await?;
    has(&shown["details"], &json!({"id": direct, "state": "request"}))?;
    assert_eq!(listed(&bob, "request").await?, [direct.as_str()]);
    assert_eq!(status(&ada, &bob).await?, "unknown", "a stranger learns nothing");
    let mut socket = bob.ws(None).await?;
    answer(&bob, &direct, "accept", 200).await?;
    let shown = socket.next_of("conversation").await?;
    has(&shown["details"], &json!({"id": direct, "state": "open"}))?;
    assert_eq!(listed(&bob, "open").await?, [direct.as_str()]);
    Ok(())
}

async fn declined_request_is_removed_and_does_not_come_back<S: Session>() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let group = ada.group("Lunch", &[&bob]).await?;
    let mut session = S::open(&bob, None).await?;
    answer(&bob, &group, "decline", 204).await?;
    has(&session.event_of("removed").await?, &json!({"conversation": group}))?;
    ada.send(&group, "a-1", "hello?").await?.ok(201)?;
    for state in ["request", "open"] {
        assert_eq!(listed(&bob, state).await?, [""; 0]);
    }
    // Whatever comes first shows that nothing of the declined conversation came before it.
    let other = ada.group("Dinner", &[&bob]).await?;
    has(&session.event_of("conversation").await?, &json!({"conversation": other}))?;
    answer(&bob, &group, "accept", 200).await?;
    has(&session.event_of("conversation").await?, &json!({"conversation": group}))?;
    let entry = session.event_of("message").await?;
    has(&entry, &json!({"conversation": group, "seq": 1}))
}

async fn hidden_direct_conversation_comes_back_with_its_next_entry<S: Session>() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let direct = ada.acquainted(&bob).await?;
    ada.send(&direct, "a-1", "hello").await?.ok(201)?;
    let mut session = S::open(&ada, None).await?;
    ada.remove(&direct, &ada).await?.ok(204)?;
    has(&session.event_of("removed").await?, &json!({"conversation": direct}))?;
    assert_eq!(listed(&ada, "open").await?, [""; 0]);
    bob.send(&direct, "b-1", "again").await?.ok(201)?;
    let shown = session.event_of("conversation").await?;
    has(&shown, &json!({"conversation": direct}))?;
    let entry = session.event_of("message").await?;
    has(&entry, &json!({"conversation": direct, "text": "again"}))?;
    assert_eq!(listed(&ada, "open").await?, [direct]);
    Ok(())
}

async fn blocked_user_is_refused<S: Session>() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, eve) = stage.ada_bob_eve().await?;
    let direct = ada.acquainted(&bob).await?;
    let mut session = S::open(&ada, None).await?;
    let blocks = format!("/v1/me/blocks/{}", ada.id);
    bob.put(&blocks, json!({})).await?.ok(204)?;
    let send = json!({"conversation": direct, "client_id": "a-1", "text": "hello"});
    let refused = session.refused("send", send.clone(), "forbidden").await?;
    has(&refused, &json!({"details": {"reason": "privacy"}}))?;
    let group = json!({"kind": "group", "title": "Lunch", "members": [bob.id]});
    let call = ada.call(Method::POST, "/v1/conversations");
    let call = call.header("idempotency-key", "lunch").json(&group);
    call.answer().await?.refused(403, "forbidden")?;
    let block_eve = format!("/v1/me/blocks/{}", eve.id);
    ada.put(&block_eve, json!({})).await?.ok(204)?;
    let open = json!({"kind": "direct", "user": ada.id});
    eve.post("/v1/conversations", open).await?.refused(403, "forbidden")?;
    bob.delete(&blocks).await?.ok(204)?;
    session.ok("send", send).await.map(drop)
}

#[tokio::test]
async fn receipts_are_hidden_as_the_settings_say() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let direct = ada.acquainted(&bob).await?;
    bob.patch("/v1/me", json!({"privacy": {"read_receipts": false}})).await?.ok(200)?;
    let mut adas = ada.ws(None).await?;
    ada.send(&direct, "a-1", "hello").await?.ok(201)?;
    let receipt = json!({"conversation": direct, "delivered_seq": 3, "read_seq": 3});
    ensure!(bob.act("receipt", receipt).await?.is_ok());
    let event = adas.next_of("receipt").await?;
    has(&event, &json!({"user": bob.id, "delivered_seq": 3, "read_seq": 0}))?;
    let path = format!("/v1/conversations/{direct}/members");
    let members = ada.get(&path).await?.ok(200)?;
    let bobs = items(&members).iter().find(|member| member["user"] == bob.id);
    has(bobs.unwrap_or(&Value::Null), &json!({"delivered_seq": 3, "read_seq": 0}))
}

#[tokio::test]
async fn requests_can_be_turned_off() -> Result<()> {
    let settings = tests::gateway::Settings::new().set("CONSENT__REQUESTS", "false");
    let stage = Stage::with(settings).await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let direct = ada.direct(&bob).await?;
    assert_eq!(listed(&bob, "open").await?, [direct]);
    assert_ne!(status(&ada, &bob).await?, "unknown");
    Ok(())
}

#[tokio::test]
async fn consent_holds_on_every_gateway() -> Result<()> {
    let Some(cluster) = Cluster::on_one_node(3).await? else { return Ok(()) };
    let [one, two, three] = &cluster.urls()[..] else { unreachable!("three gateways") };
    let (ada, bob) = (User::register(one, "ada").await?, User::register(two, "bob").await?);
    let direct = ada.direct(&bob).await?;
    let mut elsewhere = bob.at(three).ws(None).await?;
    answer(&bob, &direct, "decline", 204).await?;
    elsewhere.next_of("removed").await?;
    answer(&bob, &direct, "accept", 200).await?;
    elsewhere.next_of("conversation").await?;
    assert_eq!(listed(&bob.at(three), "open").await?, [direct.as_str()]);
    eventually(LATER, async || {
        let status = status(&ada, &bob).await?;
        ensure!(status == "online", "{status}");
        Ok(())
    })
    .await?;

    ada.send(&direct, "a-0", "before").await?.ok(201)?;
    bob.put(&format!("/v1/me/blocks/{}", ada.id), json!({})).await?.ok(204)?;
    bob.at(three).patch("/v1/me", json!({"privacy": {"last_seen": "contacts"}})).await?.ok(200)?;
    let mut number = 0;
    eventually(LATER, async || {
        number += 1;
        let sent = ada.send(&direct, &format!("a-{number}"), "after").await?;
        sent.refused(403, "forbidden").map(drop)
    })
    .await?;
    eventually(LATER, async || {
        let status = status(&ada.at(three), &bob).await?;
        ensure!(status == "unknown", "{status}");
        Ok(())
    })
    .await?;
    let me = bob.at(one).get("/v1/me").await?.ok(200)?;
    has(&me, &json!({"privacy": {"last_seen": "contacts"}}))?;
    let blocks = bob.at(one).get("/v1/me/blocks").await?.ok(200)?;
    assert_eq!(blocks["items"], json!([ada.id]));
    Ok(())
}
