//! Rate limits, page limits, and requests whose client disconnects.

use chat_core::limits::FOUNDERS_MAX;
use serde_json::{Value, json};

use super::{Call, Client, Person};
use crate::gateway::tests::gated;

/// Sends a request and disconnects before the answer.
async fn send_and_disconnect(call: Call<'_>) {
    let mut answer = Box::pin(call.answer());
    for _ in 0..100 {
        assert!(futures_util::poll!(answer.as_mut()).is_pending());
        tokio::task::yield_now().await;
    }
}

fn create<'a>(client: &'a Client, person: &Person, body: &Value) -> Call<'a> {
    client.call("POST", "/v1/conversations").of(person).header("idempotency-key", "k1").json(body)
}

#[tokio::test(start_paused = true)]
async fn conversation_is_created_when_its_client_disconnects() {
    let (gateway, gate) = gated();
    let (app, client) = (gateway.app(), Client(gateway.router()));
    gate.let_pass(2);
    let (ada, grace) = (client.register("ada").await, client.register("grace").await);
    let group = json!({"kind": "group", "title": "Lunch", "members": [grace.id]});
    let direct = json!({"kind": "direct", "user": grace.id});
    send_and_disconnect(create(&client, &ada, &group)).await;
    send_and_disconnect(create(&client, &ada, &direct)).await;
    gate.let_pass(2);
    app.tasks.close();
    app.tasks.wait().await;
    let list = client.call("GET", "/v1/conversations").of(&grace).answer().await.json;
    assert_eq!(list["items"].as_array().unwrap().len(), 2, "{list}");
    let again = create(&client, &ada, &group).answer().await;
    assert_eq!(again.status, 201, "{}", again.text);
    assert_eq!(create(&client, &ada, &direct).answer().await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn registration_completes_when_its_client_disconnects() {
    let (gateway, gate) = gated();
    let (app, client) = (gateway.app(), Client(gateway.router()));
    let body = json!({"username": "ada", "password": "an example password"});
    send_and_disconnect(client.call("POST", "/v1/users").json(&body)).await;
    gate.let_pass(1);
    app.tasks.close();
    app.tasks.wait().await;
    let answer = client.call("POST", "/v1/sessions").json(&body).answer().await;
    assert_eq!(answer.status, 201, "{}", answer.text);
}

#[tokio::test(start_paused = true)]
async fn page_of_members_has_a_whole_group_by_default() {
    let client = Client::new();
    let ada = client.register("ada").await;
    let mut others = Vec::new();
    for number in 1..FOUNDERS_MAX {
        others.push(client.register(&format!("member-{number}")).await);
    }
    let group = client.group(&ada, &others.iter().collect::<Vec<_>>()).await;
    let path = format!("/v1/conversations/{group}/members");
    let page = client.call("GET", &path).of(&ada).answer().await.json;
    assert_eq!(page["items"].as_array().unwrap().len(), FOUNDERS_MAX);
    assert_eq!(page["next_cursor"], Value::Null);
    for (limit, status) in [(0, 400), (200, 200), (1_000, 200), (1_001, 400)] {
        let answer = client.call("GET", &format!("{path}?limit={limit}")).of(&ada).answer().await;
        assert_eq!(answer.status, status, "{limit}");
    }
}

#[tokio::test(start_paused = true)]
async fn title_change_is_answered_when_reads_are_rate_limited() {
    let client = Client::with(&[
        ("RATE_LIMITS__ENABLED", "true"),
        ("RATE_LIMITS__COMMANDS_BURST", "2"),
        ("RATE_LIMITS__COMMANDS_PER_SECOND", "1"),
    ]);
    let ada = client.register("ada").await;
    let group = client.group(&ada, &[]).await;
    let path = format!("/v1/conversations/{group}");
    assert_eq!(client.call("GET", &path).of(&ada).answer().await.status, 200);
    let spent = client.call("GET", &path).of(&ada).answer().await;
    assert_eq!(spent.refusal(), (429, "rate_limited", ""));
    let named = client.call("PATCH", &path).of(&ada).json(&json!({"title": "Tea"})).answer().await;
    assert_eq!((named.status.as_u16(), &named.json["title"]), (200, &json!("Tea")));
}

#[tokio::test(start_paused = true)]
async fn polls_are_rate_limited() {
    let client = Client::with(&[
        ("RATE_LIMITS__ENABLED", "true"),
        ("RATE_LIMITS__COMMANDS_BURST", "2"),
        ("RATE_LIMITS__COMMANDS_PER_SECOND", "1"),
    ]);
    let ada = client.register("ada").await;
    let poll = || client.call("POST", "/v1/poll").of(&ada).json(&json!({"wait_ms": 0})).answer();
    assert_eq!(poll().await.status, 200);
    assert_eq!(poll().await.status, 200);
    assert_eq!(poll().await.refusal(), (429, "rate_limited", ""));
}
