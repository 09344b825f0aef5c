//! `/v1/conversations/{id}/messages` and `…/receipts`.

use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use chat_core::command::{Change, Reply};
use http::StatusCode;

use super::{
    answer::{HandlerResult, sent, unexpected_reply},
    conversations::write,
    extract::{Body, Caller, CallerWithQuery, Path, SeqParam},
};
use crate::{
    app::App,
    protocol::{
        messages::{Edit, History, Paging, Receipts, Send, Sent},
        value::{Id, Integer, WireConversationId},
    },
};

/// Sends a text.
#[utoipa::path(
    post, path = "/v1/conversations/{id}/messages", tag = "messages", operation_id = "send",
    params(("id" = WireConversationId, Path, description = "the conversation")),
    request_body = Send,
    responses(
        (status = 201, description = "sent", body = Sent),
        (status = 200, description = "sent by an earlier attempt", body = Sent),
    ),
)]
pub async fn send(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Path((Id(conversation),)): Path<(WireConversationId,)>,
    Body(body): Body<Send>,
) -> HandlerResult {
    sent(app.execute(identity, body.into_command(conversation)).await?)
}

/// Returns a page of the log, ascending by `seq`.
#[utoipa::path(
    get, path = "/v1/conversations/{id}/messages", tag = "messages", operation_id = "history",
    params(("id" = WireConversationId, Path, description = "the conversation"), Paging),
    responses((status = 200, description = "a page", body = History)),
)]
pub async fn history(
    State(app): State<Arc<App>>,
    CallerWithQuery(identity, paging): CallerWithQuery<Paging>,
    Path((Id(conversation),)): Path<(WireConversationId,)>,
) -> HandlerResult {
    let reply = app.execute(identity, paging.into_command(conversation)?).await?;
    let Reply::History { items, head_seq } = reply else { return Err(unexpected_reply()) };
    Ok(Json(History::new(&items, head_seq)).into_response())
}

/// Edits one of the caller's own texts.
#[utoipa::path(
    patch, path = "/v1/conversations/{id}/messages/{seq}", tag = "messages", operation_id = "edit",
    params(
        ("id" = WireConversationId, Path, description = "the conversation"),
        ("seq" = Integer, Path, description = "the text"),
    ),
    request_body = Edit,
    responses(
        (status = 201, description = "edited", body = Sent),
        (status = 200, description = "edited by an earlier attempt", body = Sent),
    ),
)]
pub async fn edit(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Path((Id(conversation), SeqParam(seq))): Path<(WireConversationId, SeqParam)>,
    Body(body): Body<Edit>,
) -> HandlerResult {
    sent(app.execute(identity, body.into_command(conversation, seq)).await?)
}

/// Redacts a text.
#[utoipa::path(
    delete, path = "/v1/conversations/{id}/messages/{seq}", tag = "messages",
    operation_id = "redact",
    params(
        ("id" = WireConversationId, Path, description = "the conversation"),
        ("seq" = Integer, Path, description = "the text"),
    ),
    responses(
        (status = 201, description = "redacted", body = Sent),
        (status = 200, description = "was redacted before", body = Sent),
    ),
)]
pub async fn redact(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Path((Id(conversation), SeqParam(target_seq))): Path<(WireConversationId, SeqParam)>,
) -> HandlerResult {
    let command = write(conversation, Change::Redact { target_seq });
    sent(app.execute(identity, command).await?)
}

/// Moves the caller's receipt forward.
#[utoipa::path(
    post, path = "/v1/conversations/{id}/receipts", tag = "messages", operation_id = "receipt",
    params(("id" = WireConversationId, Path, description = "the conversation")),
    request_body = Receipts,
    responses((status = 204, description = "moved, or was there already")),
)]
pub async fn receipts(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Path((Id(conversation),)): Path<(WireConversationId,)>,
    Body(body): Body<Receipts>,
) -> HandlerResult {
    app.execute(identity, body.into_command(conversation)?).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
