//! `/openapi.json`, which is derived from the code, and `/docs`, a page that displays it and explains
//! the errors. [`asyncapi`] has what is not a call.

use std::sync::LazyLock;

use axum::{
    Router,
    response::{IntoResponse, Response},
    routing::get,
};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use utoipa::OpenApi;

use self::{links::Links, shared::SharedParts};
use super::{
    asyncapi, attachments, blocks, conversations, invites, members, messages, reactions, search,
    sessions, users,
};
use crate::{error::Problem, poll};

mod explained;
mod links;
mod shared;

/// The OpenAPI document.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Confab",
        description = "Real-time conversations. `docs/protocol.md` describes the whole protocol.",
    ),
    paths(
        users::register, users::find, users::one, users::me, users::set_profile,
        users::change_password, users::presence,
        blocks::list, blocks::put, blocks::remove,
        sessions::log_in, sessions::refresh, sessions::list, sessions::log_out,
        sessions::log_out_others,
        conversations::create, conversations::list, conversations::one, conversations::update,
        conversations::accept, conversations::decline,
        invites::create, invites::list, invites::preview, invites::accept, invites::end,
        members::list, members::set, members::remove,
        messages::send, messages::history, messages::edit, messages::redact, messages::receipts,
        reactions::put, reactions::remove,
        search::search,
        attachments::begin, attachments::resume, attachments::discard, attachments::info,
        attachments::get, attachments::thumbnail, attachments::link, attachments::get_by_link,
        poll::poll,
    ),
    components(schemas(Problem)),
    modifiers(&SharedParts, &Links),
)]
struct Api;

static JSON: LazyLock<String> = LazyLock::new(|| Api::openapi().to_json().unwrap_or_default());
/// Returns the document as JSON.
pub fn json() -> &'static str {
    &JSON
}

static PAGE: LazyLock<String> = LazyLock::new(|| {
    include_str!("docs/docs.html").replace("<!-- errors -->", &explained::table())
});

/// Returns the routes of `/openapi.json`, of `/asyncapi.json`, of `/docs` and of the two files of that page.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let script = include_str!("docs/docs.js");
    let style = include_str!("docs/docs.css");
    Router::new()
        .route("/openapi.json", get(|| async { file("application/json", json()) }))
        .route("/asyncapi.json", get(|| async { file("application/json", asyncapi::json()) }))
        .route("/docs", get(|| async { file("text/html; charset=utf-8", &PAGE) }))
        .route("/docs/docs.js", get(|| async { file("text/javascript; charset=utf-8", script) }))
        .route("/docs/docs.css", get(|| async { file("text/css; charset=utf-8", style) }))
}

fn file(kind: &'static str, text: &'static str) -> Response {
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-cache")], text).into_response()
}

/// Returns every method and path that the document describes.
#[cfg(test)]
pub(super) fn described() -> std::collections::BTreeSet<(String, String)> {
    let mut api = Api::openapi();
    let mut found = std::collections::BTreeSet::new();
    for (path, item) in &mut api.paths.paths {
        for (method, operation) in [
            ("GET", &item.get),
            ("POST", &item.post),
            ("PUT", &item.put),
            ("PATCH", &item.patch),
            ("DELETE", &item.delete),
        ] {
            if operation.is_some() {
                found.insert((method.to_owned(), path.clone()));
            }
        }
    }
    found
}
