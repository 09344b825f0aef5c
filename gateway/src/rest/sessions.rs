//! `/v1/sessions`: logging in, exchanging tokens, logging out.

use std::sync::Arc;

use axum::extract::State;
use chat_core::{accounts::Grant, error::ChatError};

use super::{
    give::{self, HandlerResult},
    take::{Address, Body, Caller, LoginPart, Paths},
};
use crate::{
    app::App,
    protocol::{
        answer::{Items, LoggedIn, LoginJson, Refreshed, SessionJson, UserJson},
        body::{LogIn, Refresh},
        value::Shown,
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
    Address(address): Address,
    Body(body): Body<LogIn>,
) -> HandlerResult {
    app.limits.admit_log_in(address, &body.username).await?;
    let LogIn { username, password, device } = body;
    let (user, grant) =
        app.accounts.log_in(&username, password.expose(), device.as_deref()).await?;
    let session = session(&app, &grant)?;
    Ok(give::made(true, &LoggedIn { user: UserJson::from(&user), session }))
}

/// Exchanges a refresh token.
#[utoipa::path(
    post, path = "/v1/sessions/refresh", tag = "sessions", operation_id = "refresh", security(()),
    request_body = Refresh,
    responses((status = 200, description = "new tokens of the same login", body = Refreshed)),
)]
pub async fn refresh(
    State(app): State<Arc<App>>,
    Address(address): Address,
    Body(body): Body<Refresh>,
) -> HandlerResult {
    app.limits.admit_address(address).await?;
    let grant = app.accounts.refresh(body.refresh_token.expose()).await?;
    Ok(give::ok(&Refreshed { session: session(&app, &grant)? }))
}

/// The caller's logins that live, newest first.
#[utoipa::path(
    get, path = "/v1/sessions", tag = "sessions", operation_id = "logins",
    responses((status = 200, description = "the logins", body = Items<LoginJson>)),
)]
pub async fn list(State(app): State<Arc<App>>, Caller(identity): Caller) -> HandlerResult {
    app.limits.admit_other(identity).await?;
    let logins = app.accounts.logins(identity).await?;
    let items = logins.iter().map(|login| LoginJson::new(login, identity.login)).collect();
    Ok(give::ok(&Items { items }))
}

/// Ends one of the caller's logins.
#[utoipa::path(
    delete, path = "/v1/sessions/{id}", tag = "sessions", operation_id = "log_out",
    params(("id" = String, Path, description = "the login, or `current`")),
    responses((status = 204, description = "ended")),
)]
pub async fn log_out(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Paths((login,)): Paths<(LoginPart,)>,
) -> HandlerResult {
    app.limits.admit_other(identity).await?;
    app.accounts.log_out(identity, login.0.unwrap_or(identity.login)).await?;
    Ok(give::nothing())
}

/// The tokens of a grant.
pub(super) fn session(app: &App, grant: &Grant) -> Result<SessionJson, ChatError> {
    let issued = app.issue(grant.identity())?;
    Ok(SessionJson {
        id: Shown(grant.login),
        access_token: issued.token.expose().to_owned(),
        expires_in: issued.expires_in,
        refresh_token: grant.refresh_token.reveal(),
    })
}
