//! `/v1/users`, `/v1/me`, `/v1/presence`: people.

use std::sync::Arc;

use axum::extract::State;
use chat_core::{id::UserId, model::User};

use super::{
    give::{self, HandlerResult},
    sessions::session,
    take::{Address, Body, Caller, Find, Paths, Query, Users},
};
use crate::{
    app::App,
    protocol::{
        answer::{Items, LoggedIn, PresenceJson, UserJson},
        body::{Profile, Register},
    },
};

/// Makes an account and logs in.
#[utoipa::path(
    post, path = "/v1/users", tag = "users", operation_id = "register", security(()),
    request_body = Register,
    responses((status = 201, description = "the user, logged in", body = LoggedIn)),
)]
pub async fn register(
    State(app): State<Arc<App>>,
    Address(address): Address,
    Query(()): Query<()>,
    Body(body): Body<Register>,
) -> HandlerResult {
    app.limits.admit_address(address).await?;
    let doing = app.clone();
    let registered = app.to_the_end(async move {
        let Register { username, password, display_name } = body;
        let display_name = display_name.as_deref();
        doing.accounts.register(&username, password.expose(), display_name, None).await
    });
    let (user, grant) = registered.await??;
    let session = session(&app, &grant)?;
    Ok(give::made(true, &LoggedIn { user: UserJson::from(&user), session }))
}

/// Users by the beginning of their names, or by their ids.
#[utoipa::path(
    get, path = "/v1/users", tag = "users", operation_id = "find_users",
    params(
        ("query" = Option<String>, Query, description = "the beginning of the user name"),
        ("ids" = Option<String>, Query, description = "1 to 100 ids, separated by commas"),
        ("limit" = Option<u64>, Query, description = "1 to 100, 50 where it is not given"),
    ),
    responses((status = 200, description = "the users found", body = Items<UserJson>)),
)]
pub async fn find(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Query(find): Query<Find>,
) -> HandlerResult {
    app.limits.admit_other(identity).await?;
    let found = match find {
        Find::Query { query, limit } => app.accounts.search(&query, limit).await?,
        Find::Ids(ids) => app.accounts.users(&ids).await?,
    };
    Ok(give::ok(&Items { items: found.iter().map(UserJson::from).collect() }))
}

/// One user.
#[utoipa::path(
    get, path = "/v1/users/{id}", tag = "users", operation_id = "user",
    params(("id" = String, Path, description = "the user")),
    responses((status = 200, description = "the user", body = UserJson)),
)]
pub async fn one(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Paths((id,)): Paths<(UserId,)>,
) -> HandlerResult {
    app.limits.admit_other(identity).await?;
    user(&app.accounts.user(id).await?)
}

/// The caller.
#[utoipa::path(
    get, path = "/v1/me", tag = "users", operation_id = "me",
    responses((status = 200, description = "the caller", body = UserJson)),
)]
pub async fn me(State(app): State<Arc<App>>, Caller(identity): Caller) -> HandlerResult {
    app.limits.admit_other(identity).await?;
    user(&app.accounts.me(identity).await?)
}

/// Changes the caller's profile.
#[utoipa::path(
    patch, path = "/v1/me", tag = "users", operation_id = "set_profile",
    request_body = Profile,
    responses((status = 200, description = "the caller, as it is now", body = UserJson)),
)]
pub async fn set_profile(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Body(body): Body<Profile>,
) -> HandlerResult {
    app.limits.admit_other(identity).await?;
    user(&app.accounts.set_profile(identity, &body.display_name).await?)
}

/// Who is here.
#[utoipa::path(
    get, path = "/v1/presence", tag = "users", operation_id = "presence",
    params(("users" = String, Query, description = "1 to 100 ids, separated by commas")),
    responses((status = 200, description = "each of them", body = Items<PresenceJson>)),
)]
pub async fn presence(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Query(Users(users)): Query<Users>,
) -> HandlerResult {
    app.limits.admit_other(identity).await?;
    let here = app.presence.presence_for(identity.user, &users).await;
    Ok(give::ok(&Items { items: here.into_iter().map(PresenceJson::from).collect() }))
}

#[expect(clippy::unnecessary_wraps, reason = "ends handlers")]
fn user(user: &User) -> HandlerResult {
    Ok(give::ok(&UserJson::from(user)))
}
