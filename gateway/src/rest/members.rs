//! `/v1/conversations/{id}/members`.

use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use chat_core::{
    command::{Change, Command, Reply},
    error::ChatError,
    model::{Body as EntryBody, Role},
};
use http::StatusCode;

use super::{
    answer::{HandlerResult, created_or_ok, unexpected_reply, written},
    conversations::write,
    cursor,
    extract::{Caller, CallerWithQuery, MembersPage, OptionalBody, Path},
};
use crate::{
    app::App,
    protocol::{
        conversations::{MemberJson, SetMember},
        list::Paged,
        messages::members_limit,
        value::{Id, WireConversationId, WireUserId},
    },
};

/// Lists the members, ascending by id.
#[utoipa::path(
    get, path = "/v1/conversations/{id}/members", tag = "members", operation_id = "members",
    params(("id" = WireConversationId, Path, description = "the conversation"), MembersPage),
    responses((status = 200, description = "a page", body = Paged<MemberJson>)),
)]
pub async fn list(
    State(app): State<Arc<App>>,
    CallerWithQuery(identity, page): CallerWithQuery<MembersPage>,
    Path((Id(conversation),)): Path<(WireConversationId,)>,
) -> HandlerResult {
    let limit = members_limit(page.limit)?;
    let after = page.cursor.as_deref().map(cursor::decode_member).transpose()?;
    let reply = app.execute(identity, Command::Members { conversation, after, limit }).await?;
    let Reply::Members { items, next } = reply else { return Err(unexpected_reply()) };
    let items = items.iter().map(MemberJson::from).collect();
    Ok(Json(Paged { items, next_cursor: next.map(cursor::encode_member) }).into_response())
}

/// Adds a user, or changes a member's role.
#[utoipa::path(
    put, path = "/v1/conversations/{id}/members/{user}", tag = "members",
    operation_id = "set_member",
    params(
        ("id" = WireConversationId, Path, description = "the conversation"),
        ("user" = WireUserId, Path, description = "the user"),
    ),
    request_body(
        content = Option<SetMember>,
        description = "without a body a new member gets `member` and an existing one keeps theirs",
    ),
    responses(
        (status = 201, description = "added", body = MemberJson),
        (status = 200, description = "was a member before", body = MemberJson),
    ),
)]
pub async fn set(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Path((Id(conversation), Id(user))): Path<(WireConversationId, WireUserId)>,
    OptionalBody(body): OptionalBody<SetMember>,
) -> HandlerResult {
    let change = Change::SetMember { user, role: body.role.map(Role::from) };
    let written = written(app.execute(identity, write(conversation, change)).await?)?;
    let is_new = written.is_some_and(|written| {
        !written.replayed && matches!(written.entry.entry.body, EntryBody::Joined { .. })
    });
    let reply = app.chat.execute(identity, Command::Member { conversation, user }).await?;
    let Reply::Members { items, .. } = reply else { return Err(unexpected_reply()) };
    let member = items.first().ok_or(ChatError::NotFound("member"))?;
    Ok(created_or_ok(is_new, MemberJson::from(member)))
}

/// Removes a member. A caller who removes themselves leaves.
#[utoipa::path(
    delete, path = "/v1/conversations/{id}/members/{user}", tag = "members",
    operation_id = "remove_member",
    params(
        ("id" = WireConversationId, Path, description = "the conversation"),
        ("user" = WireUserId, Path, description = "the member"),
    ),
    responses((status = 204, description = "removed")),
)]
pub async fn remove(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Path((Id(conversation), Id(user))): Path<(WireConversationId, WireUserId)>,
) -> HandlerResult {
    app.execute(identity, write(conversation, Change::Remove { user })).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
