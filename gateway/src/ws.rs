//! `GET /v1/ws`: the handshake, and the socket's task.
//!
//! In reading order: `socket` serves one client, after a `greeting`. A `request` is one command, and
//! `lanes` keep commands in order. `watching` is the socket's part in presence, `deadlines` are its
//! timeouts, and `minute_limit` bounds what a client may do wrong. `wire` reads frames through a
//! [`decoder`] and writes them through a `writer`, which fan-outs share. Below both is a `channel`, with
//! or without TLS. [`wheel`] is the one timer of
//! all sockets.

mod channel;
mod deadlines;
pub mod decoder;
#[cfg(feature = "fuzzing")]
pub(crate) mod echo;
mod greeting;
mod lanes;
mod minute_limit;
mod request;
mod socket;
mod watching;
pub mod wheel;
mod wire;
mod writer;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use chat_core::error::ChatError;
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{
        CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
        SEC_WEBSOCKET_VERSION, UPGRADE,
    },
};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::{rt::TokioIo, server::conn::auto::upgrade};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::{app::App, error::ApiError, listener::Socket, origin, protocol::SUBPROTOCOL};

const NO_UPGRADE: &str = "this is a WebSocket endpoint and needs an upgrade";

/// Answers the handshake, and serves the socket in its own task.
pub async fn upgrade(State(app): State<Arc<App>>, mut request: Request) -> Response {
    let accept_key = match check_handshake(&app, &request) {
        Ok(accept_key) => accept_key,
        Err(HandshakeError::UpgradeRequired(message)) => return upgrade_required(message),
        Err(HandshakeError::Refused(error)) => return ApiError::from(error).into_response(),
    };
    let Some(on_upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
        return upgrade_required(NO_UPGRADE);
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    if let Ok(accept_key) = HeaderValue::from_str(&accept_key) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept_key);
    }
    if request.headers().contains_key(SEC_WEBSOCKET_PROTOCOL) {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    }
    let tasks = app.tasks.clone();
    tasks.spawn(async move {
        if let Some((socket, first)) = client_socket(on_upgrade).await {
            // The socket counts as a connection as long as it lives.
            let (stream, _place) = socket.into_parts();
            socket::serve(app, stream.into(), first).await;
        }
    });
    response
}

/// Returns the connection without hyper's layers, and the bytes read after the handshake.
async fn client_socket(on_upgrade: OnUpgrade) -> Option<(Socket, Bytes)> {
    let upgraded: Upgraded = on_upgrade.await.ok()?;
    let Ok(parts) = upgrade::downcast::<TokioIo<Socket>>(upgraded) else {
        tracing::error!("upgraded connection is not a client's socket");
        return None;
    };
    Some((parts.io.into_inner(), parts.read_buf))
}

/// Why a handshake is refused.
enum HandshakeError {
    /// 426: the client must upgrade, or use another version.
    UpgradeRequired(&'static str),
    Refused(ChatError),
}

/// Returns the value of `Sec-WebSocket-Accept` if the handshake is valid and its origin is allowed.
fn check_handshake(app: &App, request: &Request) -> Result<String, HandshakeError> {
    let headers = request.headers();
    let is_upgrade = has_token(headers, &UPGRADE, "websocket")
        && has_token(headers, &CONNECTION, "upgrade")
        && request.extensions().get::<OnUpgrade>().is_some();
    if !is_upgrade {
        return Err(HandshakeError::UpgradeRequired(NO_UPGRADE));
    }
    if !origin::is_allowed(headers, &app.origins) {
        return Err(HandshakeError::Refused(ChatError::Forbidden("this origin is not allowed")));
    }
    let Some(key) = headers.get(SEC_WEBSOCKET_KEY).filter(|key| key.len() == 24) else {
        let error = invalid("Sec-WebSocket-Key is missing or malformed");
        return Err(HandshakeError::Refused(error));
    };
    if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(HandshakeError::UpgradeRequired("Sec-WebSocket-Version must be 13"));
    }
    if headers.contains_key(SEC_WEBSOCKET_PROTOCOL)
        && !has_token(headers, &SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL)
    {
        let error = invalid("none of the offered subprotocols is supported");
        return Err(HandshakeError::Refused(error));
    }
    Ok(derive_accept_key(key.as_bytes()))
}

/// Returns true if a comma-separated header has this token, ignoring case.
fn has_token(headers: &HeaderMap, name: &http::HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|one| one.trim().eq_ignore_ascii_case(token))
}

fn invalid(message: &str) -> ChatError {
    ChatError::Invalid { field: None, message: message.to_owned() }
}

/// Returns 426 with the supported upgrade and version (RFC 6455, section 4.2.2).
fn upgrade_required(message: &str) -> Response {
    let mut response = ApiError::from(invalid(message)).into_response();
    *response.status_mut() = StatusCode::UPGRADE_REQUIRED;
    response.headers_mut().insert(UPGRADE, HeaderValue::from_static("websocket"));
    response.headers_mut().insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    response
}
