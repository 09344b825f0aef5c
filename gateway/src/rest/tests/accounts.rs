//! Users and their logins over REST.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::advance;

use super::{Client, Person};

async fn me(client: &Client, person: &Person) -> (u16, String) {
    let answer = client.call("GET", "/v1/me").of(person).answer().await;
    let (status, code, _) = answer.refusal();
    (status, code.to_owned())
}

#[tokio::test(start_paused = true)]
async fn user_registers_once_and_can_be_found() {
    let client = Client::new();
    let body = json!({"username": "Ada", "password": "an example password", "display_name": "A."});
    let answer = client.call("POST", "/v1/users").json(&body).answer().await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.json["user"]["username"], "ada");
    assert_eq!(answer.json["user"]["display_name"], "A.");
    assert_eq!(answer.json["session"]["expires_in"], 600);
    let ada = Person::of(&answer.json);
    let again = client.call("POST", "/v1/users").json(&body).answer().await;
    assert_eq!(again.refusal(), (409, "conflict", "username"));

    let get = |path: String| client.call("GET", &path).of(&ada).answer();
    let mut me = get("/v1/me".to_owned()).await.json;
    assert_eq!(me.as_object_mut().unwrap().remove("privacy").unwrap()["last_seen"], "everyone");
    assert_eq!(me, answer.json["user"]);
    assert_eq!(get(format!("/v1/users/{}", ada.id)).await.json, me);
    assert_eq!(get("/v1/users?query=AD".to_owned()).await.json, json!({"items": [me]}));
    let ids = format!("/v1/users?ids=77,{}", ada.id);
    assert_eq!(get(ids).await.json, json!({"items": [me]}));
    assert_eq!(get("/v1/users/77".to_owned()).await.refusal(), (404, "not_found", ""));
}

#[tokio::test(start_paused = true)]
async fn user_changes_their_display_name() {
    let client = Client::new();
    let ada = client.register("ada").await;
    let change = |body: Value| client.call("PATCH", "/v1/me").of(&ada).json(&body).answer();
    assert_eq!(change(json!({"display_name": "Ada L."})).await.json["display_name"], "Ada L.");
    let answer = change(json!({"display_name": ""})).await;
    assert_eq!(answer.refusal(), (400, "invalid", "display_name"));
    assert_eq!(change(json!({})).await.json["display_name"], "Ada L.");
    let answer = change(json!({"display_name": "x", "username": "bob"})).await;
    assert_eq!(answer.refusal(), (400, "invalid", "username"));
}

#[tokio::test(start_paused = true)]
async fn privacy_settings_change_one_by_one_and_only_their_owner_sees_them() {
    let client = Client::new();
    let (ada, bob) = (client.register("ada").await, client.register("bob").await);
    let change = |body: Value| client.call("PATCH", "/v1/me").of(&ada).json(&body).answer();
    let answer = change(json!({"privacy": {"add_to_groups": "contacts"}})).await;
    assert_eq!(answer.json["display_name"], "ada");
    let changed = change(json!({"privacy": {"read_receipts": false}})).await.json;
    let expected = json!({"last_seen": "everyone", "direct_messages": "everyone",
        "add_to_groups": "contacts", "read_receipts": false});
    assert_eq!(changed["privacy"], expected);
    let me = client.call("GET", "/v1/me").of(&ada).answer().await.json;
    assert_eq!(me, changed);
    let path = format!("/v1/users/{}", ada.id);
    let seen = client.call("GET", &path).of(&bob).answer().await.json;
    assert_eq!(seen["privacy"], Value::Null);
    for wrong in [
        json!({"last_seen": "friends"}),
        json!({"read_receipts": "no"}),
        json!({"online": "nobody"}),
    ] {
        let refusal = change(json!({"privacy": wrong})).await;
        assert_eq!(refusal.refusal(), (400, "invalid", "privacy"));
    }
}

#[tokio::test(start_paused = true)]
async fn blocks_are_listed_and_can_be_ended() {
    let client = Client::new();
    let (ada, bob) = (client.register("ada").await, client.register("bob").await);
    let call = |method: &'static str, user: &str| {
        client.call(method, &format!("/v1/me/blocks/{user}")).of(&ada).answer()
    };
    let list = || client.call("GET", "/v1/me/blocks").of(&ada).answer();
    for _ in 0..2 {
        assert_eq!(call("PUT", &bob.id).await.status, 204);
        assert_eq!(list().await.json, json!({"items": [bob.id]}));
    }
    let body = json!({"kind": "direct", "user": ada.id});
    let open = || client.call("POST", "/v1/conversations").of(&bob).json(&body).answer();
    let refused = open().await;
    assert_eq!(refused.refusal(), (403, "forbidden", ""));
    assert_eq!(refused.json["details"], json!({"reason": "privacy"}));
    for _ in 0..2 {
        assert_eq!(call("DELETE", &bob.id).await.status, 204);
        assert_eq!(list().await.json, json!({"items": []}));
    }
    assert_eq!(open().await.status, 201);
    assert_eq!(call("PUT", "77").await.refusal(), (404, "not_found", ""));
    assert_eq!(call("PUT", &ada.id).await.refusal(), (400, "invalid", "user"));
}

#[tokio::test(start_paused = true)]
async fn login_error_is_the_same_for_wrong_password_and_unknown_name() {
    let client = Client::new();
    client.register("ada").await;
    let log_in = |name: &str, password: &str| {
        let body = json!({"username": name, "password": password, "device": "test"});
        client.call("POST", "/v1/sessions").json(&body).answer()
    };
    let wrong = log_in("ada", "another password").await;
    let unknown = log_in("nobody", "another password").await;
    assert_eq!(wrong.refusal(), (401, "unauthenticated", ""));
    assert_eq!(wrong.text, unknown.text);
    assert_eq!(log_in("ADA", "an example password").await.status, 201);
}

#[tokio::test(start_paused = true)]
async fn access_token_expires_and_can_be_refreshed() {
    let client = Client::new();
    let ada = client.register("ada").await;
    assert_eq!(me(&client, &ada).await.0, 200);
    advance(Duration::from_secs(600)).await;
    assert_eq!(me(&client, &ada).await, (401, "token_expired".to_owned()));
    let refresh = |token: &str| {
        let body = json!({"refresh_token": token});
        client.call("POST", "/v1/sessions/refresh").json(&body).answer()
    };
    let answer = refresh(&ada.refresh_token).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json["session"]["id"], ada.session.as_str());
    let token = answer.json["session"]["access_token"].as_str().unwrap().to_owned();
    advance(Duration::from_secs(60)).await;
    let repeated = refresh(&ada.refresh_token).await.json;
    let successor = |answer: &Value| answer["session"]["refresh_token"].clone();
    assert_eq!(successor(&repeated), successor(&answer.json), "a repeat after a lost answer");
    let fresh = Person { token, ..ada.clone() };
    assert_eq!(me(&client, &fresh).await.0, 200);
    // Lets the task run that records the first use.
    advance(Duration::from_millis(1)).await;
    assert_eq!(refresh(&ada.refresh_token).await.refusal(), (401, "unauthenticated", ""));
    assert_eq!(
        me(&client, &fresh).await,
        (401, "unauthenticated".to_owned()),
        "the login has ended"
    );
}

#[tokio::test(start_paused = true)]
async fn user_changes_their_password_and_other_logins_end() {
    let client = Client::new();
    let ada = client.register("ada").await;
    let log_in = |password: &str| {
        let body = json!({"username": "ada", "password": password});
        client.call("POST", "/v1/sessions").json(&body).answer()
    };
    let phone = Person::of(&log_in("an example password").await.json);
    let change = |old: &str, new: &str| {
        let body = json!({"old_password": old, "new_password": new});
        client.call("PUT", "/v1/me/password").of(&ada).json(&body).answer()
    };
    let wrong = change("a wrong password", "another example").await;
    assert_eq!(wrong.refusal(), (403, "forbidden", "old_password"));
    let short = change("an example password", "short").await;
    assert_eq!(short.refusal(), (400, "invalid", "new_password"));
    assert_eq!(me(&client, &phone).await.0, 200);
    assert_eq!(change("an example password", "another example").await.status, 204);
    assert_eq!(me(&client, &phone).await, (401, "unauthenticated".to_owned()));
    assert_eq!(me(&client, &ada).await.0, 200);
    assert_eq!(log_in("an example password").await.status, 401);
    let tablet = Person::of(&log_in("another example").await.json);
    assert_eq!(client.call("DELETE", "/v1/sessions").of(&tablet).answer().await.status, 204);
    assert_eq!(me(&client, &ada).await, (401, "unauthenticated".to_owned()));
    assert_eq!(me(&client, &tablet).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn guesses_of_the_old_password_are_rate_limited() {
    let variables = [("RATE_LIMITS__ENABLED", "true"), ("RATE_LIMITS__ACCOUNT_BURST", "2")];
    let client = Client::with(&variables);
    let ada = client.register("ada").await;
    let body = json!({"old_password": "a guess", "new_password": "another example"});
    let guess = || client.call("PUT", "/v1/me/password").of(&ada).json(&body).answer();
    assert_eq!(guess().await.refusal(), (403, "forbidden", "old_password"));
    assert_eq!(guess().await.refusal(), (403, "forbidden", "old_password"));
    assert_eq!(guess().await.refusal(), (429, "rate_limited", ""));
}

#[tokio::test(start_paused = true)]
async fn user_lists_and_ends_their_logins() {
    let client = Client::new();
    let ada = client.register("ada").await;
    let body = json!({"username": "ada", "password": "an example password", "device": "Laptop"});
    let laptop = Person::of(&client.call("POST", "/v1/sessions").json(&body).answer().await.json);
    let list = client.call("GET", "/v1/sessions").of(&laptop).answer().await.json;
    assert_eq!(list["items"][0]["device"], "Laptop");
    assert_eq!(list["items"][0]["current"], true);
    assert_eq!(list["items"][1]["id"], ada.session.as_str());
    assert_eq!(list["items"][1]["device"], Value::Null);
    let end = |id: &str, by: &Person| {
        client.call("DELETE", &format!("/v1/sessions/{id}")).of(by).answer()
    };
    assert_eq!(end("77", &laptop).await.refusal(), (404, "not_found", ""));
    assert_eq!(end("x", &laptop).await.refusal(), (400, "invalid", "id"));
    assert_eq!(end(&ada.session, &laptop).await.status, 204);
    assert_eq!(me(&client, &ada).await, (401, "unauthenticated".to_owned()));
    assert_eq!(end("current", &laptop).await.status, 204);
    assert_eq!(me(&client, &laptop).await, (401, "unauthenticated".to_owned()));
    let body = json!({"refresh_token": laptop.refresh_token});
    let answer = client.call("POST", "/v1/sessions/refresh").json(&body).answer().await;
    assert_eq!(answer.refusal(), (401, "unauthenticated", ""));
}

#[tokio::test(start_paused = true)]
async fn presence_of_strangers_is_unknown() {
    let client = Client::new();
    let (ada, grace) = (client.register("ada").await, client.register("grace").await);
    let path = format!("/v1/presence?users={},{}", grace.id, ada.id);
    let ask = || client.call("GET", &path).of(&ada).answer();
    let answer = ask().await.json;
    let unknown = json!({"user": grace.id, "status": "unknown", "last_seen_at": null});
    assert_eq!(answer["items"][0], unknown);
    assert_eq!(answer["items"][1]["user"], ada.id.as_str());
}

#[tokio::test(start_paused = true)]
async fn login_gets_retry_after_when_rate_limited() {
    let variables = [
        ("RATE_LIMITS__ENABLED", "true"),
        ("RATE_LIMITS__ACCOUNT_BURST", "2"),
        ("RATE_LIMITS__ADDRESS_BURST", "100"),
    ];
    let client = Client::with(&variables);
    let body = json!({"username": "ada", "password": "an example password"});
    let log_in = || client.call("POST", "/v1/sessions").json(&body).answer();
    assert_eq!(log_in().await.status, 401);
    assert_eq!(log_in().await.status, 401);
    let refused = log_in().await;
    assert_eq!(refused.refusal(), (429, "rate_limited", ""));
    assert_eq!(refused.header("retry-after"), "1");
    assert!(refused.json["retry_after_ms"].as_u64().unwrap() <= 1_000);
    assert_eq!(refused.json["retryable"], true);
}

#[tokio::test(start_paused = true)]
async fn answers_have_the_rate_limits_that_were_used() {
    let client = Client::with(&[("RATE_LIMITS__ENABLED", "true")]);
    let (ada, grace) = (client.register("ada").await, client.register("grace").await);
    let group = client.group(&ada, &[&grace]).await;
    let path = format!("/v1/conversations/{group}/messages");
    let body = json!({"client_id": "1", "text": "hi"});
    let answer = client.call("POST", &path).of(&ada).json(&body).answer().await;
    let limits = r#""messages";r=99;t=1, "conversation";r=999;t=1"#;
    assert_eq!(answer.header("ratelimit"), limits, "{}", answer.text);
    let policy = r#""messages";q=100;w=5, "conversation";q=1000;w=5"#;
    assert_eq!(answer.header("ratelimit-policy"), policy);

    let mut last = client.call("GET", "/v1/me").of(&grace).answer().await;
    for _ in 0..500 {
        last = client.call("GET", "/v1/me").of(&grace).answer().await;
    }
    assert_eq!(last.refusal(), (429, "rate_limited", ""));
    assert_eq!(last.header("ratelimit"), r#""requests";r=0;t=1"#);
    let stranger = client.call("GET", "/v1/me").answer().await;
    assert_eq!((stranger.status.as_u16(), stranger.header("ratelimit")), (401, ""));
}
