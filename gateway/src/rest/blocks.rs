//! `/v1/me/blocks`.

use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use chat_core::{id::UserId, model::Identity};
use http::StatusCode;

use super::{
    answer::HandlerResult,
    extract::{Caller, Path},
};
use crate::{
    admission::Price,
    app::App,
    protocol::{
        list::Items,
        value::{Id, WireUserId},
    },
};

/// Lists the users whom the caller has blocked, ascending by id.
#[utoipa::path(
    get, path = "/v1/me/blocks", tag = "users", operation_id = "blocks",
    responses((status = 200, description = "the blocked users", body = Items<WireUserId>)),
)]
pub async fn list(State(app): State<Arc<App>>, Caller(identity): Caller) -> HandlerResult {
    app.limits.admit_other(identity.user, Price::Request).await?;
    let blocked = app.chat.boundary(identity).await?.blocked;
    Ok(Json(Items { items: blocked.into_iter().map(Id).collect::<Vec<_>>() }).into_response())
}

/// Blocks a user.
#[utoipa::path(
    put, path = "/v1/me/blocks/{user}", tag = "users", operation_id = "block",
    params(("user" = WireUserId, Path, description = "the user")),
    responses((status = 204, description = "blocked")),
)]
pub async fn put(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Path((Id(user),)): Path<(WireUserId,)>,
) -> HandlerResult {
    set(&app, identity, user, true).await
}

/// Ends the block of a user.
#[utoipa::path(
    delete, path = "/v1/me/blocks/{user}", tag = "users", operation_id = "unblock",
    params(("user" = WireUserId, Path, description = "the user")),
    responses((status = 204, description = "not blocked")),
)]
pub async fn remove(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Path((Id(user),)): Path<(WireUserId,)>,
) -> HandlerResult {
    set(&app, identity, user, false).await
}

async fn set(app: &App, identity: Identity, user: UserId, on: bool) -> HandlerResult {
    app.limits.admit_other(identity.user, Price::Request).await?;
    app.chat.set_block(identity, user, on).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
