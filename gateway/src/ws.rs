//! `GET /v1/ws`: the handshake, and the socket's task.
//!
//! In reading order: [`socket`] is one client's life (it begins with a `greeting`), [`lanes`] its
//! commands in progress, [`watching`] its part in presence, [`deadlines`] what it waits for,
//! `counted` what it may do so often, [`frame`] the bytes, `wire` the way they take, [`wheel`] the
//! one timer of all sockets.

mod counted;
pub mod deadlines;
pub mod frame;
mod greeting;
pub mod lanes;
pub mod socket;
pub mod watching;
pub mod wheel;
mod wire;

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

const NO_UPGRADE: &str = "this is a WebSocket: ask for an upgrade";

/// Answers the handshake, and leaves the socket to a task of its own.
pub async fn upgrade(State(app): State<Arc<App>>, mut request: Request) -> Response {
    let accept = match accept(&app, &request) {
        Ok(accept) => accept,
        Err(refusal) => return refusal,
    };
    let Some(on_upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
        return upgrade_required(NO_UPGRADE);
    };
    let tasks = app.tasks.clone();
    tasks.spawn(async move {
        if let Some((socket, first)) = socket_of(on_upgrade).await {
            // The place among all connections is held as long as the socket lives.
            let (stream, _place) = socket.into_parts();
            socket::serve(app, stream, first).await;
        }
    });
    accept
}

/// The TCP stream itself, and what came with the handshake: hyper's own layers are not kept.
async fn socket_of(on_upgrade: OnUpgrade) -> Option<(Socket, Bytes)> {
    let upgraded: Upgraded = on_upgrade.await.ok()?;
    let Ok(parts) = upgrade::downcast::<TokioIo<Socket>>(upgraded) else {
        tracing::error!("upgraded connection is no socket of ours");
        return None;
    };
    Some((parts.io.into_inner(), parts.read_buf))
}

#[expect(clippy::result_large_err, reason = "both are answers, made once a connection")]
fn accept(app: &App, request: &Request) -> Result<Response, Response> {
    let headers = request.headers();
    let is_upgrade = has_token(headers, &UPGRADE, "websocket")
        && has_token(headers, &CONNECTION, "upgrade")
        && request.extensions().get::<OnUpgrade>().is_some();
    if !is_upgrade {
        return Err(upgrade_required(NO_UPGRADE));
    }
    if !origin::is_allowed(headers, &app.origins) {
        return Err(refused(ChatError::Forbidden("this origin is not allowed")));
    }
    let key = headers.get(SEC_WEBSOCKET_KEY).filter(|key| key.len() == 24);
    let key = key.ok_or_else(|| refused(invalid("Sec-WebSocket-Key is missing or malformed")))?;
    if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(upgrade_required("Sec-WebSocket-Version must be 13"));
    }
    let offers = headers.contains_key(SEC_WEBSOCKET_PROTOCOL);
    if offers && !has_token(headers, &SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL) {
        return Err(refused(invalid("none of the subprotocols is known")));
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let answer = response.headers_mut();
    answer.insert(UPGRADE, HeaderValue::from_static("websocket"));
    answer.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    if let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) {
        answer.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    if offers {
        answer.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    }
    Ok(response)
}

/// Whether a comma-separated header names this token, in any case.
fn has_token(headers: &HeaderMap, name: &http::HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|one| one.trim().eq_ignore_ascii_case(token))
}

fn invalid(message: &str) -> ChatError {
    ChatError::Invalid { field: None, message: message.to_owned() }
}

fn refused(error: ChatError) -> Response {
    ApiError::from(error).into_response()
}

/// What can be had instead (RFC 6455, 4.2.2).
fn upgrade_required(message: &str) -> Response {
    let mut response = refused(invalid(message));
    *response.status_mut() = StatusCode::UPGRADE_REQUIRED;
    response.headers_mut().insert(UPGRADE, HeaderValue::from_static("websocket"));
    response.headers_mut().insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    response
}
