//! `/v1/conversations`: create, list, read, rename.

use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use chat_core::{
    command::{Change, Command, Reply, Write},
    id::ConversationId,
    model::MembershipState,
};
use http::StatusCode;

use super::{
    answer::{HandlerResult, created_or_ok, unexpected_reply},
    cursor,
    extract::{Body, Caller, CallerWithQuery, IdempotencyKey, ListPage, Path},
};
use crate::{
    app::App,
    protocol::{
        conversations::{
            ConversationJson, ConversationsPage, CreateConversation, UpdateConversation,
        },
        messages::page_limit,
        value::{Id, WireConversationId},
    },
};

/// Creates a group, or opens the direct conversation with a user.
#[utoipa::path(
    post, path = "/v1/conversations", tag = "conversations", operation_id = "create_conversation",
    params(IdempotencyKey),
    request_body = CreateConversation,
    responses(
        (status = 201, description = "created", body = ConversationJson),
        (status = 200, description = "the direct conversation existed", body = ConversationJson),
    ),
)]
pub async fn create(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    key: IdempotencyKey,
    Body(body): Body<CreateConversation>,
) -> HandlerResult {
    let command = body.into_command(|| key.required())?;
    let creating = app.clone();
    let reply =
        app.run_detached(async move { creating.execute(identity, command).await }).await??;
    let Reply::Made { conversation, created } = reply else { return Err(unexpected_reply()) };
    Ok(created_or_ok(created, ConversationJson::from(&*conversation)))
}

/// Lists the caller's conversations, newest activity first.
#[utoipa::path(
    get, path = "/v1/conversations", tag = "conversations", operation_id = "conversations",
    params(ListPage),
    responses((status = 200, description = "a page", body = ConversationsPage)),
)]
pub async fn list(
    State(app): State<Arc<App>>,
    CallerWithQuery(identity, page): CallerWithQuery<ListPage>,
) -> HandlerResult {
    let limit = page_limit(page.limit)?;
    let state = page.state.map(MembershipState::from);
    let after = page.cursor.as_deref().map(cursor::decode_list).transpose()?;
    let reply = app.execute(identity, Command::Conversations { state, after, limit }).await?;
    let Reply::Conversations { items, next, totals, .. } = reply else {
        return Err(unexpected_reply());
    };
    let items = items.iter().map(ConversationJson::from).collect();
    let next_cursor = next.map(cursor::encode_list);
    Ok(Json(ConversationsPage { items, next_cursor, totals: totals.into() }).into_response())
}

/// Returns a conversation.
#[utoipa::path(
    get, path = "/v1/conversations/{id}", tag = "conversations", operation_id = "conversation",
    params(("id" = WireConversationId, Path, description = "the conversation")),
    responses((status = 200, description = "the conversation", body = ConversationJson)),
)]
pub async fn one(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Path((Id(conversation),)): Path<(WireConversationId,)>,
) -> HandlerResult {
    described(app.execute(identity, Command::Conversation { conversation }).await?)
}

/// Changes the title of a group.
#[utoipa::path(
    patch, path = "/v1/conversations/{id}", tag = "conversations",
    operation_id = "update_conversation",
    params(("id" = WireConversationId, Path, description = "the conversation")),
    request_body = UpdateConversation,
    responses(
        (status = 200, description = "the conversation after the change", body = ConversationJson),
    ),
)]
pub async fn update(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Path((Id(conversation),)): Path<(WireConversationId,)>,
    Body(body): Body<UpdateConversation>,
) -> HandlerResult {
    let change = Change::SetTitle { title: body.title };
    app.execute(identity, write(conversation, change)).await?;
    // The same call: its rate limit has been charged already.
    described(app.chat.execute(identity, Command::Conversation { conversation }).await?)
}

/// Has the caller take part in a conversation that is a request.
#[utoipa::path(
    post, path = "/v1/conversations/{id}/accept", tag = "conversations",
    operation_id = "accept_conversation",
    params(("id" = WireConversationId, Path, description = "the conversation")),
    responses((status = 200, description = "the open conversation", body = ConversationJson)),
)]
pub async fn accept(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Path((Id(conversation),)): Path<(WireConversationId,)>,
) -> HandlerResult {
    described(app.execute(identity, Command::Accept { conversation }).await?)
}

/// Hides a conversation that is a request. Nobody else learns of it.
#[utoipa::path(
    post, path = "/v1/conversations/{id}/decline", tag = "conversations",
    operation_id = "decline_conversation",
    params(("id" = WireConversationId, Path, description = "the conversation")),
    responses((status = 204, description = "hidden until the caller accepts it")),
)]
pub async fn decline(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Path((Id(conversation),)): Path<(WireConversationId,)>,
) -> HandlerResult {
    app.execute(identity, Command::Decline { conversation }).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Answers with the conversation of this reply.
pub(super) fn described(reply: Reply) -> HandlerResult {
    let Reply::Conversation(view) = reply else { return Err(unexpected_reply()) };
    Ok(Json(ConversationJson::from(&*view)).into_response())
}

/// Returns the command for a change that needs neither a client id nor a base.
pub(super) const fn write(conversation: ConversationId, change: Change) -> Command {
    Command::Write(Write {
        conversation,
        client_id: None,
        expected_seq: None,
        base_seq: None,
        change,
    })
}
