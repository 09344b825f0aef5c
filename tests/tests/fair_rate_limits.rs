//! Everybody pays for what they do, and nobody for what others do.

use http::Method;
use tests::{
    Result, Value,
    client::{PASSWORD, User, log_in_from, refresh_from},
    ensure,
    gateway::Settings,
    json,
    shape::{has, items},
    stage::Stage,
};
use tokio::task::JoinSet;

/// Starts a gateway that believes its clients where they come from.
fn behind_a_proxy() -> Settings {
    Settings::new().set("RATE_LIMITS__ENABLED", "true").set("TRUSTED_PROXIES", "127.0.0.0/8")
}

/// Starts a gateway with a burst for one kind of rate limit, which is hardly refilled.
async fn limited(limit: &str, burst: u32) -> Result<Stage> {
    let rate = if limit == "ADDITIONS" { "MINUTE" } else { "SECOND" };
    let settings = Settings::new()
        .set("RATE_LIMITS__ENABLED", "true")
        .set(&format!("RATE_LIMITS__{limit}_PER_{rate}"), "1")
        .set(&format!("RATE_LIMITS__{limit}_BURST"), &burst.to_string());
    Stage::with(settings).await
}

/// Sends `count` texts over REST, and returns how many were accepted.
async fn accepted(user: &User, conversation: &str, count: usize) -> Result<usize> {
    let mut accepted = 0;
    for number in 0..count {
        let client_id = format!("{}-{number}", user.id);
        let answer = user.send(conversation, &client_id, "hello").await?;
        ensure!([201, 404, 429].contains(&answer.status), "{}", answer.status);
        accepted += usize::from(answer.status == 201);
    }
    Ok(accepted)
}

#[tokio::test]
async fn outsiders_take_nothing_from_a_conversation() -> Result<()> {
    let stage = limited("CONVERSATION", 20).await?;
    let (ada, bob, eve) = stage.ada_bob_eve().await?;
    let direct = ada.direct(&bob).await?;
    ensure!(accepted(&eve, &direct, 60).await? == 0, "an outsider writes");
    let mut outsider = eve.ws(None).await?;
    for number in 0..30 {
        let text = json!({"conversation": direct, "client_id": format!("w-{number}"), "text": "x"});
        outsider.refused("send", text, "not_found").await?;
    }
    ensure!(accepted(&ada, &direct, 15).await? == 15, "the member is refused");
    // A member who has left is an outsider.
    let lunch = ada.group("Lunch", &[&bob]).await?;
    ada.remove(&lunch, &bob).await?.ok(204)?;
    ensure!(accepted(&bob, &lunch, 40).await? == 0, "a former member writes");
    ensure!(accepted(&ada, &lunch, 15).await? == 15, "the member is refused");
    Ok(())
}

#[tokio::test]
async fn logins_of_a_user_share_the_rate_limit() -> Result<()> {
    let stage = limited("MESSAGES", 30).await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let direct = ada.direct(&bob).await?;
    let mut sent = accepted(&ada, &direct, 20).await?;
    for device in 0..3 {
        let again = ada.log_in(&format!("device {device}")).await?;
        let mut ws = again.ws(None).await?;
        for number in 0..15 {
            let client_id = format!("{device}-{number}");
            let text = json!({"conversation": direct, "client_id": client_id, "text": "x"});
            sent += usize::from(ws.call("send", text).await?.is_ok());
        }
    }
    // One token a second may be refilled meanwhile.
    ensure!((30..50).contains(&sent), "{sent} of 65 were sent");
    ensure!(accepted(&bob, &direct, 5).await? == 5, "others are not affected");
    Ok(())
}

#[tokio::test]
async fn groups_and_additions_have_a_rate_limit_of_their_own() -> Result<()> {
    let stage = limited("ADDITIONS", 10).await?;
    let (ada, bob, eve) = stage.ada_bob_eve().await?;
    let body = json!({"kind": "group", "title": "Lunch", "members": [bob.id, eve.id]});
    let mut made = Vec::new();
    for number in 0..20 {
        let call = ada.call(Method::POST, "/v1/conversations").json(&body);
        let answer = call.header("idempotency-key", &format!("key-{number}")).answer().await?;
        match answer.status {
            201 => made.push(answer.ok(201)?["id"].as_str().map(str::to_owned)),
            _ => drop(answer.refused(429, "rate_limited")?),
        }
    }
    // Each group costs three tokens, and the last may leave a debt.
    ensure!((3..=4).contains(&made.len()), "{} groups were made", made.len());
    ada.post("/v1/conversations", json!({"kind": "direct", "user": bob.id}))
        .await?
        .refused(429, "rate_limited")?;
    let group = made.pop().flatten().unwrap_or_default();
    ada.send(&group, "a", "messages go on").await?.ok(201)?;
    bob.direct(&eve).await?;
    Ok(())
}

#[tokio::test]
async fn opening_a_direct_conversation_again_costs_no_addition() -> Result<()> {
    let stage = limited("ADDITIONS", 3).await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    for _ in 0..20 {
        ada.direct(&bob).await?;
    }
    Ok(())
}

#[tokio::test]
async fn presence_of_the_same_user_is_read_once() -> Result<()> {
    let stage = limited("COMMANDS", 50).await?;
    let (ada, bob, eve) = stage.ada_bob_eve().await?;
    ada.acquainted(&bob).await?;
    let _online = bob.ws(None).await?;
    let ids = [&*bob.id, &*eve.id, &*ada.id, &*bob.id].join(",");
    let answer = ada.get(&format!("/v1/presence?users={ids}")).await?.ok(200)?;
    let states: Vec<&Value> = items(&answer).iter().map(|item| &item["status"]).collect();
    ensure!(states[0] == "online" && states[3] == "online", "{states:?}");
    ensure!(states[1] == "unknown", "{states:?}");
    has(&items(&answer)[2], &json!({"user": ada.id}))
}

#[tokio::test]
async fn guesses_from_elsewhere_do_not_keep_the_owner_out() -> Result<()> {
    let settings = behind_a_proxy()
        .set("RATE_LIMITS__ACCOUNT_PER_SECOND", "1")
        .set("RATE_LIMITS__ACCOUNT_BURST", "3");
    let stage = Stage::with(settings).await?;
    let ada = stage.user("ada").await?;
    let mut refused = 0;
    for _ in 0..10 {
        let guess =
            log_in_from("203.0.113.5", ada.http(), &ada.username, "a wrong password").await?;
        ensure!([401, 429].contains(&guess.status), "{}", guess.status);
        refused += usize::from(guess.status == 429);
    }
    ensure!(refused > 0, "guesses are not limited");
    log_in_from("198.51.100.7", ada.http(), &ada.username, PASSWORD).await?.ok(201)?;
    // Guesses from many addresses use up what the account has for all of them.
    for last in 0..60 {
        let guess = log_in_from(
            &format!("203.0.113.{last}"),
            ada.http(),
            &ada.username,
            "a wrong password",
        )
        .await?;
        ensure!([401, 429].contains(&guess.status), "{}", guess.status);
    }
    log_in_from("198.51.100.7", ada.http(), &ada.username, PASSWORD).await?.ok(201)?;
    Ok(())
}

#[tokio::test]
async fn junk_does_not_stop_refreshes_from_the_same_address() -> Result<()> {
    let settings = behind_a_proxy()
        .set("RATE_LIMITS__ADDRESS_PER_SECOND", "1")
        .set("RATE_LIMITS__ADDRESS_BURST", "5");
    let stage = Stage::with(settings).await?;
    let ada = stage.user("ada").await?;
    let mut limited = 0;
    for _ in 0..20 {
        let junk = refresh_from("203.0.113.5", ada.http(), "junk").await?;
        ensure!([401, 429].contains(&junk.status), "{}", junk.status);
        limited += usize::from(junk.status == 429);
    }
    ensure!(limited > 0, "junk is not limited");
    let mut token = ada.refresh_token.clone();
    for _ in 0..5 {
        let answer = refresh_from("203.0.113.5", ada.http(), &token).await?.ok(200)?;
        answer["session"]["refresh_token"].as_str().unwrap_or_default().clone_into(&mut token);
    }
    Ok(())
}

/// Returns how many guesses were refused because the queue was full.
async fn guess_from_five_subnets(user: &User, first: u16) -> Result<usize> {
    let mut busy = 0;
    for subnet in first..first + 5 {
        let address = format!("2001:db8:1:{subnet:x}::1");
        let answer = log_in_from(&address, user.http(), &user.username, "a wrong password").await?;
        ensure!([401, 429, 503].contains(&answer.status), "{}", answer.status);
        busy += usize::from(answer.status == 503);
    }
    Ok(busy)
}

#[tokio::test]
async fn flood_of_log_ins_from_one_network_delays_nobody_else() -> Result<()> {
    let settings = behind_a_proxy().set("AUTH__PASSWORD_QUEUE", "16");
    let stage = Stage::with(settings).await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let mut flood = JoinSet::new();
    for sender in 0..40_u16 {
        let bob = bob.clone();
        flood.spawn(async move { guess_from_five_subnets(&bob, sender * 5).await });
    }
    for last in 0..10 {
        log_in_from(&format!("198.51.100.{last}"), ada.http(), &ada.username, PASSWORD)
            .await?
            .ok(201)?;
    }
    let mut busy = 0;
    while let Some(sender) = flood.join_next().await {
        busy += sender??;
    }
    ensure!(busy > 0, "the flood has never filled its part of the queue");
    Ok(())
}
