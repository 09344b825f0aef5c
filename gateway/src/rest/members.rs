//! `/v1/conversations/{id}/members`: who is in a conversation, and as what.

use std::sync::Arc;

use axum::extract::State;
use chat_core::{
    command::{Change, Command, Reply},
    error::ChatError,
    id::{ConversationId, UserId},
    model::Body as EntryBody,
};

use super::{
    conversations::write,
    give::{self, HandlerResult},
    take::{Caller, MaybeBody, MembersPage, Paths, Query},
};
use crate::{
    app::App,
    protocol::{
        answer::{MemberJson, Paged},
        body::SetMember,
    },
};

/// The members, ascending by id.
#[utoipa::path(
    get, path = "/v1/conversations/{id}/members", tag = "members", operation_id = "members",
    params(
        ("id" = String, Path, description = "the conversation"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
        ("limit" = Option<u64>, Query, description = "1 to 1000, which is the default"),
    ),
    responses((status = 200, description = "a page", body = Paged<MemberJson>)),
)]
pub async fn list(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Paths((conversation,)): Paths<(ConversationId,)>,
    Query(page): Query<MembersPage>,
) -> HandlerResult {
    let after = page.cursor.as_deref().map(give::read_member_cursor).transpose()?;
    let command = Command::Members { conversation, after, limit: page.limit };
    let reply = app.execute(identity, command).await?;
    let Reply::Members { items, next } = reply else { return Err(give::unexpected()) };
    let items = items.iter().map(MemberJson::from).collect();
    Ok(give::ok(&Paged { items, next_cursor: next.map(give::member_cursor) }))
}

/// Adds somebody, or changes a member's role.
#[utoipa::path(
    put, path = "/v1/conversations/{id}/members/{user}", tag = "members",
    operation_id = "set_member",
    params(
        ("id" = String, Path, description = "the conversation"),
        ("user" = String, Path, description = "who"),
    ),
    request_body(content = Option<SetMember>, description = "none: as member, or unchanged"),
    responses(
        (status = 201, description = "added", body = MemberJson),
        (status = 200, description = "was there, and is now so", body = MemberJson),
    ),
)]
pub async fn set(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Paths((conversation, user)): Paths<(ConversationId, UserId)>,
    MaybeBody(body): MaybeBody<SetMember>,
) -> HandlerResult {
    let change = Change::SetMember { user, role: body.role };
    let written = give::entry(app.execute(identity, write(conversation, change)).await?)?;
    let is_new = written.is_some_and(|written| {
        !written.replayed && matches!(written.entry.entry.body, EntryBody::Joined { .. })
    });
    let reply = app.chat.execute(identity, Command::Member { conversation, user }).await?;
    let Reply::Members { items, .. } = reply else { return Err(give::unexpected()) };
    let member = items.first().ok_or(ChatError::NotFound("member"))?;
    Ok(give::made(is_new, &MemberJson::from(member)))
}

/// Removes a member; oneself: leaves.
#[utoipa::path(
    delete, path = "/v1/conversations/{id}/members/{user}", tag = "members",
    operation_id = "remove_member",
    params(
        ("id" = String, Path, description = "the conversation"),
        ("user" = String, Path, description = "who"),
    ),
    responses((status = 204, description = "removed")),
)]
pub async fn remove(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Paths((conversation, user)): Paths<(ConversationId, UserId)>,
) -> HandlerResult {
    app.execute(identity, write(conversation, Change::Remove { user })).await?;
    Ok(give::nothing())
}
