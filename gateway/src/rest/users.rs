//! `/v1/users`, `/v1/me` and `/v1/presence`.

use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use chat_core::error::ChatError;
use http::StatusCode;

use super::{
    answer::{HandlerResult, created_or_ok},
    extract::{Body, Caller, CallerWithQuery, ClientAddress, FindUsers, Ids, Path, Presences},
    sessions::session,
};
use crate::{
    admission::Price,
    app::App,
    logs::SECURITY,
    protocol::{
        list::Items,
        messages::page_limit,
        users::{ChangePassword, LoggedIn, MeJson, PresenceJson, Profile, Register, UserJson},
        value::{Id, WireUserId},
    },
};

/// Creates an account and logs in.
#[utoipa::path(
    post, path = "/v1/users", tag = "users", operation_id = "register", security(()),
    request_body = Register,
    responses((status = 201, description = "the user and the new login", body = LoggedIn)),
)]
pub async fn register(
    State(app): State<Arc<App>>,
    ClientAddress(address): ClientAddress,
    Body(body): Body<Register>,
) -> HandlerResult {
    let place = app.limits.admit_registration(address).await?;
    let registering = app.clone();
    let registered = app.run_detached(async move {
        let _place = place;
        let Register { username, password, display_name } = body;
        let display_name = display_name.as_deref();
        registering.accounts.register(&username, password.expose(), display_name, None).await
    });
    let (user, grant) = registered.await??;
    tracing::info!(target: SECURITY, { client.address = %address, user.id = %user.id, login.id = %grant.login }, "registered");
    let session = session(&app, &grant)?;
    Ok(created_or_ok(true, LoggedIn { user: UserJson::from(&user), session }))
}

/// Finds users by the beginning of their user names or by their ids.
#[utoipa::path(
    get, path = "/v1/users", tag = "users", operation_id = "find_users",
    params(FindUsers),
    responses((status = 200, description = "the users found", body = Items<UserJson>)),
)]
pub async fn find(
    State(app): State<Arc<App>>,
    CallerWithQuery(identity, query): CallerWithQuery<FindUsers>,
) -> HandlerResult {
    let users = match query {
        FindUsers { query: Some(prefix), ids: None, limit } => {
            let limit = page_limit(limit)?;
            app.limits.admit_other(identity.user, Price::Search(&prefix)).await?;
            app.accounts.search(&prefix, limit).await?
        }
        FindUsers { query: None, ids: Some(Ids(ids)), limit: None } => {
            app.limits.admit_other(identity.user, Price::Request).await?;
            app.accounts.users(&ids).await?
        }
        FindUsers { query, ids, .. } => {
            return Err(match (query, ids) {
                (None, None) => ChatError::invalid("query", "query or ids is required"),
                (None, Some(_)) => ChatError::invalid("limit", "unknown field"),
                (Some(_), _) => ChatError::invalid("ids", "only one of query and ids"),
            }
            .into());
        }
    };
    Ok(Json(Items { items: users.iter().map(UserJson::from).collect() }).into_response())
}

/// Returns a user.
#[utoipa::path(
    get, path = "/v1/users/{id}", tag = "users", operation_id = "user",
    params(("id" = WireUserId, Path, description = "the user")),
    responses((status = 200, description = "the user", body = UserJson)),
)]
pub async fn one(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Path((Id(id),)): Path<(WireUserId,)>,
) -> HandlerResult {
    app.limits.admit_other(identity.user, Price::Request).await?;
    let user = app.accounts.user(id).await?;
    Ok(Json(UserJson::from(&user)).into_response())
}

/// Returns the caller.
#[utoipa::path(
    get, path = "/v1/me", tag = "users", operation_id = "me",
    responses((status = 200, description = "the caller", body = MeJson)),
)]
pub async fn me(State(app): State<Arc<App>>, Caller(identity): Caller) -> HandlerResult {
    app.limits.admit_other(identity.user, Price::Request).await?;
    let user = app.accounts.me(identity).await?;
    let privacy = app.chat.boundary(identity).await?.privacy;
    Ok(Json(MeJson { user: UserJson::from(&user), privacy: privacy.into() }).into_response())
}

/// Changes the caller's profile and privacy settings.
#[utoipa::path(
    patch, path = "/v1/me", tag = "users", operation_id = "set_profile",
    request_body = Profile,
    responses((status = 200, description = "the caller after the change", body = MeJson)),
)]
pub async fn set_profile(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Body(body): Body<Profile>,
) -> HandlerResult {
    app.limits.admit_other(identity.user, Price::Request).await?;
    let Profile { display_name, privacy } = body;
    let user = match display_name {
        Some(name) => app.accounts.set_profile(identity, &name).await?,
        None => app.accounts.me(identity).await?,
    };
    let privacy = match privacy {
        Some(change) => app.chat.set_privacy(identity, change.into()).await?,
        None => app.chat.boundary(identity).await?.privacy,
    };
    Ok(Json(MeJson { user: UserJson::from(&user), privacy: privacy.into() }).into_response())
}

/// Changes the caller's password, and ends all other logins of the caller.
#[utoipa::path(
    put, path = "/v1/me/password", tag = "users", operation_id = "change_password",
    request_body = ChangePassword,
    responses((status = 204, description = "the new password is in force")),
)]
pub async fn change_password(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    ClientAddress(address): ClientAddress,
    Body(body): Body<ChangePassword>,
) -> HandlerResult {
    app.limits.admit_other(identity.user, Price::Request).await?;
    let user = app.accounts.me(identity).await?;
    let permit = app.limits.admit_log_in(address, user.username.as_str()).await?;
    let accounts = Arc::clone(&app.accounts);
    let changed = app.run_detached(async move {
        let _permit = permit;
        let ChangePassword { old_password, new_password } = body;
        accounts.change_password(identity, old_password.expose(), new_password.expose()).await
    });
    let changed = changed.await?;
    let error = changed.as_ref().err().map(tracing::field::display);
    tracing::info!(target: SECURITY, { client.address = %address, user.id = %identity.user, error }, "password change");
    changed?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Returns the presence of users.
#[utoipa::path(
    get, path = "/v1/presence", tag = "users", operation_id = "presence",
    params(Presences),
    responses((status = 200, description = "one item for each user", body = Items<PresenceJson>)),
)]
pub async fn presence(
    State(app): State<Arc<App>>,
    CallerWithQuery(identity, query): CallerWithQuery<Presences>,
) -> HandlerResult {
    app.limits.admit_other(identity.user, Price::Presence(query.users.0.len())).await?;
    let presences = app.presence.presence_for(identity.user, &query.users.0).await;
    let items = presences.into_iter().map(PresenceJson::from).collect();
    Ok(Json(Items { items }).into_response())
}
