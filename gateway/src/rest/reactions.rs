//! `/v1/conversations/{id}/messages/{seq}/reactions/{emoji}`.

use std::sync::Arc;

use axum::extract::State;
use chat_core::{command::Change, id::ConversationId, model::Seq};

use super::{
    conversations::write,
    give::{self, HandlerResult},
    take::{Caller, Paths},
};
use crate::{app::App, protocol::answer::Sent};

type Target = (ConversationId, Seq, String);

/// Puts an emoji on a text.
#[utoipa::path(
    put, path = "/v1/conversations/{id}/messages/{seq}/reactions/{emoji}", tag = "messages",
    operation_id = "react",
    params(
        ("id" = String, Path, description = "the conversation"),
        ("seq" = u64, Path, description = "the text"),
        ("emoji" = String, Path, description = "percent-encoded"),
    ),
    responses(
        (status = 201, description = "put", body = Sent),
        (status = 200, description = "had been there", body = Sent),
    ),
)]
pub async fn put(
    State(app): State<Arc<App>>,
    caller: Caller,
    Paths(target): Paths<Target>,
) -> HandlerResult {
    react(&app, caller, target, true).await
}

/// Takes an emoji off a text.
#[utoipa::path(
    delete, path = "/v1/conversations/{id}/messages/{seq}/reactions/{emoji}", tag = "messages",
    operation_id = "unreact",
    params(
        ("id" = String, Path, description = "the conversation"),
        ("seq" = u64, Path, description = "the text"),
        ("emoji" = String, Path, description = "percent-encoded"),
    ),
    responses(
        (status = 201, description = "taken off", body = Sent),
        (status = 200, description = "had not been there", body = Sent),
    ),
)]
pub async fn remove(
    State(app): State<Arc<App>>,
    caller: Caller,
    Paths(target): Paths<Target>,
) -> HandlerResult {
    react(&app, caller, target, false).await
}

async fn react(
    app: &App,
    Caller(identity): Caller,
    (conversation, target_seq, emoji): Target,
    on: bool,
) -> HandlerResult {
    let change = Change::React { target_seq, emoji: emoji.into(), on };
    give::written(app.execute(identity, write(conversation, change)).await?)
}
