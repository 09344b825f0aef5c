//! Creates and lists conversations.

use std::time::Duration;

use http::Method;
use tests::{
    Result, Value,
    client::{Answer, User},
    ensure, json,
    patience::{SOON, eventually},
    shape::{has, items},
    stage::Stage,
};

async fn group(user: &User, key: &str, body: &Value) -> Result<Answer> {
    let call = user.call(Method::POST, "/v1/conversations").header("idempotency-key", key);
    call.json(body).answer().await
}

#[tokio::test]
async fn two_people_have_one_direct_conversation() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, eve) = stage.ada_bob_eve().await?;
    let body = |user: &str| json!({"kind": "direct", "user": user});
    let made = ada.post("/v1/conversations", body(&bob.id)).await?.ok(201)?;
    let expected = json!({"kind": "direct", "title": null, "head_seq": 2, "unread": 0,
        "last_message": null, "role": "member", "member_count": 2, "peer": {"id": bob.id}});
    has(&made, &expected)?;
    let again = ada.post("/v1/conversations", body(&bob.id)).await?.ok(200)?;
    assert_eq!(again["id"], made["id"]);
    let theirs = bob.post("/v1/conversations", body(&ada.id)).await?.ok(200)?;
    has(&theirs, &json!({"id": made["id"], "peer": {"id": ada.id}}))?;
    let (one, other) = tokio::join!(
        ada.post("/v1/conversations", body(&eve.id)),
        eve.post("/v1/conversations", body(&ada.id)),
    );
    let (one, other) = (one?, other?);
    assert_eq!(one.body["id"], other.body["id"], "at once");
    ada.post("/v1/conversations", body(&ada.id)).await?.refused(400, "invalid")?;
    ada.post("/v1/conversations", body("987654321")).await?.refused(404, "not_found")?;
    Ok(())
}

#[tokio::test]
async fn new_group_has_its_first_members() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, eve) = stage.ada_bob_eve().await?;
    let members = json!([bob.id, ada.id, eve.id, bob.id]);
    let body = json!({"kind": "group", "title": "Lunch", "members": members});
    let made = group(&ada, "lunch", &body).await?.ok(201)?;
    let expected = json!({"kind": "group", "title": "Lunch", "head_seq": 3, "unread": 0,
        "last_message": null, "delivered_seq": 0, "read_seq": 0, "role": "owner",
        "member_count": 3});
    has(&made, &expected)?;
    ensure!(made.get("peer").is_none(), "a group with a peer: {made}");
    let id = made["id"].as_str().unwrap_or_default();
    let entries = bob.entries(id).await?;
    has(&entries[0], &json!({"seq": 1, "kind": "joined", "user": ada.id, "role": "owner"}))?;
    for entry in &entries {
        has(entry, &json!({"kind": "joined", "sender": ada.id, "conversation": id}))?;
        ensure!(entry.get("client_id").is_none(), "{entry}");
    }
    let listed = eve.get(&format!("/v1/conversations/{id}/members")).await?.ok(200)?;
    assert_eq!(items(&listed).len(), 3, "{listed}");
    let first = json!({"user": ada.id, "role": "owner", "joined_seq": 1});
    ensure!(items(&listed).iter().any(|member| has(member, &first).is_ok()), "{listed}");
    let alone = json!({"kind": "group", "title": "Alone"});
    has(&group(&ada, "alone", &alone).await?.ok(201)?, &json!({"member_count": 1}))?;
    let unknown = json!({"kind": "group", "title": "x", "members": ["987654321"]});
    group(&ada, "unknown", &unknown).await?.refused(404, "not_found")?;
    Ok(())
}

#[tokio::test]
async fn idempotency_key_creates_one_group() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let body = json!({"kind": "group", "title": "Lunch", "members": [bob.id]});
    let none = ada.post("/v1/conversations", body.clone()).await?.refused(400, "invalid")?;
    has(&none, &json!({"details": {"field": "Idempotency-Key"}}))?;
    let made = group(&ada, "key-1", &body).await?.ok(201)?;
    ada.send(made["id"].as_str().unwrap_or_default(), "a-1", "hello").await?.ok(201)?;
    assert_eq!(group(&ada, "key-1", &body).await?.ok(201)?, made, "the first answer again");
    let other = json!({"kind": "group", "title": "Supper", "members": [bob.id]});
    let reused = group(&ada, "key-1", &other).await?.refused(422, "key_reused")?;
    has(&reused, &json!({"details": {"field": "Idempotency-Key"}}))?;
    let theirs =
        group(&bob, "key-1", &json!({"kind": "group", "title": "Lunch"})).await?.ok(201)?;
    ensure!(theirs["id"] != made["id"], "keys are a user's own");
    for bad in ["", "a b", "ä", &"x".repeat(65)] {
        let status = group(&ada, bad, &body).await.map(|answer| answer.status);
        ensure!(!matches!(status, Ok(201)), "the key {bad:?} is taken");
    }
    Ok(())
}

#[tokio::test]
async fn idempotency_key_creates_one_group_when_used_concurrently() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let body = json!({"kind": "group", "title": "Lunch", "members": [bob.id]});
    let mut attempts = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (ada, body) = (ada.clone(), body.clone());
        attempts.spawn(async move { group(&ada, "key-1", &body).await });
    }
    let mut made = Vec::new();
    while let Some(attempt) = attempts.join_next().await {
        let answer = attempt??;
        if answer.status == 409 {
            has(&answer.refused(409, "conflict")?, &json!({"retryable": true}))?;
        } else {
            made.push(answer.ok(201)?["id"].clone());
        }
    }
    made.dedup();
    assert_eq!(made.len(), 1, "{made:?}");
    let listed = ada.get("/v1/conversations").await?.ok(200)?;
    assert_eq!(items(&listed).len(), 1, "{listed}");
    Ok(())
}

#[tokio::test]
async fn list_starts_with_the_newest_activity() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let mut ids = Vec::new();
    for number in 0..7 {
        ids.push(ada.group(&format!("group {number}"), &[&bob]).await?);
        // Wait, so that activities differ at any clock resolution.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    ada.send(&ids[2], "a-1", "now the newest").await?.ok(201)?;
    let newest = ids.remove(2);
    ids.push(newest);
    ids.reverse();
    // The order of the list may lag by a second.
    eventually(SOON, async || assert_listed(&bob, &ids).await).await?;
    for bad in ["limit=0", "limit=101", "limit=x", "cursor=nonsense", "page=2"] {
        bob.get(&format!("/v1/conversations?{bad}")).await?.refused(400, "invalid")?;
    }
    Ok(())
}

async fn assert_listed(user: &User, expected: &[String]) -> Result<()> {
    let mut listed = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/v1/conversations?limit=3{cursor}");
        let page = user.get(&path).await?.ok(200)?;
        ensure!(items(&page).len() <= 3, "{page}");
        listed.extend(items(&page).iter().map(|item| item["id"].clone()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={}", tests::client::percent_encoded(next)),
            None => break,
        }
    }
    ensure!(listed == expected, "{listed:?} instead of {expected:?}");
    Ok(())
}

#[tokio::test]
async fn members_are_listed_in_pages() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, eve) = stage.ada_bob_eve().await?;
    let group = ada.group("Lunch", &[&bob, &eve]).await?;
    let base = format!("/v1/conversations/{group}/members");
    let first = ada.get(&format!("{base}?limit=2")).await?.ok(200)?;
    let next = tests::client::percent_encoded(first["next_cursor"].as_str().unwrap_or_default());
    let second = ada.get(&format!("{base}?limit=2&cursor={next}")).await?.ok(200)?;
    let all = items(&first).iter().chain(items(&second)).map(|member| member["user"].to_string());
    let mut all: Vec<_> = all.collect();
    all.sort();
    all.dedup();
    assert_eq!((all.len(), &second["next_cursor"]), (3, &Value::Null));
    ada.get(&format!("{base}?limit=0")).await?.refused(400, "invalid")?;
    Ok(())
}

#[tokio::test]
async fn send_conflicts_when_the_expected_seq_is_taken() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let direct = ada.direct(&bob).await?;
    let path = format!("/v1/conversations/{direct}/messages");
    let body = |client_id: &str, expected_seq: u64| json!({"client_id": client_id, "text": "x", "expected_seq": expected_seq});
    for wrong in [1, 2, 4, 100] {
        let refused = ada.post(&path, body("a-1", wrong)).await?.refused(409, "conflict")?;
        has(&refused, &json!({"details": {"head_seq": 2}, "retryable": false}))?;
    }
    has(&ada.post(&path, body("a-1", 3)).await?.ok(201)?, &json!({"message": {"seq": 3}}))?;
    bob.send(&direct, "b-1", "hello").await?.ok(201)?;
    // A repeat is recognised before the expected seq is compared.
    let again = ada.post(&path, body("a-1", 3)).await?.ok(200)?;
    has(&again, &json!({"message": {"seq": 3}, "replayed": true}))
}
