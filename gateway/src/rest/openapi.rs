//! `/openapi.json`, which is derived from the code, and `/docs`, a page that displays it and explains
//! the errors.

use std::sync::LazyLock;

use axum::{
    Router,
    response::{IntoResponse, Response},
    routing::get,
};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        self, ContentBuilder, Ref, RefOr, ResponseBuilder,
        path::Operation,
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

use super::{blocks, conversations, members, messages, reactions, sessions, users};
use crate::{error::Problem, poll};

mod explained;

/// The name of the security scheme of access tokens.
const BEARER: &str = "access_token";

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
        members::list, members::set, members::remove,
        messages::send, messages::history, messages::edit, messages::redact, messages::receipts,
        reactions::put, reactions::remove,
        poll::poll,
    ),
    components(schemas(Problem)),
    modifiers(&SharedParts),
)]
struct Api;

/// Adds to each call what all calls share: the access token and the form of errors.
struct SharedParts;

impl Modify for SharedParts {
    fn modify(&self, api: &mut openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        let components = api.components.get_or_insert_default();
        components.add_security_scheme(BEARER, SecurityScheme::Http(scheme));
        for operation in operations(api) {
            operation.security.get_or_insert_with(|| {
                vec![SecurityRequirement::new::<_, [&str; 0], &str>(BEARER, [])]
            });
            let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem")));
            let refused = ResponseBuilder::new()
                .description("an error; `code` has the reason")
                .content("application/problem+json", problem.build());
            let responses = &mut operation.responses.responses;
            responses.insert("default".to_owned(), RefOr::T(refused.build()));
        }
    }
}

fn operations(api: &mut openapi::OpenApi) -> impl Iterator<Item = &mut Operation> {
    api.paths.paths.values_mut().flat_map(|path| {
        let slots =
            [&mut path.get, &mut path.post, &mut path.put, &mut path.patch, &mut path.delete];
        slots.into_iter().flatten()
    })
}

static JSON: LazyLock<String> = LazyLock::new(|| Api::openapi().to_json().unwrap_or_default());
static PAGE: LazyLock<String> = LazyLock::new(|| {
    include_str!("docs/docs.html").replace("<!-- errors -->", &explained::table())
});

/// Returns the routes of `/openapi.json`, of `/docs` and of the two files of that page.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let script = include_str!("docs/docs.js");
    let style = include_str!("docs/docs.css");
    Router::new()
        .route("/openapi.json", get(|| async { file("application/json", &JSON) }))
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
