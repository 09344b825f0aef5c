//! Receipts, unread counts, typing and presence.

#![expect(clippy::cognitive_complexity, reason = "a scenario reads from top to bottom")]

use tests::{
    Result, Value,
    client::{Cursors, User, Ws},
    ensure, json, over_both_transports,
    patience::{LATER, eventually},
    session::{Session, meanwhile},
    shape::{covers, has, items},
    stage::Stage,
};

over_both_transports!(
    receipts_only_move_forward,
    receipts_reach_other_members,
    receipts_reach_the_users_other_devices,
    unread_counts_the_texts_of_others,
    typing_reaches_other_members_only,
);

fn receipt(conversation: &str, delivered_seq: Option<u64>, read_seq: Option<u64>) -> Value {
    json!({"conversation": conversation, "delivered_seq": delivered_seq, "read_seq": read_seq})
}

async fn own_receipt(user: &User, conversation: &str) -> Result<(u64, u64)> {
    let own = user.conversation(conversation).await?;
    let seq = |name: &str| own[name].as_u64().unwrap_or(u64::MAX);
    Ok((seq("delivered_seq"), seq("read_seq")))
}

async fn receipts_only_move_forward<S: Session>() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let group = ada.group("Lunch", &[&bob]).await?;
    bob.accept(&group).await?;
    for number in 0..5 {
        ada.send(&group, &format!("a-{number}"), "hello").await?.ok(201)?;
    }
    let mut session = S::open(&bob, None).await?;
    assert_eq!(own_receipt(&bob, &group).await?, (0, 0), "before the first entry");
    for (moved, is) in [
        (receipt(&group, Some(3), None), (3, 0)),
        (receipt(&group, None, Some(4)), (4, 4)),
        (receipt(&group, Some(2), Some(1)), (4, 4)),
        (receipt(&group, Some(6), Some(5)), (6, 5)),
    ] {
        session.ok("receipt", moved.clone()).await?;
        assert_eq!(own_receipt(&bob, &group).await?, is, "{moved}");
    }
    session.refused("receipt", receipt(&group, Some(8), None), "invalid").await?;
    session.refused("receipt", receipt(&group, None, Some(1_000)), "invalid").await?;
    session.refused("receipt", receipt(&group, None, None), "invalid").await?;
    assert_eq!(own_receipt(&bob, &group).await?, (6, 5));
    assert_eq!(own_receipt(&ada, &group).await?, (7, 7), "sending moves one's own");
    let members = ada.get(&format!("/v1/conversations/{group}/members")).await?.ok(200)?;
    let bobs = items(&members).iter().find(|member| member["user"] == bob.id);
    has(bobs.unwrap_or(&Value::Null), &json!({"delivered_seq": 6, "read_seq": 5}))
}

async fn receipts_reach_other_members<S: Session>() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let direct = ada.acquainted(&bob).await?;
    for number in 0..60 {
        ada.send(&direct, &format!("a-{number}"), "hello").await?.ok(201)?;
    }
    let mut adas = S::open(&ada, None).await?;
    let mut bobs = S::open(&bob, None).await?;
    let mut seq = 0;
    let forward = async || {
        seq += 1;
        bobs.ok("receipt", receipt(&direct, None, Some(seq))).await.map(drop)
    };
    let event = meanwhile(adas.event_of("receipt"), forward).await?;
    has(&event, &json!({"conversation": direct, "user": bob.id}))?;
    ensure!(event["read_seq"].as_u64() <= Some(seq), "ahead: {event}");
    ensure!(event["delivered_seq"] == event["read_seq"], "not lifted: {event}");
    Ok(())
}

async fn receipts_reach_the_users_other_devices<S: Session>() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let direct = ada.acquainted(&bob).await?;
    for number in 0..60 {
        ada.send(&direct, &format!("a-{number}"), "hello").await?.ok(201)?;
    }
    let mut phone = S::open(&bob.log_in("phone").await?, None).await?;
    let mut seq = 0;
    let forward = async || {
        seq += 1;
        bob.act("receipt", receipt(&direct, Some(seq), None)).await.map(drop)
    };
    let event = meanwhile(phone.event_of("receipt"), forward).await?;
    has(&event, &json!({"conversation": direct, "user": bob.id, "read_seq": 0}))
}

async fn unread_counts_the_texts_of_others<S: Session>() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let group = ada.group("Lunch", &[&bob]).await?;
    bob.accept(&group).await?;
    let mut session = S::open(&ada, None).await?;
    for number in 0..3 {
        session.say(&group, &format!("a-{number}"), "hello").await?;
    }
    let edit = json!({"conversation": group, "seq": 4, "client_id": "a-e", "text": "hallo"});
    session.ok("edit", edit).await?;
    session.ok("redact", json!({"conversation": group, "seq": 5})).await?;
    let unread = async |user: &User| -> Result<Value> {
        Ok(user.conversation(&group).await?["unread"].take())
    };
    assert_eq!(unread(&bob).await?, 2, "neither edits nor the redacted text count");
    assert_eq!(unread(&ada).await?, 0);
    let moved = bob.act("receipt", receipt(&group, None, Some(3))).await?;
    ensure!(moved.is_ok(), "{moved:?}");
    assert_eq!(unread(&bob).await?, 1);
    let listed = bob.get("/v1/conversations").await?.ok(200)?;
    has(&listed, &json!({"next_cursor": null, "items": [{"id": group}]}))?;
    bob.send(&group, "b-1", "I have read it all").await?.ok(201)?;
    assert_eq!(unread(&bob).await?, 0, "sending moves one's own receipt");
    assert_eq!(unread(&ada).await?, 1);
    Ok(())
}

async fn typing_reaches_other_members_only<S: Session>() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, eve) = stage.ada_bob_eve().await?;
    let direct = ada.acquainted(&bob).await?;
    let mut writing = ada.ws(None).await?;
    let mut stranger = eve.ws(None).await?;
    let mut bobs = S::open(&bob, None).await?;
    let on =
        async || writing.ok("typing", json!({"conversation": direct, "on": true})).await.map(drop);
    let event = meanwhile(bobs.event_of("typing"), on).await?;
    has(&event, &json!({"conversation": direct, "user": ada.id, "on": true}))?;
    let off =
        async || writing.ok("typing", json!({"conversation": direct, "on": false})).await.map(drop);
    let stopped = async {
        loop {
            let event = bobs.event_of("typing").await?;
            if event["on"] == false {
                return Ok(());
            }
        }
    };
    meanwhile(stopped, off).await?;
    let own = writing.events_so_far().await?;
    ensure!(own.iter().all(|event| event["ev"] != "typing"), "own typing is received: {own:?}");
    let body = json!({"conversation": direct, "on": true});
    stranger.refused("typing", body, "not_found").await?;
    let others = stranger.events_so_far().await?;
    ensure!(others.is_empty(), "a stranger receives typing: {others:?}");
    Ok(())
}

async fn presence_of(watcher: &User, user: &User) -> Result<Value> {
    let answer = watcher.get(&format!("/v1/presence?users={}", user.id)).await?.ok(200)?;
    Ok(items(&answer).first().cloned().unwrap_or_default())
}

async fn becomes(ws: &mut Ws, user: &User, status: &str) -> Result<Value> {
    loop {
        let event = ws.next_of("presence").await?;
        if covers(&event, &json!({"user": user.id, "status": status})) {
            return Ok(event);
        }
    }
}

#[tokio::test]
async fn watched_user_becomes_online_away_and_offline() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, eve) = stage.ada_bob_eve().await?;
    ada.acquainted(&bob).await?;
    let mut watcher = ada.ws(None).await?;
    let users = json!({"users": [bob.id, eve.id]});
    let reply = watcher.ok("watch", users).await?;
    let offline = json!({"user": bob.id, "status": "offline"});
    let unknown = json!({"user": eve.id, "status": "unknown", "last_seen_at": null});
    has(&reply, &json!({"presence": [offline, unknown]}))?;

    let mut bobs = bob.ws(None).await?;
    has(&becomes(&mut watcher, &bob, "online").await?, &json!({"last_seen_at": null}))?;
    has(&presence_of(&ada, &bob).await?, &json!({"status": "online", "last_seen_at": null}))?;
    has(&presence_of(&eve, &bob).await?, &json!({"status": "unknown", "last_seen_at": null}))?;
    bobs.ok("away", json!({"on": true})).await?;
    becomes(&mut watcher, &bob, "away").await?;
    bobs.ok("away", json!({"on": false})).await?;
    becomes(&mut watcher, &bob, "online").await?;
    bobs.close().await?;
    let event = becomes(&mut watcher, &bob, "offline").await?;
    ensure!(event["last_seen_at"].is_string(), "never seen: {event}");
    has(&presence_of(&ada, &bob).await?, &json!({"last_seen_at": event["last_seen_at"]}))
}

#[tokio::test]
async fn presence_of_unwatched_users_is_not_sent() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, eve) = stage.ada_bob_eve().await?;
    let group = ada.group("Lunch", &[&bob, &eve]).await?;
    for member in [&bob, &eve] {
        member.accept(&group).await?;
    }
    let mut watcher = ada.ws(None).await?;
    watcher.ok("watch", json!({"users": [bob.id, eve.id]})).await?;
    watcher.ok("unwatch", json!({"users": [bob.id]})).await?;
    let _bobs = bob.ws(None).await?;
    let _eves = eve.ws(None).await?;
    has(&watcher.next_of("presence").await?, &json!({"user": eve.id, "status": "online"}))?;
    let further = watcher.events_so_far().await?;
    ensure!(further.iter().all(|event| event["user"] != bob.id), "{further:?}");
    Ok(())
}

#[tokio::test]
async fn user_is_online_while_polling() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    ada.acquainted(&bob).await?;
    bob.poll(Some(&Cursors::new()), std::time::Duration::ZERO).await?.ok(200)?;
    eventually(LATER, async || has(&presence_of(&ada, &bob).await?, &json!({"status": "online"})))
        .await
}

#[tokio::test]
async fn connection_closes_when_pings_are_not_answered() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    ada.acquainted(&bob).await?;
    // The client answers pings only while it reads, and it does not read here.
    let mut silent = bob.ws(None).await?;
    eventually(LATER, async || has(&presence_of(&ada, &bob).await?, &json!({"status": "online"})))
        .await?;
    let offline = json!({"status": "offline"});
    eventually(2 * LATER, async || has(&presence_of(&ada, &bob).await?, &offline)).await?;
    assert_eq!(silent.closed().await?, 4009);
    Ok(())
}
