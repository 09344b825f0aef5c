//! `/v1/conversations`: making, listing, reading, naming them.

use std::sync::Arc;

use axum::extract::State;
use chat_core::{
    command::{Change, Command, Reply, Write},
    id::ConversationId,
};

use super::{
    give::{self, HandlerResult},
    take::{Body, Caller, IdempotencyKey, ListPage, Paths, Query},
};
use crate::{
    app::App,
    protocol::{
        answer::{ConversationJson, Paged},
        body::{CreateConversation, CreateConversationSchema, UpdateConversation},
    },
};

/// Makes a group, or opens the direct conversation with somebody.
#[utoipa::path(
    post, path = "/v1/conversations", tag = "conversations", operation_id = "create_conversation",
    params(("Idempotency-Key" = Option<String>, Header, description = "required for groups")),
    request_body = CreateConversationSchema,
    responses(
        (status = 201, description = "made", body = ConversationJson),
        (status = 200, description = "the one that the two have", body = ConversationJson),
    ),
)]
pub async fn create(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    key: IdempotencyKey,
    Query(()): Query<()>,
    Body(body): Body<CreateConversation>,
) -> HandlerResult {
    let command = match body {
        CreateConversation::Direct { user } => Command::OpenDirect { user },
        CreateConversation::Group { title, members } => {
            Command::CreateGroup { title, members, key: key.required()? }
        }
    };
    let doing = app.clone();
    let reply = app.to_the_end(async move { doing.execute(identity, command).await }).await??;
    let Reply::Made { conversation, created } = reply else { return Err(give::unexpected()) };
    Ok(give::made(created, &ConversationJson::from(&*conversation)))
}

/// The caller's conversations, newest activity first.
#[utoipa::path(
    get, path = "/v1/conversations", tag = "conversations", operation_id = "conversations",
    params(
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
        ("limit" = Option<u64>, Query, description = "1 to 100, 50 where it is not given"),
    ),
    responses((status = 200, description = "a page", body = Paged<ConversationJson>)),
)]
pub async fn list(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Query(page): Query<ListPage>,
) -> HandlerResult {
    let after = page.cursor.as_deref().map(give::read_list_cursor).transpose()?;
    let command = Command::Conversations { after, limit: page.limit };
    let reply = app.execute(identity, command).await?;
    let Reply::Conversations { items, next } = reply else { return Err(give::unexpected()) };
    let items = items.iter().map(ConversationJson::from).collect();
    Ok(give::ok(&Paged { items, next_cursor: next.map(give::list_cursor) }))
}

/// One conversation.
#[utoipa::path(
    get, path = "/v1/conversations/{id}", tag = "conversations", operation_id = "conversation",
    params(("id" = String, Path, description = "the conversation")),
    responses((status = 200, description = "the conversation", body = ConversationJson)),
)]
pub async fn one(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Paths((conversation,)): Paths<(ConversationId,)>,
) -> HandlerResult {
    shown(app.execute(identity, Command::Conversation { conversation }).await?)
}

fn shown(reply: Reply) -> HandlerResult {
    let Reply::Conversation(view) = reply else { return Err(give::unexpected()) };
    Ok(give::ok(&ConversationJson::from(&*view)))
}

/// Changes the title.
#[utoipa::path(
    patch, path = "/v1/conversations/{id}", tag = "conversations",
    operation_id = "update_conversation",
    params(("id" = String, Path, description = "the conversation")),
    request_body = UpdateConversation,
    responses((status = 200, description = "the conversation as it is now", body = ConversationJson)),
)]
pub async fn update(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Paths((conversation,)): Paths<(ConversationId,)>,
    Body(body): Body<UpdateConversation>,
) -> HandlerResult {
    let change = Change::SetTitle { title: body.title };
    app.execute(identity, write(conversation, change)).await?;
    // Part of the same call: what it may cost has been paid.
    shown(app.chat.execute(identity, Command::Conversation { conversation }).await?)
}

/// A write without a name of its own.
pub(super) const fn write(conversation: ConversationId, change: Change) -> Command {
    Command::Write(Write {
        conversation,
        client_id: None,
        expected_seq: None,
        base_seq: None,
        change,
    })
}
