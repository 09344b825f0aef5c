//! `/v1/attachments`: uploads by tus 1.0, and downloads.
//!
//! In reading order: [`tus`] has the headers of the upload protocol, [`receiving`] reads the bodies
//! of uploads within their bounds, [`disposition`] and [`ranges`] are headers of downloads,
//! [`download`] sends files, and [`links`] opens them to pages without a token.

mod disposition;
mod download;
mod links;
mod places;
mod ranges;
mod receiving;
mod tus;

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use chat_core::{
    attachments::{Completed, NewFile},
    error::ChatError,
    id::AttachmentId,
    model::{Attachment, Identity, Upload},
};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CACHE_CONTROL, LOCATION},
};

use self::{
    download::Download,
    links::FileLink,
    receiving::{UploadBody, check_continues},
    tus::Tus,
};
pub use self::{links::LinkSigner, places::UploadPlaces};
use super::{
    answer::{HandlerResult, created_or_ok},
    extract::{BodyRejection, Caller, CallerWithQuery, NoQuery, Path},
};
use crate::{
    admission::Price,
    app::App,
    protocol::{
        attachments::{AttachmentJson, FileBytes, FileLinkJson, ThumbnailQuery},
        value::{Id, Time, WireAttachmentId},
    },
};

/// Tells clients what the server can do for uploads.
pub async fn options(State(app): State<Arc<App>>, _: NoQuery) -> Response {
    tus::capabilities(app.attachments.rules().file_bytes_max)
}

/// Begins an upload. With a body, its first bytes; with the whole body, nothing else is needed.
#[utoipa::path(
    post, path = "/v1/attachments", tag = "attachments", operation_id = "upload",
    params(
        ("Upload-Length" = Option<u64>, Header, description = "the size of the file in bytes; by default the size of the body"),
        ("Upload-Metadata" = String, Header, description = "`conversation` and `filename`, each followed by its value in base64"),
    ),
    request_body(content = inline(FileBytes), content_type = "application/offset+octet-stream"),
    responses(
        (status = 201, description = "begun; with a body if the upload is complete", body = AttachmentJson),
    ),
)]
pub async fn begin(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    tus: Tus,
    body: UploadBody,
) -> Result<Response, BodyRejection> {
    app.limits.admit_other(identity.user, Price::Request).await?;
    let file: NewFile = tus.new_file(body.declared_bytes())?;
    let place = app.upload_places.take(identity.user).await?;
    let upload = app.attachments.begin(identity, file).await?;
    let id = upload.id;
    let server = Arc::clone(&app);
    let receiving = async move {
        let received = body.receive(&server.attachments, upload).await;
        drop(place);
        let received = complete(&server, received).await;
        if received.is_err()
            && let Err(error) = server.attachments.discard(identity, id).await
        {
            // Its client cannot continue it without an answer, and the job removes it.
            tracing::debug!(%error, upload.id = %id, "an upload without a client stays for a day");
        }
        received
    };
    let upload = app.run_detached(receiving).await??;
    app.limits.charge_bytes(identity.user, upload.offset()).await;
    let mut headers = tus::progress(&upload);
    let location = format!("/v1/attachments/{}", upload.id);
    headers
        .insert(LOCATION, HeaderValue::try_from(location).unwrap_or(HeaderValue::from_static("/")));
    Ok(match upload.finished() {
        Some(_) => (StatusCode::CREATED, headers, described(&upload)).into_response(),
        None => (StatusCode::CREATED, headers).into_response(),
    })
}

/// Continues an upload at the offset that the server has.
#[utoipa::path(
    patch, path = "/v1/attachments/{id}", tag = "attachments", operation_id = "continue_upload",
    params(
        ("id" = WireAttachmentId, Path, description = "the file"),
        ("Upload-Offset" = u64, Header, description = "how many bytes the server has"),
    ),
    request_body(content = inline(FileBytes), content_type = "application/offset+octet-stream"),
    responses((status = 204, description = "stored; `Upload-Offset` says up to where")),
)]
pub async fn resume(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Path((Id(id),)): Path<(WireAttachmentId,)>,
    tus: Tus,
    body: UploadBody,
) -> Result<Response, BodyRejection> {
    app.limits.admit_other(identity.user, Price::Request).await?;
    let offset = tus.offset()?;
    let place = app.upload_places.take(identity.user).await?;
    let upload = app.attachments.own(identity, id).await?;
    check_continues(&upload, offset)?;
    let server = Arc::clone(&app);
    let receiving = async move {
        let received = body.receive(&server.attachments, upload).await;
        drop(place);
        complete(&server, received).await
    };
    let upload = app.run_detached(receiving).await??;
    app.limits.charge_bytes(identity.user, upload.offset() - offset).await;
    Ok((StatusCode::NO_CONTENT, tus::progress(&upload)).into_response())
}

/// Removes a file that no message shows.
#[utoipa::path(
    delete, path = "/v1/attachments/{id}", tag = "attachments", operation_id = "discard_upload",
    params(("id" = WireAttachmentId, Path, description = "the file")),
    responses((status = 204, description = "removed")),
)]
pub async fn discard(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Path((Id(id),)): Path<(WireAttachmentId,)>,
    _: Tus,
) -> HandlerResult {
    app.limits.admit_other(identity.user, Price::Request).await?;
    let attachments = Arc::clone(&app.attachments);
    app.run_detached(async move { attachments.discard(identity, id).await }).await??;
    Ok((StatusCode::NO_CONTENT, tus::version()).into_response())
}

/// Describes a complete file.
#[utoipa::path(
    get, path = "/v1/attachments/{id}/info", tag = "attachments", operation_id = "attachment_info",
    params(("id" = WireAttachmentId, Path, description = "the file")),
    responses((status = 200, description = "the file", body = AttachmentJson)),
)]
pub async fn info(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Path((Id(id),)): Path<(WireAttachmentId,)>,
) -> HandlerResult {
    Ok(described(&readable(&app, identity, id).await?))
}

/// Returns the content of a file, or a part of it.
#[utoipa::path(
    get, path = "/v1/attachments/{id}", tag = "attachments", operation_id = "download",
    params(
        ("id" = WireAttachmentId, Path, description = "the file"),
        ("Range" = Option<String>, Header, description = "one range of bytes"),
    ),
    responses(
        (status = 200, description = "the whole content", body = inline(FileBytes), content_type = "application/octet-stream"),
        (status = 206, description = "the range", body = inline(FileBytes), content_type = "application/octet-stream"),
        (status = 304, description = "the content is the one with the `ETag` in `If-None-Match`"),
        (status = 416, description = "the range is beyond the end"),
    ),
)]
pub async fn get(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Path((Id(id),)): Path<(WireAttachmentId,)>,
    headers: HeaderMap,
) -> HandlerResult {
    let upload = readable(&app, identity, id).await?;
    let file = Download::of(&upload)?;
    download::answer(&app, identity.user, &file, &headers).await
}

/// Returns a smaller form of an image: JPEG, or PNG if it is transparent in places. Of a smaller image, the
/// content.
#[utoipa::path(
    get, path = "/v1/attachments/{id}/thumbnail", tag = "attachments", operation_id = "thumbnail",
    params(("id" = WireAttachmentId, Path, description = "the image"), ThumbnailQuery),
    responses((status = 200, description = "the thumbnail", body = inline(FileBytes), content_type = "image/jpeg")),
)]
pub async fn thumbnail(
    State(app): State<Arc<App>>,
    CallerWithQuery(identity, ThumbnailQuery { size }): CallerWithQuery<ThumbnailQuery>,
    Path((Id(id),)): Path<(WireAttachmentId,)>,
    headers: HeaderMap,
) -> HandlerResult {
    let upload = readable(&app, identity, id).await?;
    let file = Download::of_thumbnail(&upload, size.side())?;
    download::answer(&app, identity.user, &file, &headers).await
}

/// With `Tus-Resumable`: how far an upload of the caller is. Without it: the headers of a download.
pub async fn head(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Path((Id(id),)): Path<(WireAttachmentId,)>,
    tus: Tus,
    headers: HeaderMap,
) -> HandlerResult {
    if !tus.is_used() {
        let upload = readable(&app, identity, id).await?;
        return download::head(&Download::of(&upload)?, &headers);
    }
    app.limits.admit_other(identity.user, Price::Request).await?;
    let upload = app.attachments.own(identity, id).await?;
    let server = Arc::clone(&app);
    let upload =
        app.run_detached(async move { complete::<ChatError>(&server, Ok(upload)).await }).await??;
    let mut headers = tus::progress(&upload);
    headers.extend(tus::announced(&upload));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok((StatusCode::OK, headers, Bytes::new()).into_response())
}

/// Makes a link to a file that works without a token for ten minutes.
#[utoipa::path(
    post, path = "/v1/attachments/{id}/link", tag = "attachments", operation_id = "link_attachment",
    params(("id" = WireAttachmentId, Path, description = "the file")),
    responses((status = 201, description = "the link", body = FileLinkJson)),
)]
pub async fn link(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Path((Id(id),)): Path<(WireAttachmentId,)>,
) -> HandlerResult {
    let upload = readable(&app, identity, id).await?;
    let link = FileLink::new(upload.id, identity, app.clock.now());
    let url = format!("/v1/files/{}", app.link_signer.sign(link));
    Ok(created_or_ok(true, FileLinkJson { url, expires_at: Time(link.expires_at) }))
}

/// Returns the content of a file for a link, or a part of it. Needs no token.
#[utoipa::path(
    get, path = "/v1/files/{link}", tag = "attachments", operation_id = "download_by_link",
    security(()),
    params(
        ("link" = String, Path, description = "the link"),
        ("Range" = Option<String>, Header, description = "one range of bytes"),
    ),
    responses(
        (status = 200, description = "the whole content", body = inline(FileBytes), content_type = "application/octet-stream"),
        (status = 206, description = "the range", body = inline(FileBytes), content_type = "application/octet-stream"),
        (status = 304, description = "the content is the one with the `ETag` in `If-None-Match`"),
        (status = 416, description = "the range is beyond the end"),
    ),
)]
pub async fn get_by_link(
    State(app): State<Arc<App>>,
    _: NoQuery,
    Path((text,)): Path<(String,)>,
    headers: HeaderMap,
) -> HandlerResult {
    let link = app.link_signer.check(&text, app.clock.now());
    let link = link.filter(|link| !app.chat.is_revoked(link.maker.login));
    let FileLink { file, maker, .. } = link.ok_or(ChatError::NotFound("link"))?;
    app.limits.admit_other(maker.user, Price::Request).await?;
    let upload = app.attachments.linked(file).await?;
    download::answer(&app, maker.user, &Download::of(&upload)?, &headers).await
}

async fn readable(
    app: &App,
    identity: Identity,
    id: AttachmentId,
) -> Result<Upload, crate::error::ApiError> {
    app.limits.admit_other(identity.user, Price::Request).await?;
    let attachments = Arc::clone(&app.attachments);
    Ok(app.run_detached(async move { attachments.readable(identity, id).await }).await??)
}

/// Examines a file once all its bytes have arrived.
async fn complete<E: From<ChatError>>(app: &App, received: Result<Upload, E>) -> Result<Upload, E> {
    let upload = received?;
    if !upload.has_arrived() {
        return Ok(upload);
    }
    let permit = app.limits.begin_examination(upload.owner).await;
    let Completed { upload, memory_bytes } = app.attachments.complete(upload).await?;
    permit.charge(memory_bytes).await;
    Ok(upload)
}

fn described(upload: &Upload) -> Response {
    let attachment: Attachment = upload.attachment();
    Json(AttachmentJson::from(&attachment)).into_response()
}
