//! `/v1/conversations/{id}/messages/{seq}/reactions/{emoji}`.

use std::sync::Arc;

use axum::extract::State;
use chat_core::command::Change;

use super::{
    answer::{HandlerResult, sent},
    conversations::write,
    extract::{Caller, EmojiParam, Path, SeqParam},
};
use crate::{
    app::App,
    protocol::{
        messages::Sent,
        value::{Id, Integer, WireConversationId},
    },
};

type Target = (WireConversationId, SeqParam, EmojiParam);

/// Puts an emoji on a text.
#[utoipa::path(
    put, path = "/v1/conversations/{id}/messages/{seq}/reactions/{emoji}", tag = "messages",
    operation_id = "react",
    params(
        ("id" = WireConversationId, Path, description = "the conversation"),
        ("seq" = Integer, Path, description = "the text"),
        ("emoji" = inline(EmojiParam), Path, description = "one emoji, percent-encoded"),
    ),
    responses(
        (status = 201, description = "put on", body = Sent),
        (status = 200, description = "was there before", body = Sent),
    ),
)]
pub async fn put(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(target): Path<Target>,
) -> HandlerResult {
    react(&app, caller, target, true).await
}

/// Takes an emoji off a text.
#[utoipa::path(
    delete, path = "/v1/conversations/{id}/messages/{seq}/reactions/{emoji}", tag = "messages",
    operation_id = "unreact",
    params(
        ("id" = WireConversationId, Path, description = "the conversation"),
        ("seq" = Integer, Path, description = "the text"),
        ("emoji" = inline(EmojiParam), Path, description = "one emoji, percent-encoded"),
    ),
    responses(
        (status = 201, description = "taken off", body = Sent),
        (status = 200, description = "was not there", body = Sent),
    ),
)]
pub async fn remove(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(target): Path<Target>,
) -> HandlerResult {
    react(&app, caller, target, false).await
}

async fn react(
    app: &App,
    Caller(identity): Caller,
    (Id(conversation), SeqParam(target_seq), EmojiParam(emoji)): Target,
    on: bool,
) -> HandlerResult {
    let change = Change::React { target_seq, emoji, on };
    sent(app.execute(identity, write(conversation, change)).await?)
}
