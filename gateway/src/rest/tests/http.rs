//! Rules for all calls: tokens, bodies, queries, paths, headers, origins.

use std::{collections::BTreeSet, convert::Infallible};

use ::http::Request;
use axum::{Router, body::Body as HttpBody, routing::get};
use serde_json::json;
use tower::ServiceExt;

use super::Client;
use crate::{front, gateway, rest::openapi};

/// Every call, and whether it is open to clients without a token.
const CALLS: [(&str, &str, bool); 49] = [
    ("POST", "/v1/users", true),
    ("GET", "/v1/users", false),
    ("GET", "/v1/users/{id}", false),
    ("GET", "/v1/me", false),
    ("PATCH", "/v1/me", false),
    ("PUT", "/v1/me/password", false),
    ("GET", "/v1/me/blocks", false),
    ("PUT", "/v1/me/blocks/{user}", false),
    ("DELETE", "/v1/me/blocks/{user}", false),
    ("GET", "/v1/presence", false),
    ("POST", "/v1/sessions", true),
    ("GET", "/v1/sessions", false),
    ("DELETE", "/v1/sessions", false),
    ("POST", "/v1/sessions/refresh", true),
    ("DELETE", "/v1/sessions/{id}", false),
    ("POST", "/v1/conversations", false),
    ("GET", "/v1/conversations", false),
    ("GET", "/v1/conversations/{id}", false),
    ("PATCH", "/v1/conversations/{id}", false),
    ("POST", "/v1/conversations/{id}/accept", false),
    ("POST", "/v1/conversations/{id}/decline", false),
    ("POST", "/v1/conversations/{id}/invites", false),
    ("GET", "/v1/conversations/{id}/invites", false),
    ("GET", "/v1/conversations/{id}/members", false),
    ("PUT", "/v1/conversations/{id}/members/{user}", false),
    ("DELETE", "/v1/conversations/{id}/members/{user}", false),
    ("POST", "/v1/conversations/{id}/messages", false),
    ("GET", "/v1/conversations/{id}/messages", false),
    ("PATCH", "/v1/conversations/{id}/messages/{seq}", false),
    ("DELETE", "/v1/conversations/{id}/messages/{seq}", false),
    ("PUT", "/v1/conversations/{id}/messages/{seq}/reactions/{emoji}", false),
    ("DELETE", "/v1/conversations/{id}/messages/{seq}/reactions/{emoji}", false),
    ("POST", "/v1/conversations/{id}/receipts", false),
    // Needs no token, but refuses a wrong one.
    ("GET", "/v1/invites/{code}", false),
    ("POST", "/v1/invites/{code}/accept", false),
    ("DELETE", "/v1/invites/{code}", false),
    ("GET", "/v1/search", false),
    ("POST", "/v1/attachments", false),
    ("GET", "/v1/attachments/{id}", false),
    ("PATCH", "/v1/attachments/{id}", false),
    ("DELETE", "/v1/attachments/{id}", false),
    ("GET", "/v1/attachments/{id}/info", false),
    ("GET", "/v1/attachments/{id}/thumbnail", false),
    ("POST", "/v1/attachments/{id}/link", false),
    ("GET", "/v1/files/{link}", true),
    ("POST", "/v1/poll", false),
    ("GET", "/openapi.json", true),
    ("GET", "/asyncapi.json", true),
    ("GET", "/docs", true),
];

fn filled(path: &str) -> String {
    let path = path.replace("{id}", "5").replace("{user}", "6").replace("{seq}", "7");
    path.replace("{emoji}", "x").replace("{code}", "00000000000").replace("{link}", "x")
}

#[tokio::test(start_paused = true)]
async fn call_needs_a_valid_token_unless_it_is_open() {
    let client = Client::new();
    let headers = ["Bearer x", "Bearer ", "Basic YTpi", ""];
    for ((method, path, open), header) in
        CALLS.iter().flat_map(|call| headers.map(|one| (call, one)))
    {
        let call = client.call(method, &filled(path)).text("{}");
        let answer = call.header("authorization", header).answer().await;
        let refused = answer.refusal() == (401, "unauthenticated", "");
        assert_eq!(refused, !open, "{method} {path} {}", answer.text);
        assert_eq!(answer.header("www-authenticate") == "Bearer", !open);
    }
    for path in ["/v1/me", "/v1/me?x=1"] {
        let without = client.call("GET", path).answer().await;
        assert_eq!(without.refusal(), (401, "unauthenticated", ""), "{path}");
    }
    for path in ["/v1/sessions?x=1", "/v1/sessions/refresh?x=1"] {
        let answer = client.call("POST", path).text("{}").answer().await;
        assert_eq!(answer.refusal(), (400, "invalid", "x"), "{path}");
    }
}

#[test]
fn openapi_describes_exactly_the_existing_calls() {
    let api = CALLS.iter().filter(|(_, path, _)| path.starts_with("/v1/"));
    let calls: BTreeSet<(String, String)> =
        api.map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(openapi::described(), calls);
}

#[tokio::test(start_paused = true)]
async fn docs_have_an_anchor_for_every_code_and_no_inline_code() {
    let client = Client::new();
    let page = client.call("GET", "/docs").answer().await;
    for code in chat_core::error::ErrorCode::ALL {
        assert!(page.text.contains(&format!("<tr id=\"{}\">", code.name())), "{}", code.name());
    }
    assert!(!page.text.contains("<script>") && !page.text.contains("style="));
    // Relative to `/docs`, so that a proxy can serve the page under a path.
    for file in ["docs/docs.js", "docs/docs.css", "openapi.json", "asyncapi.json"] {
        assert!(page.text.contains(&format!("=\"{file}\"")), "{file}");
        assert_eq!(client.call("GET", &format!("/{file}")).answer().await.status, 200);
    }
}

#[tokio::test(start_paused = true)]
async fn body_is_refused_when_its_type_shape_or_size_is_wrong() {
    let client = Client::new();
    let call = || client.call("POST", "/v1/users");
    assert_eq!(call().answer().await.refusal(), (415, "invalid", ""));
    let plain = call().header("content-type", "text/plain").text("{}");
    assert_eq!(plain.answer().await.refusal(), (415, "invalid", ""));
    let answer = call().text("{\"username\":").answer().await;
    assert_eq!(answer.refusal(), (400, "invalid", ""));
    assert_eq!(call().text("[]").answer().await.refusal(), (400, "invalid", ""));
    assert_eq!(call().text("{}").answer().await.refusal(), (400, "invalid", "username"));
    let extra = json!({"username": "ada", "password": "12345678", "role": "owner"});
    assert_eq!(call().json(&extra).answer().await.refusal(), (400, "invalid", "role"));
    let doubled = r#"{"username":"ada","username":"bob","password":"12345678"}"#;
    assert_eq!(call().text(doubled).answer().await.refusal(), (400, "invalid", "username"));
    let large = json!({"username": "ada", "password": "x".repeat(70_000)});
    let answer = call().json(&large).answer().await;
    assert_eq!(answer.refusal(), (413, "too_large", ""));
    assert_eq!(answer.json["details"], json!({"max": 65_536}));
}

#[tokio::test(start_paused = true)]
async fn error_is_a_problem_document_with_its_path() {
    let client = Client::new();
    let ada = client.register("ada").await;
    let answer = client.call("GET", "/v1/nothing").answer().await;
    assert_eq!(answer.refusal(), (404, "not_found", ""));
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.json["instance"], "/v1/nothing");
    assert_eq!(answer.json["type"], "/docs#not_found");
    assert_eq!(answer.json["status"], 404);
    assert_eq!(answer.json["detail"], answer.json["message"]);
    let answer = client.call("PATCH", "/v1/users").of(&ada).answer().await;
    assert_eq!(answer.refusal(), (405, "invalid", ""));
    assert_eq!(answer.json["status"], 405);
    let allowed: BTreeSet<&str> = answer.header("allow").split(',').collect();
    assert!(allowed.contains("GET") && allowed.contains("POST"), "{allowed:?}");
    let answer = client.call("GET", "/v1/ws").answer().await;
    assert_eq!((answer.refusal(), answer.header("upgrade")), ((426, "invalid", ""), "websocket"));
}

#[tokio::test(start_paused = true)]
async fn error_names_the_parameter_of_a_query_or_path() {
    let client = Client::new();
    let ada = client.register("ada").await;
    for (path, field) in [
        ("/v1/me?x=1", "x"),
        ("/v1/users", "query"),
        ("/v1/users?query=a&ids=5", "ids"),
        ("/v1/users?query=a&limit=0", "limit"),
        ("/v1/users?query=a&limit=101", "limit"),
        ("/v1/users?query=a&limit=+5", "limit"),
        ("/v1/users?query=a&query=b", "query"),
        ("/v1/users?query=", "query"),
        ("/v1/users?ids=5&limit=5", "limit"),
        ("/v1/users?limit=5", "query"),
        ("/v1/users?ids=5,x", "ids"),
        ("/v1/users?ids=", "ids"),
        ("/v1/users/ada", "id"),
        ("/v1/users/05", "id"),
        ("/v1/presence", "users"),
        ("/v1/presence?users=5,", "users"),
        ("/v1/conversations?cursor=x", "cursor"),
        ("/v1/conversations/0", "id"),
        ("/v1/conversations/5/members?cursor=x", "cursor"),
        ("/v1/conversations/5/messages?limit=101", "limit"),
        ("/v1/conversations/5/messages?before_seq=1&after_seq=2", "after_seq"),
        ("/v1/conversations/5/messages?before_seq=9007199254740992", "before_seq"),
        ("/v1/conversations/5/messages?limit=5&before=3", "before"),
    ] {
        let answer = client.call("GET", path).of(&ada).answer().await;
        assert_eq!(answer.refusal(), (400, "invalid", field), "{path} {}", answer.text);
    }
    let path = "/v1/conversations/5/messages/x";
    let answer = client.call("DELETE", path).of(&ada).answer().await;
    assert_eq!(answer.refusal(), (400, "invalid", "seq"));
    let answer = client.call("PUT", &format!("{}/reactions/%ff", "/v1/conversations/5/messages/7"));
    assert_eq!(answer.of(&ada).answer().await.refusal(), (400, "invalid", ""));
}

#[tokio::test(start_paused = true)]
async fn every_answer_has_security_headers() {
    let client = Client::new();
    for path in ["/", "/v1/me", "/nothing", "/docs"] {
        let answer = client.call("GET", path).answer().await;
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("script-src 'self'; "), "{path}");
        assert!(policy.contains("object-src 'none'; "), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin", "{path}");
        assert!(answer.header("permissions-policy").contains("camera=()"), "{path}");
    }
    assert_eq!(client.call("GET", "/v1/me").answer().await.header("cache-control"), "no-store");
}

#[tokio::test(start_paused = true)]
async fn page_of_another_origin_is_refused_unless_listed() {
    let client = Client::with(&[("ORIGINS", "https://chat.example")]);
    let from = |origin: &'static str| client.call("GET", "/v1/me").header("origin", origin);
    let stranger = from("https://evil.example").answer().await;
    assert_eq!(stranger.refusal(), (403, "forbidden", ""));
    assert_eq!(stranger.header("access-control-allow-origin"), "");
    let listed = from("https://chat.example").answer().await;
    assert_eq!(listed.status, 401);
    assert_eq!(listed.header("access-control-allow-origin"), "https://chat.example");
    assert_eq!(from("http://confab.test").answer().await.header("access-control-allow-origin"), "");
    let preflight = client
        .call("OPTIONS", "/v1/me")
        .header("origin", "https://chat.example")
        .header("access-control-request-method", "PATCH")
        .answer()
        .await;
    assert_eq!(preflight.status, 204);
    assert!(preflight.header("access-control-allow-methods").contains("PATCH"));
    assert!(preflight.header("access-control-allow-headers").contains("authorization"));
    let stranger = client
        .call("OPTIONS", "/v1/me")
        .header("origin", "https://evil.example")
        .header("access-control-request-method", "PATCH");
    assert_eq!(stranger.answer().await.refusal(), (403, "forbidden", ""));
}

#[tokio::test(start_paused = true)]
async fn http_1_1_request_is_refused_without_exactly_one_host() {
    let client = Client::new();
    let answer = client.call("GET", "/").header("host", "another").answer().await;
    assert_eq!(answer.refusal(), (400, "invalid", ""));
}

async fn fails() -> &'static str {
    panic!("a secret")
}

#[tokio::test(start_paused = true)]
async fn panic_becomes_internal_and_the_gateway_keeps_serving() {
    let app = gateway::tests::gateway(&[]).app();
    let router = Router::new().route("/v1/fails", get(fails)).route("/v1/works", get(|| async {}));
    let client = Client(front::wrap(router, app));
    let answer = client.call("GET", "/v1/fails").answer().await;
    assert_eq!(answer.refusal(), (500, "internal", ""));
    assert!(!answer.text.contains("secret") && answer.json["instance"] == "/v1/fails");
    assert_eq!(client.call("GET", "/v1/works").answer().await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn body_times_out_when_it_never_ends() {
    let client = Client::new();
    let never = HttpBody::from_stream(futures_util::stream::pending::<Result<&str, Infallible>>());
    let request = Request::post("/v1/users").header("content-type", "application/json");
    let request = request.header("host", "confab.test").body(never).unwrap();
    let answer = client.0.oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 408);
}
