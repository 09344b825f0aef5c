//! Statuses, headers and problems of HTTP, and the pages of both listeners.

use http::Method;
use tests::{
    Result,
    client::Http,
    ensure, json,
    patience::{SOON, eventually},
    shape::has,
    stage::Stage,
};

#[tokio::test]
async fn problem_has_its_code_and_its_call() -> Result<()> {
    let stage = Stage::open().await?;
    let ada = stage.user("ada").await?;
    let problem = ada.get("/v1/conversations/5").await?.refused(404, "not_found")?;
    let expected = json!({"type": "/docs#not_found", "instance": "/v1/conversations/5",
        "retryable": false, "detail": problem["message"]});
    has(&problem, &expected)?;
    ada.get("/v1/no-such-call").await?.refused(404, "not_found")?;
    ada.get("/v2/me").await?.refused(404, "not_found")?;
    Ok(())
}

#[tokio::test]
async fn wrong_method_gets_the_allowed_ones() -> Result<()> {
    let stage = Stage::open().await?;
    let ada = stage.user("ada").await?;
    for (method, path, allowed) in [
        (Method::DELETE, "/v1/me", "PATCH"),
        (Method::PUT, "/v1/users", "POST"),
        (Method::GET, "/v1/poll", "POST"),
        (Method::GET, "/v1/sessions/refresh", "POST"),
        (Method::POST, "/v1/conversations/5", "PATCH"),
    ] {
        let answer = ada.call(method.clone(), path).answer().await?;
        let allow = answer.header("allow").to_owned();
        ensure!(allow.contains(allowed), "{method} {path}: Allow is {allow:?}");
        answer.refused(405, "invalid")?;
    }
    Ok(())
}

#[tokio::test]
async fn bodies_are_refused_without_a_json_content_type() -> Result<()> {
    let stage = Stage::open().await?;
    let ada = stage.user("ada").await?;
    let body = r#"{"display_name":"Ada"}"#;
    let patch = || ada.call(Method::PATCH, "/v1/me");
    patch().bytes(body).answer().await?.refused(415, "invalid")?;
    for other in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx"] {
        let call = patch().header("content-type", other).bytes(body);
        call.answer().await?.refused(415, "invalid")?;
    }
    for same in ["application/json", "application/json; charset=utf-8", "Application/JSON"] {
        patch().header("content-type", same).bytes(body).answer().await?.ok(200)?;
    }
    Ok(())
}

#[tokio::test]
async fn socket_is_refused_without_upgrade_and_subprotocol() -> Result<()> {
    let stage = Stage::open().await?;
    let ada = stage.user("ada").await?;
    let plain = ada.http().call(Method::GET, "/v1/ws").answer().await?;
    plain.refused(426, "invalid")?;
    let upgrade = |protocol: &'static str| {
        let call = ada.http().call(Method::GET, "/v1/ws").header("connection", "upgrade");
        let call = call.header("upgrade", "websocket").header("sec-websocket-version", "13");
        let call = call.header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        if protocol.is_empty() { call } else { call.header("sec-websocket-protocol", protocol) }
    };
    upgrade("chat, confab.v2.json").answer().await?.refused(400, "invalid")?;
    let taken = upgrade("chat, confab.v1.json").answer().await?;
    assert_eq!((taken.status, taken.header("sec-websocket-protocol")), (101, "confab.v1.json"));
    assert_eq!(upgrade("").answer().await?.status, 101);
    Ok(())
}

#[tokio::test]
async fn answers_are_not_cached() -> Result<()> {
    let stage = Stage::open().await?;
    let ada = stage.user("ada").await?;
    for path in ["/v1/me", "/v1/conversations", "/v1/nothing"] {
        let answer = ada.get(path).await?;
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn token_in_the_query_is_ignored() -> Result<()> {
    let stage = Stage::open().await?;
    let ada = stage.user("ada").await?;
    for name in ["access_token", "token"] {
        let path = format!("/v1/me?{name}={}", ada.access_token);
        let answer = ada.http().call(Method::GET, &path).answer().await?;
        ensure!(matches!(answer.status, 400 | 401), "a token in a query: {answer:?}");
    }
    Ok(())
}

#[tokio::test]
async fn page_and_documents_have_security_headers() -> Result<()> {
    let stage = Stage::open().await?;
    let http = Http::new(stage.gateway.url());
    let page = http.call(Method::GET, "/").answer().await?;
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").starts_with("text/html"), "{page:?}");
    let policy = page.header("content-security-policy").to_owned();
    ensure!(!policy.is_empty(), "no content security policy");
    ensure!(
        !policy.contains("unsafe-inline") || !policy.contains("script-src 'unsafe"),
        "{policy}"
    );
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    let openapi = http.call(Method::GET, "/openapi.json").answer().await?.ok(200)?;
    ensure!(openapi["openapi"].as_str().is_some_and(|v| v.starts_with('3')), "{openapi}");
    for path in ["/v1/poll", "/v1/conversations/{id}/messages", "/v1/sessions/refresh"] {
        ensure!(openapi["paths"].get(path).is_some(), "{path} is not described");
    }
    assert_eq!(http.call(Method::GET, "/docs").answer().await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn admin_listener_serves_health_and_metrics() -> Result<()> {
    let stage = Stage::open().await?;
    let ada = stage.user("ada").await?;
    let admin = Http::new(stage.gateway.admin_url());
    let get = |path: &'static str| admin.call(Method::GET, path).answer();
    for path in ["/healthz", "/readyz", "/version", "/metrics"] {
        assert_eq!(get(path).await?.status, 200, "{path}");
    }
    let bob = stage.user("bob").await?;
    let direct = ada.direct(&bob).await?;
    ada.send(&direct, "a-1", "a very secret text").await?.ok(201)?;
    let metrics = eventually(SOON, async || {
        let text = String::from_utf8_lossy(&get("/metrics").await?.text).into_owned();
        ensure!(text.lines().any(|line| !line.starts_with('#')), "no metrics: {text}");
        Ok(text)
    });
    let metrics = metrics.await?;
    for secret in ["a very secret text", &ada.access_token, &ada.refresh_token] {
        ensure!(!metrics.contains(secret), "the metrics contain secrets");
    }
    // The public listener does not serve the pages for operators.
    let public = Http::new(stage.gateway.url());
    for path in ["/metrics", "/readyz"] {
        let answer = public.call(Method::GET, path).answer().await?;
        ensure!(answer.status == 404, "{path} is public: {answer:?}");
    }
    Ok(())
}

#[tokio::test]
async fn log_contains_no_secrets() -> Result<()> {
    let mut stage = Stage::open().await?;
    let ada = stage.user("ada").await?;
    let bob = stage.user("bob").await?;
    let direct = ada.direct(&bob).await?;
    ada.send(&direct, "a-1", "a very secret text").await?.ok(201)?;
    ada.get("/v1/nothing").await?.refused(404, "not_found")?;
    ada.ws(None).await?.close().await?;
    let process = stage.gateway.process();
    for secret in ["a very secret text", &ada.access_token, &ada.refresh_token, "example password"]
    {
        ensure!(!process.has_logged(secret), "the log contains secrets");
    }
    Ok(())
}
