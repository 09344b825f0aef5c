//! `/v1/conversations/{id}/invites` and `/v1/invites`.

use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use http::StatusCode;

use super::{
    answer::{HandlerResult, created_or_ok},
    conversations::described,
    extract::{Body, Caller, ClientAddress, OptionalBody, OptionalCaller, Path},
};
use crate::{
    app::App,
    protocol::{
        conversations::ConversationJson,
        invites::{AcceptInvite, CreateInvite, InviteJson, InvitePreviewJson, SentCode},
        list::Items,
        value::{Id, WireConversationId},
    },
};

/// Makes an invite to a group.
#[utoipa::path(
    post, path = "/v1/conversations/{id}/invites", tag = "invites",
    operation_id = "create_invite",
    params(("id" = WireConversationId, Path, description = "the group")),
    request_body = CreateInvite,
    responses((status = 201, description = "the new invite", body = InviteJson)),
)]
pub async fn create(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Path((Id(conversation),)): Path<(WireConversationId,)>,
    Body(body): Body<CreateInvite>,
) -> HandlerResult {
    app.limits.admit_invites(identity.user).await?;
    let (max_uses, expires_in) = (body.max_uses(), body.expires_in());
    let invite = app.chat.create_invite(identity, conversation, max_uses, expires_in).await?;
    Ok(created_or_ok(true, InviteJson::new(&invite, app.public_url.as_ref())))
}

/// Lists the invites of a group that people can use now, newest first.
#[utoipa::path(
    get, path = "/v1/conversations/{id}/invites", tag = "invites", operation_id = "invites",
    params(("id" = WireConversationId, Path, description = "the group")),
    responses((status = 200, description = "the invites", body = Items<InviteJson>)),
)]
pub async fn list(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Path((Id(conversation),)): Path<(WireConversationId,)>,
) -> HandlerResult {
    app.limits.admit_invites(identity.user).await?;
    let invites = app.chat.invites(identity, conversation).await?;
    let json = |invite| InviteJson::new(invite, app.public_url.as_ref());
    Ok(Json(Items { items: invites.iter().map(json).collect() }).into_response())
}

/// Returns what an invite leads to. Needs no token, because people look before they register.
#[utoipa::path(
    get, path = "/v1/invites/{code}", tag = "invites", operation_id = "invite",
    security((), ("access_token" = [])),
    params(("code" = inline(SentCode), Path, description = "the code")),
    responses((status = 200, description = "the group", body = InvitePreviewJson)),
)]
pub async fn preview(
    State(app): State<Arc<App>>,
    OptionalCaller(identity): OptionalCaller,
    ClientAddress(address): ClientAddress,
    Path((code,)): Path<(SentCode,)>,
) -> HandlerResult {
    let code = code.checked()?;
    app.limits.admit_preview(identity.map(|identity| identity.user), address).await?;
    let preview = app.chat.preview_invite(code).await?;
    Ok(Json(InvitePreviewJson::from(&preview)).into_response())
}

/// Makes the caller a member of the group.
#[utoipa::path(
    post, path = "/v1/invites/{code}/accept", tag = "invites", operation_id = "accept_invite",
    params(("code" = inline(SentCode), Path, description = "the code")),
    request_body(content = Option<AcceptInvite>, description = "may be left out"),
    responses((
        status = 200, description = "the conversation", body = ConversationJson
    )),
)]
pub async fn accept(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Path((code,)): Path<(SentCode,)>,
    OptionalBody(body): OptionalBody<AcceptInvite>,
) -> HandlerResult {
    let command = body.into_command(code.checked()?);
    let accepting = app.clone();
    let accepted = app.run_detached(async move { accepting.execute(identity, command).await });
    described(accepted.await??)
}

/// Ends an invite. Admins of the group may do so, and the member who made it.
#[utoipa::path(
    delete, path = "/v1/invites/{code}", tag = "invites", operation_id = "end_invite",
    params(("code" = inline(SentCode), Path, description = "the code")),
    responses((status = 204, description = "nobody can use it any more")),
)]
pub async fn end(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Path((code,)): Path<(SentCode,)>,
) -> HandlerResult {
    let code = code.checked()?;
    app.limits.admit_invites(identity.user).await?;
    app.chat.end_invite(identity, code).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
