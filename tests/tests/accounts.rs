//! Users, logins and tokens.

use tests::{
    Result, Value,
    client::User,
    ensure, json,
    patience::{SOON, eventually, within},
    shape::{has, items},
    stage::Stage,
};

const PASSWORD: &str = "an example password";

#[tokio::test]
async fn registered_user_can_be_found_and_renamed() -> Result<()> {
    let stage = Stage::open().await?;
    let http = stage.user("somebody").await?.http().clone();
    let body = json!({"username": "Ada.L", "password": PASSWORD, "display_name": "Ada"});
    let answer = http.call(http::Method::POST, "/v1/users").json(&body).answer().await?.ok(201)?;
    has(&answer["user"], &json!({"username": "ada.l", "display_name": "Ada"}))?;
    ensure!(answer["session"]["expires_in"].as_u64() > Some(0), "{answer}");
    let taken = http.call(http::Method::POST, "/v1/users").json(&body).answer().await?;
    has(&taken.refused(409, "conflict")?, &json!({"details": {"field": "username"}}))?;

    let ada = stage.user("ada").await?;
    let me = ada.get("/v1/me").await?.ok(200)?;
    has(&me, &json!({"id": ada.id, "username": "ada", "display_name": "ada"}))?;
    let mut named = ada.patch("/v1/me", json!({"display_name": "Ada Lovelace"})).await?.ok(200)?;
    has(&named, &json!({"id": ada.id, "display_name": "Ada Lovelace"}))?;
    let bob = stage.user("bob").await?;
    let seen = bob.get(&format!("/v1/users/{}", ada.id)).await?.ok(200)?;
    let privacy = named.as_object_mut().and_then(|named| named.remove("privacy"));
    ensure!(privacy.is_some(), "the owner does not see the privacy settings");
    assert_eq!(seen, named);
    bob.get("/v1/users/123456789").await?.refused(404, "not_found")?;
    Ok(())
}

#[tokio::test]
async fn users_are_found_by_prefix_and_by_id() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, eve) = stage.ada_bob_eve().await?;
    let adam = stage.user("adam").await?;
    let names = |answer: &Value| -> Vec<Value> {
        items(answer).iter().map(|user| user["username"].clone()).collect()
    };
    let found = bob.get("/v1/users?query=ad").await?.ok(200)?;
    assert_eq!(names(&found), ["ada", "adam"]);
    let found = bob.get("/v1/users?query=ad&limit=1").await?.ok(200)?;
    assert_eq!(names(&found), ["ada"]);
    let ids = format!("/v1/users?ids={},{},987654321", eve.id, adam.id);
    let mut found = names(&bob.get(&ids).await?.ok(200)?);
    found.sort_by_key(Value::to_string);
    assert_eq!(found, ["adam", "eve"]);
    let both = format!("/v1/users?query=a&ids={}", ada.id);
    let many = vec!["1"; 101].join(",");
    let many = format!("/v1/users?ids={many}");
    for path in ["/v1/users", &both, &many, "/v1/users?query=", "/v1/users?name=a"] {
        bob.get(path).await?.refused(400, "invalid")?;
    }
    Ok(())
}

#[tokio::test]
async fn wrong_password_and_unknown_name_get_the_same_answer() -> Result<()> {
    let stage = Stage::open().await?;
    let ada = stage.user("ada").await?;
    let mut answers = Vec::new();
    for (username, password) in [("ada", "another password"), ("nobody", PASSWORD)] {
        let body = json!({"username": username, "password": password});
        let call = ada.http().call(http::Method::POST, "/v1/sessions").json(&body);
        answers.push(call.answer().await?.refused(401, "unauthenticated")?);
    }
    assert_eq!(answers[0], answers[1]);
    Ok(())
}

#[tokio::test]
async fn logins_can_be_listed_and_ended() -> Result<()> {
    let stage = Stage::open().await?;
    let ada = stage.user("ada").await?;
    let phone = ada.log_in("phone").await?;
    let listed = phone.get("/v1/sessions").await?.ok(200)?;
    let newest = json!({"id": phone.login, "device": "phone", "current": true});
    let first = json!({"id": ada.login, "device": null, "current": false});
    has(&listed, &json!({"items": [newest, first]}))?;
    let mut socket = phone.ws(None).await?;
    ada.delete(&format!("/v1/sessions/{}", phone.login)).await?.ok(204)?;
    assert_eq!(socket.closed().await?, 4501);
    phone.get("/v1/me").await?.refused(401, "unauthenticated")?;
    refresh(&phone, &phone.refresh_token).await?.refused(401, "unauthenticated")?;
    ada.delete(&format!("/v1/sessions/{}", phone.login)).await?.refused(404, "not_found")?;
    let bob = stage.user("bob").await?;
    bob.delete(&format!("/v1/sessions/{}", ada.login)).await?.refused(404, "not_found")?;
    ada.delete("/v1/sessions/current").await?.ok(204)?;
    ada.get("/v1/me").await?.refused(401, "unauthenticated")?;
    Ok(())
}

#[tokio::test]
async fn waiting_poll_ends_when_its_login_ends() -> Result<()> {
    let stage = Stage::open().await?;
    let ada = stage.user("ada").await?;
    let phone = ada.log_in("phone").await?;
    let none = tests::client::Cursors::new();
    let poll = phone.poll(Some(&none), std::time::Duration::from_secs(30));
    let log_out = async {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        ada.delete(&format!("/v1/sessions/{}", phone.login)).await
    };
    let both = Box::pin(async { tokio::join!(poll, log_out) });
    let (polled, ended) = within(SOON, "the poll", both).await?;
    ended?.ok(204)?;
    has(&polled?.ok(200)?, &json!({"events": []}))
}

#[tokio::test]
async fn ended_login_stays_ended_when_the_gateway_restarts() -> Result<()> {
    let mut stage = Stage::open().await?;
    let ada = stage.user("ada").await?;
    let phone = ada.log_in("phone").await?;
    phone.delete("/v1/sessions/current").await?.ok(204)?;
    stage.gateway.kill()?;
    stage.gateway.restart().await?;
    let url = stage.gateway.url();
    ada.at(url).get("/v1/me").await?.ok(200)?;
    phone.at(url).get("/v1/me").await?.refused(401, "unauthenticated")?;
    ensure!(phone.at(url).ws(None).await.is_err(), "an ended login opened a socket");
    Ok(())
}

async fn refresh(user: &User, token: &str) -> Result<tests::client::Answer> {
    let body = json!({"refresh_token": token});
    user.http().call(http::Method::POST, "/v1/sessions/refresh").json(&body).answer().await
}

async fn refreshed(user: &User, token: &str) -> Result<(String, String)> {
    let answer = refresh(user, token).await?.ok(200)?;
    has(&answer, &json!({"session": {"id": user.login}}))?;
    let text = |name: &str| answer["session"][name].as_str().unwrap_or_default().to_owned();
    Ok((text("access_token"), text("refresh_token")))
}

#[tokio::test]
async fn refresh_token_is_exchanged_for_its_successor() -> Result<()> {
    let stage = Stage::open().await?;
    let ada = stage.user("ada").await?;
    let (access, second) = refreshed(&ada, &ada.refresh_token).await?;
    ensure!(second != ada.refresh_token, "the same refresh token");
    let answer = ada.http().call(http::Method::GET, "/v1/me").token(&access).answer().await?;
    has(&answer.ok(200)?, &json!({"id": ada.id}))?;
    ada.get("/v1/me").await?.ok(200)?;
    let (_, third) = refreshed(&ada, &second).await?;
    ensure!(third != second, "the same refresh token");
    Ok(())
}

#[tokio::test]
async fn refresh_can_be_repeated_when_its_answer_was_lost() -> Result<()> {
    let stage = Stage::open().await?;
    let ada = stage.user("ada").await?;
    let (_, first) = refreshed(&ada, &ada.refresh_token).await?;
    let (access, again) = refreshed(&ada, &ada.refresh_token).await?;
    assert_eq!(first, again, "the same successor");
    let answer = ada.http().call(http::Method::GET, "/v1/me").token(&access).answer().await?;
    answer.ok(200)?;
    Ok(())
}

#[tokio::test]
async fn login_ends_when_an_exchanged_refresh_token_is_reused() -> Result<()> {
    let stage = Stage::open().await?;
    let ada = stage.user("ada").await?;
    let other = ada.log_in("phone").await?;
    let mut socket = ada.ws(None).await?;
    let (_, second) = refreshed(&ada, &ada.refresh_token).await?;
    let (access, third) = refreshed(&ada, &second).await?;
    refresh(&ada, &ada.refresh_token).await?.refused(401, "unauthenticated")?;
    refresh(&ada, &third).await?.refused(401, "unauthenticated")?;
    let me = || ada.http().call(http::Method::GET, "/v1/me").token(&access).answer();
    eventually(SOON, async || me().await?.refused(401, "unauthenticated")).await?;
    assert_eq!(socket.closed().await?, 4501);
    other.get("/v1/me").await?.ok(200)?;
    refresh(&ada, "never-seen").await?.refused(401, "unauthenticated")?;
    Ok(())
}

#[tokio::test]
async fn socket_accepts_new_tokens_of_its_own_login_only() -> Result<()> {
    let stage = Stage::open().await?;
    let ada = stage.user("ada").await?;
    let phone = ada.log_in("phone").await?;
    let mut socket = ada.ws(None).await?;
    let (access, _) = refreshed(&ada, &ada.refresh_token).await?;
    let reply = socket.ok("refresh", json!({"token": access})).await?;
    ensure!(reply["expires_in"].as_u64() > Some(0), "{reply}");
    let foreign = json!({"token": phone.access_token});
    socket.refused("refresh", foreign, "forbidden").await?;
    socket.ok("ping", json!({})).await.map(drop)
}
