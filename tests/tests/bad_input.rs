//! Input that breaks the documented shape is refused with a clear error and has no effect.

use http::Method;
use tests::{
    Result, Value,
    client::{Call, User},
    ensure, json,
    shape::has,
    stage::Stage,
};

/// Bodies that are not a JSON object, or one that the protocol does not allow.
fn broken_bodies() -> Vec<Vec<u8>> {
    let deep = |open: &str, close: &str| {
        format!("{{\"username\":{}{}}}", open.repeat(10_000), close.repeat(10_000)).into_bytes()
    };
    vec![
        b"".to_vec(),
        b"{".to_vec(),
        b"null".to_vec(),
        b"[]".to_vec(),
        b"\"text\"".to_vec(),
        b"{} {}".to_vec(),
        b"{\"username\":\"a\xff\"}".to_vec(),
        b"{\"username\":\"\\ud800\"}".to_vec(),
        b"{'username':'ada'}".to_vec(),
        b"{\"username\":NaN}".to_vec(),
        b"\xef\xbb\xbf{}x".to_vec(),
        deep("[", "]"),
        deep("{\"a\":", "}"),
    ]
}

async fn is_alive(user: &User) -> Result<()> {
    user.get("/v1/me").await?.ok(200).map(drop)
}

#[tokio::test]
async fn broken_json_is_refused_by_every_call() -> Result<()> {
    let stage = Stage::open().await?;
    let ada = stage.user("ada").await?;
    let calls = [
        (Method::POST, "/v1/users"),
        (Method::POST, "/v1/sessions"),
        (Method::POST, "/v1/sessions/refresh"),
        (Method::PATCH, "/v1/me"),
        (Method::POST, "/v1/conversations"),
        (Method::POST, "/v1/poll"),
    ];
    for body in broken_bodies() {
        for (method, path) in calls.clone() {
            let call = ada.call(method, path).header("content-type", "application/json");
            let answer = call.header("idempotency-key", "key").bytes(body.clone()).answer().await?;
            answer.refused(400, "invalid")?;
        }
    }
    is_alive(&ada).await
}

/// A call with an unknown member or a wrong type, and the member's name.
const FIELDS: &str = r#"
POST /v1/users                  | {"username":"x-y","password":"long enough","admin":true} | admin
POST /v1/users                  | {"username":7,"password":"long enough"}                 | username
POST /v1/users                  | {"username":"x-y"}                                      | password
POST /v1/users                  | {"username":"no spaces","password":"long enough"}       | username
POST /v1/users                  | {"username":"ab","password":"long enough"}              | username
POST /v1/users                  | {"username":"x-y","password":"short"}                   | password
POST /v1/users                  | {"username":"x-y","password":"password"}                | password
POST /v1/users                  | {"username":"x-y","password":"qwertyuiop"}              | password
POST /v1/users                  | {"username":"admin","password":"long enough"}           | username
POST /v1/users                  | {"username":"Sup-port","password":"long enough"}        | username
POST /v1/users                  | {"username":"...","password":"long enough"}             | username
POST /v1/users                  | {"username":"x-y","password":"long enough","display_name":"A\u200bda"} | display_name
POST /v1/sessions               | {"username":"x-y","password":"long enough","device":"a\u001b[2J"} | device
PUT /v1/me/password             | {"old_password":"an example password","new_password":"iloveyou"} | new_password
POST /v1/users                  | {"username":"x-y","password":"long enough","display_name":""} | display_name
POST /v1/sessions               | {"username":"x-y","password":["x"]}                     | password
POST /v1/sessions/refresh       | {"refresh_token":null}                                  | refresh_token
PATCH /v1/me                    | {"display_name":"Ada","username":"other"}                | username
PATCH /v1/me                    | {"username":"other"}                                    | username
POST /v1/conversations          | {"kind":"room"}                                         | kind
POST /v1/conversations          | {"kind":"direct","user":5}                              | user
POST /v1/conversations          | {"kind":"direct","user":"x"}                            | user
POST /v1/conversations          | {"kind":"direct","user":"1","title":"x"}                | title
POST /v1/conversations          | {"kind":"group"}                                        | title
POST /v1/conversations          | {"kind":"group","title":"x","members":"1"}              | members
POST {c}/messages               | {"text":"x"}                                            | client_id
POST {c}/messages               | {"client_id":"a b","text":"x"}                          | client_id
POST {c}/messages               | {"client_id":"","text":"x"}                             | client_id
POST {c}/messages               | {"client_id":"a"}                                       | text
POST {c}/messages               | {"client_id":"a","text":""}                             | text
POST {c}/messages               | {"client_id":"a","text":5}                              | text
POST {c}/messages               | {"client_id":"a","text":"x","sender":"1"}               | sender
POST {c}/messages               | {"client_id":"a","text":"x","seq":1}                    | seq
POST {c}/messages               | {"client_id":"a","text":"x","sent_at":"2026-01-01T00:00:00.000Z"} | sent_at
POST {c}/messages               | {"client_id":"a","text":"x","reply_to":"3"}             | reply_to
POST {c}/messages               | {"client_id":"a","text":"x","reply_to":-1}              | reply_to
POST {c}/messages               | {"client_id":"a","text":"x","expected_seq":1.5}         | expected_seq
POST {c}/messages               | {"client_id":"a","text":"x","base_seq":true}            | base_seq
POST {c}/messages               | {"client_id":"a","text":"x","text":"y"}                 | text
PATCH {c}/messages/3            | {"text":"x"}                                            | client_id
PATCH {c}                       | {"title":null}                                          | title
PATCH {c}                       | {"title":"x","kind":"direct"}                           | kind
POST {c}/receipts               | {"read_seq":"3"}                                        | read_seq
POST {c}/receipts               | {"read_seq":3,"seen_seq":3}                             | seen_seq
PUT {c}/members/1               | {"role":"king"}                                         | role
POST /v1/poll                   | {"resume":[],"wait_ms":0}                               | resume
POST /v1/poll                   | {"resume":{"x":1},"wait_ms":0}                          | resume
POST /v1/poll                   | {"resume":{"1":"1"},"wait_ms":0}                        | resume
POST /v1/poll                   | {"resume":{"1":-1},"wait_ms":0}                         | resume
POST /v1/poll                   | {"wait_ms":30001}                                       | wait_ms
POST /v1/poll                   | {"wait_ms":"0"}                                         | wait_ms
POST /v1/poll                   | {"timeout":5}                                           | timeout
"#;

fn prepared(user: &User, conversation: &str, call: &str) -> Result<Call> {
    let call = call.replace("{c}", &format!("/v1/conversations/{conversation}"));
    let (method, path) = call.split_once(' ').unwrap_or_default();
    let call = user.call(method.parse()?, path);
    Ok(call.header("content-type", "application/json").header("idempotency-key", "key"))
}

#[tokio::test]
async fn errors_name_unknown_and_mistyped_members() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let group = ada.group("Lunch", &[&bob]).await?;
    ada.send(&group, "first", "hello").await?.ok(201)?;
    let mut wrong = Vec::new();
    for line in FIELDS.trim().lines() {
        let mut cells = line.split('|').map(str::trim);
        let [call, body, field] = [(); 3].map(|()| cells.next().unwrap_or_default());
        let answer = prepared(&ada, &group, call)?.bytes(body.to_owned()).answer().await?;
        let refusal = answer.refused(400, "invalid");
        let named =
            refusal.and_then(|problem| has(&problem, &json!({"details": {"field": field}})));
        wrong.extend(named.err().map(|error| format!("{call} {body}: {error}")));
    }
    ensure!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(ada.conversation(&group).await?["head_seq"], 3, "something was done");
    Ok(())
}

#[tokio::test]
async fn commands_are_checked_like_calls() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let group = ada.group("Lunch", &[&bob]).await?;
    let mut ws = ada.ws(None).await?;
    for (command, body, field) in [
        ("send", json!({"client_id": "a", "text": "x", "sender": "1"}), "sender"),
        ("send", json!({"client_id": "a", "text": ["x"]}), "text"),
        ("send", json!({"client_id": "a", "text": ""}), "text"),
        ("send", json!({"client_id": "a", "text": " \n\u{200B}\u{2800}\u{3164}"}), "text"),
        ("edit", json!({"client_id": "a", "seq": 1, "text": "\u{200B}"}), "text"),
        ("send", json!({"client_id": "ä", "text": "x"}), "client_id"),
        ("send", json!({"text": "x"}), "client_id"),
        ("edit", json!({"seq": 1, "text": "x"}), "client_id"),
        ("edit", json!({"seq": "1", "text": "x", "client_id": "a"}), "seq"),
        ("react", json!({"seq": 1, "emoji": "x"}), "on"),
        ("react", json!({"seq": 1, "emoji": "", "on": true}), "emoji"),
        ("react", json!({"seq": 1, "emoji": "a b", "on": true}), "emoji"),
        ("react", json!({"seq": 1, "emoji": "x", "on": true}), "emoji"),
        ("react", json!({"seq": 1, "emoji": "x", "on": "yes"}), "on"),
        ("typing", json!({}), "on"),
        ("receipt", json!({"read_seq": null, "delivered_seq": "1"}), "delivered_seq"),
        ("history", json!({"limit": 0}), "limit"),
    ] {
        let mut body = body;
        body["conversation"] = json!(group);
        let error = ws.refused(command, body.clone(), "invalid").await?;
        has(&error, &json!({"details": {"field": field}}))
            .map_err(|error| error.context(format!("{command} {body}")))?;
    }
    for (command, body, field) in [
        ("no-such-command", json!({}), "cmd"),
        ("watch", json!({"users": "1"}), "users"),
        ("watch", json!({"users": ["x"]}), "users"),
        ("away", json!({"on": 1}), "on"),
        ("ping", json!({"extra": 1}), "extra"),
        ("refresh", json!({}), "token"),
        ("send", json!({"conversation": 5, "client_id": "a", "text": "x"}), "conversation"),
    ] {
        let error = ws.refused(command, body, "invalid").await?;
        has(&error, &json!({"details": {"field": field}}))
            .map_err(|error| error.context(command))?;
    }
    ws.refused("hello", json!({"token": ada.access_token}), "conflict").await?;
    assert_eq!(ada.conversation(&group).await?["head_seq"], 2, "something was done");
    Ok(())
}

#[tokio::test]
async fn ids_out_of_range_are_refused_clearly() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let group = ada.group("Lunch", &[&bob]).await?;
    let base = format!("/v1/conversations/{group}");
    for id in ["0", "-1", "01", "9223372036854775808", "99999999999999999999", "x", "%00", "1e3"] {
        for path in [format!("/v1/users/{id}"), format!("/v1/conversations/{id}")] {
            let answer = ada.get(&path).await?;
            ensure!(matches!(answer.status, 400 | 404), "{path}: {answer:?}");
        }
        let path = format!("{base}/members/{id}");
        let answer = ada.put(&path, json!({})).await?;
        ensure!(matches!(answer.status, 400 | 404), "{path}: {answer:?}");
        let path = format!("{base}/messages/{id}");
        let answer = ada.patch(&path, json!({"client_id": "a", "text": "x"})).await?;
        ensure!(matches!(answer.status, 400 | 404), "{path}: {answer:?}");
    }
    for query in ["after_seq=18446744073709551616", "before_seq=-1", "after_seq=", "limit=1e1"] {
        ada.get(&format!("{base}/messages?{query}")).await?.refused(400, "invalid")?;
    }
    for seq in [u64::MAX, i64::MAX as u64, (1 << 53) - 1] {
        let page = ada.get(&format!("{base}/messages?after_seq={seq}")).await?;
        ensure!(matches!(page.status, 200 | 400), "{page:?}");
        let page = ada.get(&format!("{base}/messages?around_seq={seq}")).await?;
        ensure!(matches!(page.status, 200 | 400), "{page:?}");
        let resume = json!({"resume": {group.as_str(): seq}, "wait_ms": 0});
        let poll = ada.post("/v1/poll", resume).await?;
        ensure!(matches!(poll.status, 200 | 400), "{poll:?}");
        let body = json!({"client_id": "b", "text": "x", "base_seq": seq});
        let sent = ada.post(&format!("{base}/messages"), body).await?;
        ensure!(matches!(sent.status, 200 | 201 | 400), "{sent:?}");
    }
    is_alive(&ada).await
}

#[tokio::test]
async fn any_text_is_stored_unchanged() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let direct = ada.direct(&bob).await?;
    let texts = [
        "a\u{0}\u{1}\u{7f}\u{feff}\u{202e}",
        "<script>alert(1)</script> & \"quotes\" \\ / \u{2028}",
        "Ünïcödé \u{1F469}\u{200D}\u{1F4BB} e\u{301} \u{e9}",
        " \t\r\n.",
        "'; DROP TABLE log; --",
    ];
    for (number, text) in texts.iter().enumerate() {
        let sent = ada.send(&direct, &format!("a-{number}"), text).await?.ok(201)?;
        assert_eq!(sent["message"]["text"], *text);
    }
    let read = bob.entries(&direct).await?;
    let kept: Vec<Value> = read.iter().skip(2).map(|entry| entry["text"].clone()).collect();
    assert_eq!(kept, texts);
    for blank in [" \t\r\n", "\u{200b}\u{2800}\u{3164}", "\u{0}\u{202e}"] {
        ada.send(&direct, "blank", blank).await?.refused(400, "invalid")?;
    }
    Ok(())
}
