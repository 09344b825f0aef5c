//! People join groups with invites: on one gateway over both transports, and on three gateways.

#![expect(clippy::cognitive_complexity, reason = "a scenario reads from top to bottom")]

use std::collections::BTreeSet;

use futures_util::future::join_all;
use http::Method;
use tests::{
    Result, Value,
    client::{Answer, Http, User},
    cluster::Cluster,
    ensure,
    gateway::Settings,
    json, over_both_transports,
    patience::{LATER, WHOLE, eventually, within},
    session::Session,
    shape::{has, items},
    stage::Stage,
};
use tokio::task::JoinSet;

over_both_transports!(
    person_joins_by_an_invite_and_everybody_sees_who_invited,
    accepting_twice_joins_once,
    former_member_needs_another_use,
    dead_invites_let_nobody_in,
);

/// Uses of the invite that everybody wants.
const USES: usize = 50;
/// People who accept it at the same moment.
const PEOPLE: usize = 200;
/// Registrations at the same time.
const REGISTRATIONS: usize = 8;

async fn accept(user: &User, code: &str) -> Result<Answer> {
    user.post(&format!("/v1/invites/{code}/accept"), json!({})).await
}

/// Returns the status of a look at an invite, without a token and from this address.
async fn status_from(address: &str, url: &str, code: &str) -> Result<u16> {
    let call = Http::new(url).call(Method::GET, &format!("/v1/invites/{code}"));
    Ok(call.header("x-forwarded-for", address).answer().await?.status)
}

/// Returns the ids of all members.
async fn members(user: &User, group: &str) -> Result<BTreeSet<String>> {
    let list = user.get(&format!("/v1/conversations/{group}/members")).await?.ok(200)?;
    let users = items(&list).iter().filter_map(|member| member["user"].as_str());
    Ok(users.map(str::to_owned).collect())
}

/// Returns the `joined` entries of this user.
async fn joinings(reader: &User, group: &str, user: &User) -> Result<Vec<Value>> {
    let entries = reader.entries(group).await?;
    let is_own = |entry: &Value| entry["kind"] == "joined" && entry["user"] == user.id;
    Ok(entries.into_iter().filter(is_own).collect())
}

async fn uses_left(admin: &User, code: &str) -> Result<Value> {
    Ok(admin.get(&format!("/v1/invites/{code}")).await?.ok(200)?["uses_left"].clone())
}

async fn person_joins_by_an_invite_and_everybody_sees_who_invited<S: Session>() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let group = ada.group("Lunch", &[]).await?;
    ada.send(&group, "a-1", "before").await?.ok(201)?;
    let code = ada.invite(&group, 5).await?;
    let preview = Http::new(stage.gateway.url());
    let preview = preview.call(Method::GET, &format!("/v1/invites/{code}")).answer().await?;
    let shown = json!({"code": code, "uses_left": 5,
        "conversation": {"id": group, "title": "Lunch", "member_count": 1}});
    has(&preview.ok(200)?, &shown)?;

    let mut adas = S::open(&ada, None).await?;
    let mut bobs = S::open(&bob, None).await?;
    let body = json!({"code": code, "client_id": "join-1"});
    let joined = bobs.ok("accept_invite", body).await?;
    let open = json!({"id": group, "kind": "group", "title": "Lunch", "role": "member",
        "state": "open", "member_count": 2, "unread": 0});
    has(&joined, &open)?;
    let entry = json!({"conversation": group, "seq": 3, "kind": "joined", "user": bob.id,
        "role": "member", "sender": bob.id, "client_id": "join-1", "invited_by": ada.id});
    has(&adas.event_of("message").await?, &entry)?;
    let shown = bobs.event_of("conversation").await?;
    has(&shown, &json!({"conversation": group, "details": {"state": "open"}}))?;
    has(&bobs.event_of("message").await?, &entry)?;
    let seen = bob.entries(&group).await?;
    ensure!(seen.len() == 1, "bob sees what was before: {seen:?}");
    has(&seen[0], &entry)?;
    has(&ada.entries(&group).await?[2], &entry)?;
    assert_eq!(uses_left(&ada, &code).await?, 4);
    bobs.ok("send", json!({"conversation": group, "client_id": "b-1", "text": "hello"})).await?;
    Ok(())
}

async fn accepting_twice_joins_once<S: Session>() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let group = ada.group("Lunch", &[]).await?;
    let code = ada.invite(&group, 3).await?;
    let mut session = S::open(&bob, None).await?;
    for client_id in ["one", "one", "two"] {
        let body = json!({"code": code, "client_id": client_id});
        has(&session.ok("accept_invite", body).await?, &json!({"id": group}))?;
    }
    session.ok("accept_invite", json!({"code": code})).await?;
    assert_eq!(joinings(&ada, &group, &bob).await?.len(), 1);
    assert_eq!(uses_left(&ada, &code).await?, 2);
    Ok(())
}

async fn former_member_needs_another_use<S: Session>() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let group = ada.group("Lunch", &[]).await?;
    let code = ada.invite(&group, 2).await?;
    let mut session = S::open(&bob, None).await?;
    let first = json!({"code": code, "client_id": "one"});
    session.ok("accept_invite", first.clone()).await?;
    bob.remove(&group, &bob).await?.ok(204)?;
    session.refused("accept_invite", first, "conflict").await?;
    session.ok("accept_invite", json!({"code": code, "client_id": "two"})).await?;
    assert_eq!(joinings(&ada, &group, &bob).await?.len(), 2);
    ada.remove(&group, &bob).await?.ok(204)?;
    session.refused("accept_invite", json!({"code": code}), "not_found").await?;
    assert_eq!(members(&ada, &group).await?.len(), 1);
    Ok(())
}

async fn dead_invites_let_nobody_in<S: Session>() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, eve) = stage.ada_bob_eve().await?;
    let group = ada.group("Lunch", &[]).await?;
    let (ended, used_up) = (ada.invite(&group, 5).await?, ada.invite(&group, 1).await?);
    accept(&eve, &used_up).await?.ok(200)?;
    let end = format!("/v1/invites/{ended}");
    // Nobody else learns that it exists.
    eve.delete(&end).await?.refused(404, "not_found")?;
    ada.delete(&end).await?.ok(204)?;
    ada.delete(&end).await?.refused(404, "not_found")?;
    let mut session = S::open(&bob, None).await?;
    let mut answers = BTreeSet::new();
    for code in [ended.as_str(), &used_up, "00000000000", "zzzzzzzzzzz", "short"] {
        let refused = session.refused("accept_invite", json!({"code": code}), "not_found").await?;
        answers.insert(refused["message"].to_string());
        let shown = bob.get(&format!("/v1/invites/{code}")).await?.refused(404, "not_found")?;
        answers.insert(shown["message"].to_string());
    }
    ensure!(answers.len() == 1, "the answers differ: {answers:?}");
    // For a member an old invite still leads to the group.
    for code in [&ended, &used_up] {
        has(&accept(&eve, code).await?.ok(200)?, &json!({"id": group}))?;
    }
    let listed = ada.get(&format!("/v1/conversations/{group}/invites")).await?.ok(200)?;
    assert_eq!(listed["items"], json!([]));
    Ok(())
}

#[tokio::test]
async fn admins_list_invites_and_people_see_the_page_under_their_link() -> Result<()> {
    let settings = Settings::new().set("PUBLIC_URL", "https://chat.example.org/");
    let stage = Stage::with(settings).await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let group = ada.group("Lunch", &[&bob]).await?;
    let path = format!("/v1/conversations/{group}/invites");
    let weak = ada.post(&path, json!({"max_uses": 7, "expires_in": 60})).await?.ok(201)?;
    let plain = ada.post(&path, json!({})).await?.ok(201)?;
    let code = plain["code"].as_str().unwrap_or_default();
    let url = format!("https://chat.example.org/i/{code}");
    let shown = json!({"url": url, "max_uses": null, "uses_left": null, "created_by": ada.id});
    has(&plain, &shown)?;
    has(&weak, &json!({"max_uses": 7, "uses_left": 7}))?;
    let listed = ada.get(&path).await?.ok(200)?;
    assert_eq!(listed["items"], json!([plain, weak]));
    for (body, field) in [
        (json!({"max_uses": 0}), "max_uses"),
        (json!({"max_uses": 10_001}), "max_uses"),
        (json!({"expires_in": 59}), "expires_in"),
        (json!({"expires_in": 31_536_001}), "expires_in"),
        (json!({"code": "4Zq8LkT0bXw"}), "code"),
    ] {
        let refused = ada.post(&path, body).await?.refused(400, "invalid")?;
        assert_eq!(refused["details"]["field"], field);
    }
    // A former admin can end what it has made.
    let admin = format!("/v1/conversations/{group}/members/{}", bob.id);
    ada.put(&admin, json!({"role": "admin"})).await?.ok(200)?;
    let bobs = bob.invite(&group, 5).await?;
    ada.remove(&group, &bob).await?.ok(204)?;
    bob.get(&format!("/v1/invites/{bobs}")).await?.ok(200)?;
    bob.delete(&format!("/v1/invites/{code}")).await?.refused(404, "not_found")?;
    bob.delete(&format!("/v1/invites/{bobs}")).await?.ok(204)?;

    let page = Http::new(stage.gateway.url());
    let page = page.call(Method::GET, &format!("/i/{code}")).answer().await?;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    Ok(())
}

#[tokio::test]
async fn guesses_are_limited_by_address_and_by_user() -> Result<()> {
    let settings = Settings::new()
        .set("RATE_LIMITS__ENABLED", "true")
        .set("RATE_LIMITS__INVITES_PER_MINUTE", "1")
        .set("RATE_LIMITS__INVITES_BURST", "10")
        .set("TRUSTED_PROXIES", "127.0.0.0/8");
    let stage = Stage::with(settings).await?;
    let (ada, bob, eve) = stage.ada_bob_eve().await?;
    let group = ada.group("Lunch", &[]).await?;
    let code = ada.invite(&group, 5).await?;
    let mut statuses = Vec::new();
    for number in 0..15 {
        let guess = format!("/v1/invites/0000000{number:04}");
        statuses.push(bob.get(&guess).await?.status);
    }
    assert_eq!(statuses, [[404; 10].as_slice(), &[429; 5]].concat());
    // The same user has no other way to try codes, and others are served.
    accept(&bob, &code).await?.refused(429, "rate_limited")?;
    bob.delete(&format!("/v1/invites/{code}")).await?.refused(429, "rate_limited")?;
    eve.get(&format!("/v1/invites/{code}")).await?.ok(200)?;
    let mut statuses = Vec::new();
    for _ in 0..15 {
        statuses.push(status_from("203.0.113.7", stage.gateway.url(), "00000000000").await?);
    }
    assert_eq!(statuses, [[404; 10].as_slice(), &[429; 5]].concat());
    assert_eq!(status_from("203.0.113.8", stage.gateway.url(), &code).await?, 200);
    // What cannot be a code costs neither tokens nor reads.
    assert_eq!(status_from("203.0.113.7", stage.gateway.url(), "not-a-code").await?, 404);
    let metrics = Http::new(stage.gateway.admin_url()).call(Method::GET, "/metrics");
    let metrics = metrics.answer().await?;
    let metrics = String::from_utf8_lossy(&metrics.text);
    for line in [
        "confab_invite_misses_total{reason=\"unknown\"} 20",
        "confab_invite_misses_total{reason=\"malformed\"} 1",
    ] {
        ensure!(metrics.contains(line), "{line} is missing");
    }
    Ok(())
}

/// Registers people, a few at a time, spread over the gateways.
async fn crowd(urls: &[String]) -> Result<Vec<User>> {
    let mut people = Vec::new();
    for first in (0..PEOPLE).step_by(REGISTRATIONS) {
        let mut registering = JoinSet::new();
        for number in first..(first + REGISTRATIONS).min(PEOPLE) {
            let url = urls[number % urls.len()].clone();
            registering
                .spawn(async move { User::register(&url, &format!("person-{number}")).await });
        }
        for registered in registering.join_all().await {
            people.push(registered?);
        }
    }
    Ok(people)
}

/// Accepts until the answer is known, as clients do. Returns true if the user has joined.
async fn joins(user: &User, code: &str) -> Result<bool> {
    eventually(LATER, async || {
        let answer = accept(user, code).await?;
        match answer.status {
            200 => Ok(true),
            404 => Ok(false),
            _ => tests::bail!("not answered: {answer:?}"),
        }
    })
    .await
}

/// Has everybody accept the same invite at the same moment. As many join as it has uses.
async fn crowd_takes_exactly_the_uses(urls: &[String]) -> Result<()> {
    let ada = User::register(&urls[0], "ada").await?;
    let group = ada.group("Lunch", &[]).await?;
    let code = ada.invite(&group, u32::try_from(USES)?).await?;
    let people = crowd(urls).await?;
    let accepted = join_all(people.iter().map(|user| joins(user, &code))).await;
    let mut joined = BTreeSet::from([ada.id.clone()]);
    for (user, has_joined) in people.iter().zip(accepted) {
        if has_joined? {
            joined.insert(user.id.clone());
        }
    }
    assert_eq!(joined.len(), USES + 1);
    for url in urls {
        assert_eq!(members(&ada.at(url), &group).await?, joined);
    }
    assert_eq!(ada.conversation(&group).await?["member_count"], USES + 1);
    let entries = ada.entries(&group).await?;
    let joinings = entries.iter().filter(|entry| entry["invited_by"] == ada.id).count();
    assert_eq!(joinings, USES);
    ada.get(&format!("/v1/invites/{code}")).await?.refused(404, "not_found")?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_people_take_exactly_fifty_uses() -> Result<()> {
    let stage = Stage::open().await?;
    let urls = [stage.gateway.url().to_owned()];
    within(WHOLE, "the crowd", Box::pin(crowd_takes_exactly_the_uses(&urls))).await?
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_people_take_exactly_fifty_uses_on_three_gateways() -> Result<()> {
    let Some(cluster) = Cluster::on_one_node(3).await? else { return Ok(()) };
    let urls = cluster.urls();
    within(WHOLE, "the crowd", Box::pin(crowd_takes_exactly_the_uses(&urls))).await?
}

#[tokio::test]
async fn invites_hold_on_every_gateway() -> Result<()> {
    let Some(cluster) = Cluster::on_one_node(3).await? else { return Ok(()) };
    let [one, two, three] = &cluster.urls()[..] else { unreachable!("three gateways") };
    let (ada, bob) = (User::register(one, "ada").await?, User::register(two, "bob").await?);
    let group = ada.group("Lunch", &[]).await?;
    let code = ada.invite(&group, 2).await?;
    let mut elsewhere = bob.at(three).ws(None).await?;
    accept(&bob, &code).await?.ok(200)?;
    let shown = elsewhere.next_of("conversation").await?;
    has(&shown, &json!({"conversation": group, "details": {"state": "open"}}))?;
    let entry = elsewhere.next_of("message").await?;
    has(&entry, &json!({"kind": "joined", "invited_by": ada.id}))?;
    accept(&bob.at(three), &code).await?.ok(200)?;
    assert_eq!(uses_left(&bob.at(three), &code).await?, 1);
    bob.at(two).remove(&group, &bob).await?.ok(204)?;
    accept(&bob.at(three), &code).await?.ok(200)?;
    let other = ada.at(two).invite(&group, 5).await?;
    ada.at(three).delete(&format!("/v1/invites/{other}")).await?.ok(204)?;
    let eve = User::register(one, "eve").await?;
    for code in [&code, &other] {
        accept(&eve, code).await?.refused(404, "not_found")?;
    }
    let path = format!("/v1/conversations/{group}/invites");
    ada.post(&path, json!({"expires_in": 60})).await?.ok(201)?;
    let listed = ada.at(three).get(&path).await?.ok(200)?;
    assert_eq!(items(&listed).len(), 1);
    Ok(())
}
