//! Members see entries from their join to their removal, over every transport.

#![expect(clippy::cognitive_complexity, reason = "a scenario reads from top to bottom")]

use tests::{
    Result, Value,
    client::{Cursors, User},
    ensure, json, over_both_transports,
    session::Session,
    shape::{covers, has, items, seqs},
    stage::Stage,
};

over_both_transports!(
    later_member_sees_entries_from_the_join_on,
    removed_member_receives_the_removal_and_nothing_after,
    leaving_works_like_a_removal,
    readmitted_member_continues_at_the_new_join,
    role_and_title_changes_reach_all_members,
);

/// Creates Ada's group with Bob and three texts.
async fn talk(ada: &User, bob: &User) -> Result<String> {
    let group = ada.group("Lunch", &[bob]).await?;
    for number in 0..3 {
        ada.send(&group, &format!("secret-{number}"), "not for Eve").await?.ok(201)?;
    }
    Ok(group)
}

/// Fails unless the conversation does not exist for this user.
async fn sees_nothing(user: &User, group: &str) -> Result<()> {
    let base = format!("/v1/conversations/{group}");
    for path in ["", "/messages", "/messages?after_seq=0", "/messages?around_seq=3", "/members"] {
        user.get(&format!("{base}{path}")).await?.refused(404, "not_found")?;
    }
    user.send(group, "intruder", "let me in").await?.refused(404, "not_found")?;
    let list = user.get("/v1/conversations").await?.ok(200)?;
    let listed = list["items"].as_array().into_iter().flatten().any(|item| item["id"] == *group);
    ensure!(!listed, "still in the list: {list}");
    Ok(())
}

async fn later_member_sees_entries_from_the_join_on<S: Session>() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, eve) = stage.ada_bob_eve().await?;
    let group = talk(&ada, &bob).await?;
    sees_nothing(&eve, &group).await?;
    let member = ada.add(&group, &eve).await?.ok(201)?;
    has(&member, &json!({"role": "member", "joined_seq": 6}))?;
    ada.send(&group, "open", "for Eve too").await?.ok(201)?;

    let mut session = S::open(&eve, Some(&Cursors::new())).await?;
    let events = session.events_to(&group, 7).await?;
    assert_eq!(events[0]["ev"], "conversation");
    assert_eq!(seqs(&events), [6, 7]);
    for query in ["after_seq=0", "before_seq=8", "around_seq=7", "limit=100", "after_seq=2"] {
        let page = eve.history(&group, query).await?;
        assert_eq!(seqs(items(&page)), [6, 7], "{query}");
    }
    for (command, more) in [
        ("edit", json!({"text": "x", "client_id": "e-1"})),
        ("redact", json!({})),
        ("react", json!({"emoji": "👍", "on": true})),
    ] {
        let mut body = more;
        body["conversation"] = json!(group);
        body["seq"] = json!(3);
        session.refused(command, body, "not_found").await?;
    }
    let reply = json!({"conversation": group, "client_id": "r-1", "text": "x", "reply_to": 3});
    session.refused("send", reply, "invalid").await?;
    has(&eve.conversation(&group).await?, &json!({"unread": 1, "member_count": 3}))
}

async fn removed_member_receives_the_removal_and_nothing_after<S: Session>() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, eve) = stage.ada_bob_eve().await?;
    let group = ada.group("Lunch", &[&bob, &eve]).await?;
    let other = ada.direct(&eve).await?;
    let mut session = S::open(&eve, None).await?;
    ada.remove(&group, &eve).await?.ok(204)?;
    // A connected member receives the entry as well.
    let mut event = session.event().await?;
    if event["ev"] == "message" {
        has(&event, &json!({"kind": "left", "seq": 4, "user": eve.id, "by": ada.id}))?;
        event = session.event().await?;
    }
    has(&event, &json!({"ev": "removed", "conversation": group}))?;

    for number in 0..5 {
        ada.send(&group, &format!("secret-{number}"), "without Eve").await?.ok(201)?;
    }
    ada.send(&other, "after", "for Eve").await?.ok(201)?;
    let events = session.events_to(&other, 3).await?;
    assert!(events.iter().all(|event| event["conversation"] != group), "{events:?}");
    sees_nothing(&eve, &group).await?;

    let cursors = Cursors::from([(group.clone(), 4), (other.clone(), 3)]);
    let mut session = S::open(&eve, Some(&cursors)).await?;
    assert_eq!(session.event_of("removed").await?["conversation"], group);
    Ok(())
}

#[tokio::test]
async fn connected_member_receives_the_own_removal() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, eve) = stage.ada_bob_eve().await?;
    let group = ada.group("Lunch", &[&bob, &eve]).await?;
    let mut ws = eve.ws(None).await?;
    ada.remove(&group, &eve).await?.ok(204)?;
    let left = json!({"ev": "message", "kind": "left", "user": eve.id, "by": ada.id});
    has(&ws.next_event().await?, &left)?;
    has(&ws.next_event().await?, &json!({"ev": "removed", "conversation": group}))
}

async fn leaving_works_like_a_removal<S: Session>() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let group = ada.group("Lunch", &[&bob]).await?;
    let mut session = S::open(&ada, None).await?;
    bob.remove(&group, &bob).await?.ok(204)?;
    let left = session.event_of("message").await?;
    has(&left, &json!({"user": bob.id, "by": bob.id}))?;
    sees_nothing(&bob, &group).await?;
    bob.remove(&group, &bob).await?.refused(404, "not_found")?;
    assert_eq!(ada.conversation(&group).await?["member_count"], 1);
    Ok(())
}

async fn readmitted_member_continues_at_the_new_join<S: Session>() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, eve) = stage.ada_bob_eve().await?;
    let group = ada.group("Lunch", &[&bob, &eve]).await?;
    ada.remove(&group, &eve).await?.ok(204)?;
    ada.send(&group, "secret", "without Eve").await?.ok(201)?;
    ada.add(&group, &eve).await?.ok(201)?;
    ada.send(&group, "open", "with Eve").await?.ok(201)?;

    let mut session = S::open(&eve, Some(&Cursors::from([(group.clone(), 3)]))).await?;
    let events = session.events_to(&group, 7).await?;
    let messages: Vec<_> = events.iter().filter(|event| event["ev"] == "message").collect();
    assert_eq!(seqs(&events), [6, 7], "{events:?}");
    assert_eq!(messages[0]["kind"], "joined");
    assert!(events.iter().all(|event| event["ev"] != "gap"), "{events:?}");
    let page = eve.history(&group, "after_seq=0").await?;
    assert_eq!(seqs(items(&page)), [6, 7]);
    Ok(())
}

async fn role_and_title_changes_reach_all_members<S: Session>() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let group = ada.group("Lunch", &[&bob]).await?;
    let mut session = S::open(&bob, None).await?;
    let path = format!("/v1/conversations/{group}");
    let named = ada.patch(&path, json!({"title": "Supper"})).await?.ok(200)?;
    has(&named, &json!({"title": "Supper", "head_seq": 3}))?;
    let again = ada.patch(&path, json!({"title": "Supper"})).await?.ok(200)?;
    assert_eq!(again["head_seq"], 3, "an equal title makes no entry");
    let role = format!("{path}/members/{}", bob.id);
    let member = ada.put(&role, json!({"role": "admin"})).await?.ok(200)?;
    assert_eq!(member["role"], "admin");

    let events = session.events_to(&group, 4).await?;
    let entries: Vec<_> = events.iter().filter(|event| event["ev"] == "message").collect();
    has(entries[0], &json!({"kind": "title", "title": "Supper"}))?;
    has(entries[1], &json!({"kind": "role", "user": bob.id, "role": "admin"}))?;
    let has_changes =
        |event: &Value| covers(event, &json!({"ev": "conversation", "details": {"role": "admin"}}));
    let mut is_received = events.iter().any(has_changes);
    while !is_received {
        is_received = has_changes(&session.event_of("conversation").await?);
    }
    has(&bob.conversation(&group).await?, &json!({"role": "admin", "title": "Supper"}))
}
