//! `/v1/sessions`: log-in, refresh, log-out.

use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use chat_core::{accounts::Grant, error::ChatError};
use http::StatusCode;

use super::{
    answer::{HandlerResult, created_or_ok},
    extract::{Body, Caller, ClientAddress, LoginParam, Path},
};
use crate::{
    admission::Price,
    app::App,
    logs::SECURITY,
    protocol::{
        list::Items,
        sessions::{LogIn, LoginJson, Refresh, Refreshed, SessionJson},
        users::{LoggedIn, UserJson},
        value::Id,
    },
};

/// Logs in on another device.
#[utoipa::path(
    post, path = "/v1/sessions", tag = "sessions", operation_id = "log_in", security(()),
    request_body = LogIn,
    responses((status = 201, description = "the user and the new login", body = LoggedIn)),
)]
pub async fn log_in(
    State(app): State<Arc<App>>,
    ClientAddress(address): ClientAddress,
    Body(body): Body<LogIn>,
) -> HandlerResult {
    let permit = app.limits.admit_log_in(address, &body.username).await?;
    let LogIn { username, password, device } = body;
    let logged_in = app.accounts.log_in(&username, password.expose(), device.as_deref()).await;
    let (user, grant) = logged_in.inspect_err(|error| {
        // Not the name: people type passwords there by mistake.
        tracing::info!(target: SECURITY, { client.address = %address, %error }, "log-in refused");
    })?;
    app.limits.logged_in(&permit);
    tracing::info!(target: SECURITY, { client.address = %address, user.id = %user.id, login.id = %grant.login }, "logged in");
    let session = session(&app, &grant)?;
    Ok(created_or_ok(true, LoggedIn { user: UserJson::from(&user), session }))
}

/// Exchanges a refresh token for new tokens.
#[utoipa::path(
    post, path = "/v1/sessions/refresh", tag = "sessions", operation_id = "refresh", security(()),
    request_body = Refresh,
    responses((status = 200, description = "new tokens of the same login", body = Refreshed)),
)]
pub async fn refresh(
    State(app): State<Arc<App>>,
    ClientAddress(address): ClientAddress,
    Body(body): Body<Refresh>,
) -> HandlerResult {
    let login = app.accounts.login_of(body.refresh_token.expose());
    app.limits.admit_refresh(address, login).await?;
    let refreshed = app.accounts.refresh(body.refresh_token.expose()).await;
    let grant = refreshed.inspect_err(|error| {
        tracing::info!(target: SECURITY, { client.address = %address, login.id = login.map(tracing::field::display), %error }, "refresh refused");
    })?;
    Ok(Json(Refreshed { session: session(&app, &grant)? }).into_response())
}

/// Lists the caller's active logins, newest first.
#[utoipa::path(
    get, path = "/v1/sessions", tag = "sessions", operation_id = "logins",
    responses((status = 200, description = "the logins", body = Items<LoginJson>)),
)]
pub async fn list(State(app): State<Arc<App>>, Caller(identity): Caller) -> HandlerResult {
    app.limits.admit_other(identity.user, Price::Request).await?;
    let logins = app.accounts.logins(identity).await?;
    let items = logins.iter().map(|login| LoginJson::new(login, identity.login)).collect();
    Ok(Json(Items { items }).into_response())
}

/// Ends all logins of the caller but the one that makes this call.
#[utoipa::path(
    delete, path = "/v1/sessions", tag = "sessions", operation_id = "log_out_others",
    responses((status = 204, description = "the other logins have ended")),
)]
pub async fn log_out_others(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
) -> HandlerResult {
    app.limits.admit_other(identity.user, Price::Request).await?;
    let accounts = Arc::clone(&app.accounts);
    app.run_detached(async move { accounts.log_out_others(identity).await }).await??;
    tracing::info!(target: SECURITY, { user.id = %identity.user, login.id = %identity.login }, "other logins ended");
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Ends one of the caller's logins.
#[utoipa::path(
    delete, path = "/v1/sessions/{id}", tag = "sessions", operation_id = "log_out",
    params(("id" = inline(LoginParam), Path, description = "the login, or `current`")),
    responses((status = 204, description = "the login has ended")),
)]
pub async fn log_out(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Path((LoginParam(login),)): Path<(LoginParam,)>,
) -> HandlerResult {
    app.limits.admit_other(identity.user, Price::Request).await?;
    let login = login.unwrap_or(identity.login);
    app.accounts.log_out(identity, login).await?;
    tracing::info!(target: SECURITY, { user.id = %identity.user, login.id = %login }, "login ended");
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Issues an access token for a grant and returns both tokens.
pub(super) fn session(app: &App, grant: &Grant) -> Result<SessionJson, ChatError> {
    let issued = app.issue(grant)?;
    Ok(SessionJson {
        id: Id(grant.login),
        access_token: issued.token.expose().to_owned(),
        expires_in: issued.expires_in,
        refresh_token: grant.refresh_token.reveal(),
    })
}
