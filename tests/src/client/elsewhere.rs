//! Calls from another address, for gateways that trust the `X-Forwarded-For` of their clients.

use anyhow::Result;
use http::Method;
use serde_json::json;

use super::{Answer, Http};

/// Logs in from this address.
pub async fn log_in_from(
    address: &str,
    http: &Http,
    username: &str,
    password: &str,
) -> Result<Answer> {
    let body = json!({"username": username, "password": password});
    let call = http.call(Method::POST, "/v1/sessions").header("x-forwarded-for", address);
    call.json(&body).answer().await
}

/// Refreshes a login from this address.
pub async fn refresh_from(address: &str, http: &Http, token: &str) -> Result<Answer> {
    let call = http.call(Method::POST, "/v1/sessions/refresh").header("x-forwarded-for", address);
    call.json(&json!({"refresh_token": token})).answer().await
}
