//! Invites over REST: times, tokens and disconnected clients.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Answer, Client, Person};

async fn invite(client: &Client, person: &Person, group: &str, body: &Value) -> Answer {
    let path = format!("/v1/conversations/{group}/invites");
    client.call("POST", &path).of(person).json(body).answer().await
}

async fn look(client: &Client, code: &str) -> Answer {
    client.call("GET", &format!("/v1/invites/{code}")).answer().await
}

async fn accept(client: &Client, person: &Person, code: &str) -> Answer {
    client.call("POST", &format!("/v1/invites/{code}/accept")).of(person).answer().await
}

#[tokio::test(start_paused = true)]
async fn invite_lets_nobody_in_once_it_has_expired() {
    let client = Client::new();
    let (ada, grace) = (client.register("ada").await, client.register("grace").await);
    let alan = client.register("alan").await;
    let group = client.group(&ada, &[]).await;
    let made = invite(&client, &ada, &group, &json!({"expires_in": 60})).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let code = made.json["code"].as_str().unwrap();
    assert_eq!(made.json["url"], format!("/i/{code}"));
    tokio::time::advance(Duration::from_secs(59)).await;
    assert_eq!(look(&client, code).await.json["expires_at"], made.json["expires_at"]);
    assert_eq!(accept(&client, &grace, code).await.status, 200);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(look(&client, code).await.refusal(), (404, "not_found", ""));
    assert_eq!(accept(&client, &alan, code).await.refusal(), (404, "not_found", ""));
    let end = client.call("DELETE", &format!("/v1/invites/{code}")).of(&ada).answer().await;
    assert_eq!(end.refusal(), (404, "not_found", ""));
    assert_eq!(accept(&client, &grace, code).await.status, 200, "she is a member");
}

#[tokio::test(start_paused = true)]
async fn invite_lasts_a_week_when_no_time_is_given() {
    let client = Client::new();
    let ada = client.register("ada").await;
    let group = client.group(&ada, &[]).await;
    let mut codes = Vec::new();
    for body in [json!({}), json!({"max_uses": null, "expires_in": null})] {
        let made = invite(&client, &ada, &group, &body).await;
        assert_eq!((&made.json["max_uses"], &made.json["uses_left"]), (&Value::Null, &Value::Null));
        codes.push(made.json["code"].as_str().unwrap().to_owned());
    }
    for (passed, status) in [(7 * 24 * 3600 - 1, 200), (1, 404)] {
        tokio::time::advance(Duration::from_secs(passed)).await;
        for code in &codes {
            assert_eq!(look(&client, code).await.status, status);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn preview_checks_a_token_and_a_query_only_if_there_is_one() {
    let client = Client::new();
    let ada = client.register("ada").await;
    let group = client.group(&ada, &[]).await;
    let made = invite(&client, &ada, &group, &json!({})).await;
    let path = format!("/v1/invites/{}", made.json["code"].as_str().unwrap());
    let with = |token: &str| client.call("GET", &path).header("authorization", token).answer();
    assert_eq!(with(&format!("Bearer {}", ada.token)).await.status, 200);
    assert_eq!(with("Bearer nonsense").await.refusal().1, "unauthenticated");
    let query = client.call("GET", &format!("{path}?token=x")).answer().await;
    assert_eq!(query.refusal(), (400, "invalid", "token"));
}

#[tokio::test(start_paused = true)]
async fn group_has_at_most_a_hundred_live_invites() {
    let client = Client::new();
    let ada = client.register("ada").await;
    let group = client.group(&ada, &[]).await;
    for _ in 0..100 {
        assert_eq!(invite(&client, &ada, &group, &json!({})).await.status, 201);
    }
    let full = invite(&client, &ada, &group, &json!({})).await;
    assert_eq!(full.refusal(), (409, "conflict", ""));
    assert_eq!(full.json["details"], json!({"max": 100}));
}
