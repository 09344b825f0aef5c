//! `/v1/search`.

use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use chat_core::command::Reply;

use super::{
    answer::{HandlerResult, unexpected_reply},
    cursor,
    extract::CallerWithQuery,
};
use crate::{
    app::App,
    protocol::search::{FindMessages, FoundJson, FoundPage},
};

/// Finds messages that the caller may see, newest first.
#[utoipa::path(
    get, path = "/v1/search", tag = "messages", operation_id = "search",
    params(FindMessages),
    responses((status = 200, description = "a page", body = FoundPage)),
)]
pub async fn search(
    State(app): State<Arc<App>>,
    CallerWithQuery(identity, query): CallerWithQuery<FindMessages>,
) -> HandlerResult {
    let after = query.cursor.as_deref().map(cursor::decode_place).transpose()?;
    let reply = app.execute(identity, query.into_command(after)?).await?;
    let Reply::Found { items, next, .. } = reply else { return Err(unexpected_reply()) };
    let items = items.iter().map(FoundJson::from).collect();
    let next_cursor = next.map(cursor::encode_place);
    Ok(Json(FoundPage { items, next_cursor }).into_response())
}
