//! The REST calls, one resource a file: take, do, give.
//!
//! In reading order: [`take`] is what a call takes (who asks, body, query, path), [`give`] what it
//! gives; then the resources. A call that knows no query refuses one.

pub mod conversations;
pub mod give;
pub mod members;
pub mod messages;
pub mod openapi;
pub mod people;
pub mod reactions;
pub mod sessions;
pub mod take;

use std::sync::Arc;

use axum::{
    Router,
    extract::Request,
    middleware::{self, Next},
    response::Response,
    routing::{delete, get, patch, post, put},
};
use chat_core::error::ChatError;

pub use self::{
    give::HandlerResult,
    take::{Body, Caller, Paths, Query},
};
use crate::{app::App, error::ApiError};

/// All calls under `/v1`.
pub fn router() -> Router<Arc<App>> {
    let open = open_without_query().route_layer(middleware::from_fn(no_query));
    let closed = without_query().route_layer(middleware::from_fn(query_to_refuse));
    with_query().merge(open).merge(closed)
}

fn with_query() -> Router<Arc<App>> {
    Router::new()
        .route("/v1/users", get(people::find).post(people::register))
        .route("/v1/conversations", get(conversations::list).post(conversations::create))
        .route("/v1/conversations/{id}/members", get(members::list))
        .route("/v1/conversations/{id}/messages", get(messages::history).post(messages::send))
        .route("/v1/presence", get(people::presence))
}

/// Calls that anybody may make, which know no query.
fn open_without_query() -> Router<Arc<App>> {
    Router::new()
        .route("/v1/sessions/refresh", post(sessions::refresh))
        .route("/v1/sessions", post(sessions::log_in))
        // The WebSocket.
        .route("/v1/ws", get(crate::ws::upgrade))
}

/// Calls of a [`Caller`] that know no query.
fn without_query() -> Router<Arc<App>> {
    Router::new()
        .route("/v1/me", get(people::me).patch(people::set_profile))
        .route("/v1/users/{id}", get(people::one))
        .route("/v1/sessions", get(sessions::list))
        .route("/v1/sessions/{id}", delete(sessions::log_out))
        .route("/v1/conversations/{id}", get(conversations::one).patch(conversations::update))
        .route("/v1/conversations/{id}/members/{user}", put(members::set).delete(members::remove))
        .route(
            "/v1/conversations/{id}/messages/{seq}",
            patch(messages::edit).delete(messages::redact),
        )
        .route(
            "/v1/conversations/{id}/messages/{seq}/reactions/{emoji}",
            put(reactions::put).delete(reactions::remove),
        )
        .route("/v1/conversations/{id}/receipts", post(messages::receipts))
        // The long poll.
        .route("/v1/poll", post(crate::poll::poll))
}

async fn no_query(request: Request, next: Next) -> Result<Response, ApiError> {
    take::no_query(request.uri().query())?;
    Ok(next.run(request).await)
}

/// Who asks comes first: a stranger learns nothing of their query.
async fn query_to_refuse(mut request: Request, next: Next) -> Response {
    if let Err(error) = take::no_query(request.uri().query()) {
        request.extensions_mut().insert(take::QueryToRefuse(error));
    }
    next.run(request).await
}

/// A path that nobody knows.
pub fn unknown() -> ApiError {
    ChatError::NotFound("path").into()
}

#[cfg(test)]
mod tests;
