//! The REST calls, one file for each resource.
//!
//! In reading order: [`extract`] has what handlers take from a request, [`answer`] and [`cursor`]
//! what they share for their answers. Then come the resources.

pub mod answer;
pub mod asyncapi;
pub mod attachments;
pub mod blocks;
pub mod conversations;
pub mod cursor;
pub mod extract;
pub mod invites;
pub mod members;
pub mod messages;
pub mod openapi;
pub mod reactions;
pub mod search;
pub mod sessions;
pub mod users;

use std::sync::Arc;

use axum::{
    Router,
    middleware::from_extractor,
    routing::{delete, get, patch, post, put},
};
use chat_core::error::ChatError;

pub use self::{
    answer::HandlerResult,
    extract::{Body, Caller, NoQuery},
};
use crate::{app::App, error::ApiError, poll, ws};

/// Returns the routes under `/v1`.
pub fn router() -> Router<Arc<App>> {
    // Calls without a token. All others take a `Caller`, which refuses a query by itself.
    let register = post(users::register).route_layer(from_extractor::<NoQuery>());
    let log_in = post(sessions::log_in).route_layer(from_extractor::<NoQuery>());
    let refresh = post(sessions::refresh).route_layer(from_extractor::<NoQuery>());
    let upgrade = get(ws::upgrade).route_layer(from_extractor::<NoQuery>());
    Router::new()
        .route("/v1/users", register.get(users::find))
        .route("/v1/users/{id}", get(users::one))
        .route("/v1/me", get(users::me).patch(users::set_profile))
        .route("/v1/me/password", put(users::change_password))
        .route("/v1/me/blocks", get(blocks::list))
        .route("/v1/me/blocks/{user}", put(blocks::put).delete(blocks::remove))
        .route("/v1/presence", get(users::presence))
        .route("/v1/sessions", log_in.get(sessions::list).delete(sessions::log_out_others))
        .route("/v1/sessions/refresh", refresh)
        .route("/v1/sessions/{id}", delete(sessions::log_out))
        .route("/v1/conversations", get(conversations::list).post(conversations::create))
        .route("/v1/conversations/{id}", get(conversations::one).patch(conversations::update))
        .route("/v1/conversations/{id}/accept", post(conversations::accept))
        .route("/v1/conversations/{id}/decline", post(conversations::decline))
        .route("/v1/conversations/{id}/invites", get(invites::list).post(invites::create))
        .route("/v1/conversations/{id}/members", get(members::list))
        .route("/v1/conversations/{id}/members/{user}", put(members::set).delete(members::remove))
        .route("/v1/conversations/{id}/messages", get(messages::history).post(messages::send))
        .route(
            "/v1/conversations/{id}/messages/{seq}",
            patch(messages::edit).delete(messages::redact),
        )
        .route(
            "/v1/conversations/{id}/messages/{seq}/reactions/{emoji}",
            put(reactions::put).delete(reactions::remove),
        )
        .route("/v1/conversations/{id}/receipts", post(messages::receipts))
        .route("/v1/invites/{code}", get(invites::preview).delete(invites::end))
        .route("/v1/invites/{code}/accept", post(invites::accept))
        .route("/v1/search", get(search::search))
        .route("/v1/attachments", post(attachments::begin).options(attachments::options))
        .route(
            "/v1/attachments/{id}",
            get(attachments::get)
                .head(attachments::head)
                .patch(attachments::resume)
                .delete(attachments::discard),
        )
        .route("/v1/attachments/{id}/info", get(attachments::info))
        .route("/v1/attachments/{id}/thumbnail", get(attachments::thumbnail))
        .route("/v1/attachments/{id}/link", post(attachments::link))
        .route("/v1/files/{link}", get(attachments::get_by_link))
        .route("/v1/poll", post(poll::poll))
        .route("/v1/ws", upgrade)
}

/// Returns the error for a path that does not exist.
pub fn unknown() -> ApiError {
    ChatError::NotFound("path").into()
}

#[cfg(test)]
mod tests;
