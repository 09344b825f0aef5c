//! `/v1/conversations/{id}/messages` and `…/receipts`: writing and reading the log.

use std::sync::Arc;

use axum::extract::State;
use chat_core::{
    command::{Change, Reply},
    id::ConversationId,
    model::Seq,
};

use super::{
    conversations::write,
    give::{self, HandlerResult},
    take::{Body, Caller, Paths, Query},
};
use crate::{
    app::App,
    protocol::{
        answer::{History, Sent},
        body::{Edit, Paging, Receipts, Send},
    },
};

/// Sends a text.
#[utoipa::path(
    post, path = "/v1/conversations/{id}/messages", tag = "messages", operation_id = "send",
    params(("id" = String, Path, description = "the conversation")),
    request_body = Send,
    responses(
        (status = 201, description = "sent", body = Sent),
        (status = 200, description = "had been sent", body = Sent),
    ),
)]
pub async fn send(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Paths((conversation,)): Paths<(ConversationId,)>,
    Query(()): Query<()>,
    Body(body): Body<Send>,
) -> HandlerResult {
    give::written(app.execute(identity, body.into_command(conversation)).await?)
}

/// A page of the log, ascending by `seq`.
#[utoipa::path(
    get, path = "/v1/conversations/{id}/messages", tag = "messages", operation_id = "history",
    params(
        ("id" = String, Path, description = "the conversation"),
        ("before_seq" = Option<u64>, Query, description = "the newest before it"),
        ("after_seq" = Option<u64>, Query, description = "the oldest after it"),
        ("around_seq" = Option<u64>, Query, description = "it, and what is near it"),
        ("limit" = Option<u64>, Query, description = "1 to 100, 50 where it is not given"),
    ),
    responses((status = 200, description = "a page", body = History)),
)]
pub async fn history(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Paths((conversation,)): Paths<(ConversationId,)>,
    Query(paging): Query<Paging>,
) -> HandlerResult {
    let reply = app.execute(identity, paging.into_command(conversation)?).await?;
    let Reply::History { items, head_seq } = reply else { return Err(give::unexpected()) };
    Ok(give::ok(&History { items: &items, head_seq: head_seq.get() }))
}

/// Edits one's own text.
#[utoipa::path(
    patch, path = "/v1/conversations/{id}/messages/{seq}", tag = "messages", operation_id = "edit",
    params(
        ("id" = String, Path, description = "the conversation"),
        ("seq" = u64, Path, description = "the text"),
    ),
    request_body = Edit,
    responses(
        (status = 201, description = "edited", body = Sent),
        (status = 200, description = "had been edited so", body = Sent),
    ),
)]
pub async fn edit(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Paths((conversation, seq)): Paths<(ConversationId, Seq)>,
    Body(body): Body<Edit>,
) -> HandlerResult {
    give::written(app.execute(identity, body.into_command(conversation, seq)).await?)
}

/// Takes a text away.
#[utoipa::path(
    delete, path = "/v1/conversations/{id}/messages/{seq}", tag = "messages",
    operation_id = "redact",
    params(
        ("id" = String, Path, description = "the conversation"),
        ("seq" = u64, Path, description = "the text"),
    ),
    responses(
        (status = 201, description = "taken away", body = Sent),
        (status = 200, description = "had been taken away", body = Sent),
    ),
)]
pub async fn redact(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Paths((conversation, target_seq)): Paths<(ConversationId, Seq)>,
) -> HandlerResult {
    let command = write(conversation, Change::Redact { target_seq });
    give::written(app.execute(identity, command).await?)
}

/// Moves the caller's own receipt forward.
#[utoipa::path(
    post, path = "/v1/conversations/{id}/receipts", tag = "messages", operation_id = "receipt",
    params(("id" = String, Path, description = "the conversation")),
    request_body = Receipts,
    responses((status = 204, description = "taken")),
)]
pub async fn receipts(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Paths((conversation,)): Paths<(ConversationId,)>,
    Body(body): Body<Receipts>,
) -> HandlerResult {
    app.execute(identity, body.into_command(conversation)).await?;
    Ok(give::nothing())
}
