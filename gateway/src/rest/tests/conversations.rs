//! Conversations, members, entries and receipts over REST.

use serde_json::{Value, json};

use super::{Answer, Client, Person};

async fn get(client: &Client, person: &Person, path: &str) -> Answer {
    client.call("GET", path).of(person).answer().await
}

#[tokio::test(start_paused = true)]
async fn two_users_share_one_direct_conversation() {
    let client = Client::new();
    let (ada, grace) = (client.register("ada").await, client.register("grace").await);
    let open = |by: &Person, with: &str| {
        let body = json!({"kind": "direct", "user": with});
        client.call("POST", "/v1/conversations").of(by).json(&body).answer()
    };
    let made = open(&ada, &grace.id).await;
    assert_eq!((made.status.as_u16(), &made.json["peer"]["username"]), (201, &json!("grace")));
    assert_eq!((&made.json["title"], &made.json["role"]), (&Value::Null, &json!("member")));
    let again = open(&grace, &ada.id).await;
    assert_eq!((again.status.as_u16(), &again.json["id"]), (200, &made.json["id"]));
    assert_eq!(open(&ada, "77").await.refusal().1, "not_found");
    assert_eq!(open(&ada, &ada.id).await.refusal().1, "invalid");
}

#[tokio::test(start_paused = true)]
async fn group_is_created_once_when_its_key_repeats() {
    let client = Client::new();
    let (ada, grace) = (client.register("ada").await, client.register("grace").await);
    let body = json!({"kind": "group", "title": "Lunch", "members": [grace.id]});
    let call = || client.call("POST", "/v1/conversations").of(&ada);
    let keyless = call().json(&body).answer().await;
    assert_eq!(keyless.refusal(), (400, "invalid", "Idempotency-Key"));
    let bad = call().header("idempotency-key", "a b").json(&body).answer().await;
    assert_eq!(bad.refusal(), (400, "invalid", "Idempotency-Key"));
    let made = call().header("idempotency-key", "k1").json(&body).answer().await;
    assert_eq!((made.status.as_u16(), &made.json["member_count"]), (201, &json!(2)));
    assert_eq!((&made.json["role"], &made.json["head_seq"]), (&json!("owner"), &json!(2)));
    let again = call().header("idempotency-key", "k1").json(&body).answer().await;
    assert_eq!((again.status.as_u16(), &again.json["id"]), (201, &made.json["id"]));
    let other = json!({"kind": "group", "title": "Dinner", "members": [grace.id]});
    let reused = call().header("idempotency-key", "k1").json(&other).answer().await;
    assert_eq!(reused.refusal().0, 422, "{}", reused.text);
}

#[tokio::test(start_paused = true)]
async fn text_is_sent_once_when_its_client_id_repeats() {
    let client = Client::new();
    let (ada, grace) = (client.register("ada").await, client.register("grace").await);
    let group = client.group(&ada, &[&grace]).await;
    let sent = client.send(&ada, &group, "a-1", "Shall we eat?").await;
    assert_eq!(sent.status, 201);
    assert_eq!((&sent.json["message"]["seq"], &sent.json["replayed"]), (&json!(3), &json!(false)));
    let again = client.send(&ada, &group, "a-1", "Shall we eat?").await;
    assert_eq!((again.status.as_u16(), &again.json["replayed"]), (200, &json!(true)));
    assert_eq!(again.json["message"], sent.json["message"]);
    let other = client.send(&ada, &group, "a-1", "Shall we sleep?").await;
    assert_eq!(other.refusal(), (422, "key_reused", "client_id"));
    let path = format!("/v1/conversations/{group}/messages");
    let expected = json!({"client_id": "a-2", "text": "x", "expected_seq": 9});
    let moved = client.call("POST", &path).of(&ada).json(&expected).answer().await;
    assert_eq!(moved.refusal(), (409, "conflict", ""));
    assert_eq!(moved.json["details"], json!({"head_seq": 3}));
    let large = client.send(&ada, &group, "a-3", &"x".repeat(16_385)).await;
    assert_eq!(large.refusal(), (413, "too_large", "text"));
    let stranger = client.register("alan").await;
    let answer = client.send(&stranger, &group, "b-1", "hello").await;
    assert_eq!(answer.refusal(), (404, "not_found", ""));
}

#[tokio::test(start_paused = true)]
async fn history_reflects_edits_reactions_and_redactions() {
    let client = Client::new();
    let (ada, grace) = (client.register("ada").await, client.register("grace").await);
    let group = client.group(&ada, &[&grace]).await;
    client.send(&ada, &group, "a-1", "Shall we eat at noon?").await;
    client.send(&grace, &group, "g-1", "Never.").await;
    let messages = format!("/v1/conversations/{group}/messages");

    let body = json!({"client_id": "a-2", "text": "Shall we eat at one?", "base_seq": 4});
    let edit = client.call("PATCH", &format!("{messages}/3")).of(&ada).json(&body).answer().await;
    assert_eq!((edit.status.as_u16(), &edit.json["message"]["kind"]), (201, &json!("edited")));
    let emoji = format!("{messages}/3/reactions/%F0%9F%91%8D");
    let put = client.call("PUT", &emoji).of(&grace).answer().await;
    assert_eq!((put.status.as_u16(), &put.json["message"]["emoji"]), (201, &json!("👍")));
    assert_eq!(client.call("PUT", &emoji).of(&grace).answer().await.status, 200);
    let redact = client.call("DELETE", &format!("{messages}/4")).of(&grace).answer().await;
    assert_eq!((redact.status.as_u16(), &redact.json["message"]["target_seq"]), (201, &json!(4)));
    assert_eq!(client.call("DELETE", &format!("{messages}/4")).of(&ada).answer().await.status, 200);

    let history = get(&client, &grace, &format!("{messages}?after_seq=2&limit=2")).await.json;
    assert_eq!(history["items"][0]["text"], "Shall we eat at one?");
    assert_eq!(history["items"][0]["reactions"], json!([{"emoji": "👍", "users": [grace.id]}]));
    assert_eq!(history["items"][1]["redacted"], true);
    assert_eq!((history["items"].as_array().unwrap().len(), &history["head_seq"]), (2, &json!(7)));
    let off = client.call("DELETE", &emoji).of(&grace).answer().await;
    assert_eq!((off.status.as_u16(), &off.json["message"]["on"]), (201, &json!(false)));
}

#[tokio::test(start_paused = true)]
async fn members_can_be_added_promoted_listed_and_removed() {
    let client = Client::new();
    let (ada, grace) = (client.register("ada").await, client.register("grace").await);
    let alan = client.register("alan").await;
    let group = client.group(&ada, &[]).await;
    let path = |who: &Person| format!("/v1/conversations/{group}/members/{}", who.id);
    let added = client.call("PUT", &path(&grace)).of(&ada).answer().await;
    assert_eq!((added.status.as_u16(), &added.json["role"]), (201, &json!("member")));
    assert_eq!(added.json["joined_seq"], 2);
    let role = json!({"role": "admin"});
    let promoted = client.call("PUT", &path(&grace)).of(&ada).json(&role).answer().await;
    assert_eq!((promoted.status.as_u16(), &promoted.json["role"]), (200, &json!("admin")));
    let same = client.call("PUT", &path(&grace)).of(&ada).json(&json!({})).answer().await;
    assert_eq!((same.status.as_u16(), &same.json["role"]), (200, &json!("admin")));
    let wrong = client.call("PUT", &path(&grace)).of(&ada).json(&json!({"role": "king"}));
    assert_eq!(wrong.answer().await.refusal(), (400, "invalid", "role"));
    assert_eq!(client.call("PUT", &path(&alan)).of(&grace).answer().await.status, 201);

    let members = format!("/v1/conversations/{group}/members");
    let first = get(&client, &alan, &format!("{members}?limit=2")).await.json;
    let cursor = first["next_cursor"].as_str().unwrap().to_owned();
    let rest = get(&client, &alan, &format!("{members}?limit=2&cursor={cursor}")).await.json;
    assert_eq!(first["items"].as_array().unwrap().len(), 2);
    assert_eq!(rest["items"].as_array().unwrap().len(), 1);
    assert_eq!(rest["next_cursor"], Value::Null);

    assert_eq!(client.call("DELETE", &path(&alan)).of(&grace).answer().await.status, 204);
    assert_eq!(get(&client, &alan, &members).await.refusal(), (404, "not_found", ""));
    let gone = client.call("DELETE", &path(&alan)).of(&grace).answer().await;
    assert_eq!(gone.refusal().0, 404);
    let last = client.call("DELETE", &path(&ada)).of(&ada).answer().await;
    assert_eq!(last.refusal(), (409, "conflict", ""));
}

#[tokio::test(start_paused = true)]
async fn title_and_receipts_change_and_appear_in_lists() {
    let client = Client::new();
    let (ada, grace) = (client.register("ada").await, client.register("grace").await);
    let group = client.group(&ada, &[&grace]).await;
    client.send(&ada, &group, "a-1", "hello").await;
    let path = format!("/v1/conversations/{group}");
    let title = json!({"title": "Lunch club"});
    let named = client.call("PATCH", &path).of(&ada).json(&title).answer().await;
    assert_eq!((named.status.as_u16(), &named.json["title"]), (200, &json!("Lunch club")));
    let refused = client.call("PATCH", &path).of(&grace).json(&title).answer().await;
    assert_eq!(refused.refusal(), (403, "forbidden", ""));

    let receipts = |body: Value| {
        client.call("POST", &format!("{path}/receipts")).of(&grace).json(&body).answer()
    };
    assert_eq!(get(&client, &grace, &path).await.json["unread"], 1);
    assert_eq!(receipts(json!({"read_seq": 3})).await.status, 204);
    let seen = get(&client, &grace, &path).await.json;
    assert_eq!((&seen["unread"], &seen["delivered_seq"]), (&json!(0), &json!(3)));
    assert_eq!(receipts(json!({"read_seq": 99})).await.refusal().1, "invalid");
    assert_eq!(receipts(json!({})).await.refusal(), (400, "invalid", "read_seq"));

    let list = get(&client, &grace, "/v1/conversations").await.json;
    assert_eq!(list["items"][0]["id"], group.as_str());
    assert_eq!(list["items"][0]["last_message"]["text"], "hello");
    assert_eq!(list["next_cursor"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn pages_of_conversations_contain_each_one_once() {
    let client = Client::new();
    let ada = client.register("ada").await;
    let mut made = Vec::new();
    for number in 0..5 {
        let body = json!({"kind": "group", "title": format!("g{number}")});
        let call = client.call("POST", "/v1/conversations").of(&ada);
        let answer =
            call.header("idempotency-key", &format!("k{number}")).json(&body).answer().await;
        made.push(answer.json["id"].clone());
        tokio::time::advance(std::time::Duration::from_millis(5)).await;
    }
    made.reverse();
    let (mut listed, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = get(&client, &ada, &format!("/v1/conversations?limit=2{cursor}")).await.json;
        listed.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].clone()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(listed, made);
}

#[tokio::test(start_paused = true)]
async fn set_member_accepts_an_empty_body_with_a_json_header() {
    let client = Client::new();
    let (ada, grace) = (client.register("ada").await, client.register("grace").await);
    let group = client.group(&ada, &[]).await;
    let path = format!("/v1/conversations/{group}/members/{}", grace.id);
    let put = || client.call("PUT", &path).of(&ada);
    assert_eq!(put().answer().await.status, 201);
    for body in ["", "null", " null\n"] {
        assert_eq!(put().text(body).answer().await.status, 200, "{body:?}");
    }
    let plain = put().header("content-type", "text/plain").answer().await;
    assert_eq!(plain.refusal(), (415, "invalid", ""));
}

#[tokio::test(start_paused = true)]
async fn request_is_listed_declined_and_accepted() {
    let client = Client::new();
    let (ada, bob) = (client.register("ada").await, client.register("bob").await);
    let group = client.group(&ada, &[&bob]).await;
    let listed = async |state: &str| {
        let path = format!("/v1/conversations?state={state}");
        let answer = client.call("GET", &path).of(&bob).answer().await;
        answer.json["items"].as_array().map_or(0, Vec::len)
    };
    let answer = async |what: &str| {
        let path = format!("/v1/conversations/{group}/{what}");
        client.call("POST", &path).of(&bob).answer().await
    };
    assert_eq!((listed("request").await, listed("open").await), (1, 0));
    let path = format!("/v1/conversations/{group}");
    let one = client.call("GET", &path).of(&bob).answer().await;
    assert_eq!(one.json["state"], "request");
    assert_eq!(answer("decline").await.status, 204);
    assert_eq!((listed("request").await, listed("open").await), (0, 0));
    let accepted = answer("accept").await;
    assert_eq!((accepted.status.as_u16(), &accepted.json["state"]), (200, &json!("open")));
    assert_eq!((listed("request").await, listed("open").await), (0, 1));
    assert_eq!(answer("decline").await.refusal(), (409, "conflict", ""));
    let wrong = client.call("GET", "/v1/conversations?state=closed").of(&bob).answer().await;
    assert_eq!(wrong.refusal(), (400, "invalid", "state"));
    let stranger = client.register("eve").await;
    for what in ["accept", "decline"] {
        let path = format!("/v1/conversations/{group}/{what}");
        let refused = client.call("POST", &path).of(&stranger).answer().await;
        assert_eq!(refused.refusal(), (404, "not_found", ""));
    }
}
