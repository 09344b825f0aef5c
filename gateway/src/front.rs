//! What every request passes on its way in and every answer on its way out.
//!
//! In: `Host` has to be there, a browser's page has to be allowed, a panic becomes `internal`. Out:
//! errors get their whole object, every answer its security headers, and all are counted.

use std::{any::Any, sync::Arc};

use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use chat_core::error::ChatError;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, ORIGIN, REFERRER_POLICY, VARY,
        X_CONTENT_TYPE_OPTIONS,
    },
};
use tokio::time::Instant;
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    app::App,
    error::ApiError,
    metrics,
    origin::{self, Visitor},
};

/// What pages of ours may do: nothing from elsewhere, nothing inline.
const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'; \
     connect-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; \
     form-action 'none'";

/// Headers of every answer.
const HEADERS: [(HeaderName, &str); 5] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// What a page of another origin may send.
const ALLOWED_HEADERS: &str = "authorization, content-type, idempotency-key";
const ALLOWED_METHODS: &str = "GET, POST, PUT, PATCH, DELETE";
/// How long a browser may remember that, in seconds.
const ALLOWED_FOR: &str = "600";

/// Puts everything that is said here round these routes.
pub fn wrap(router: Router, app: Arc<App>) -> Router {
    router.layer(CatchPanicLayer::custom(panicked)).layer(middleware::from_fn_with_state(app, pass))
}

#[expect(clippy::needless_pass_by_value, reason = "the layer's signature")]
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let said = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    tracing::error!(said, "request ended in a panic");
    metrics::panic();
    ApiError::from(ChatError::Internal).into_response()
}

async fn pass(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let asked = Asked::of(&request, &app);
    let answer = match asked.refusal(&request) {
        Some(refusal) => refusal.into_response(),
        None if asked.is_preflight(&request) => StatusCode::NO_CONTENT.into_response(),
        None => next.run(request).await,
    };
    let answer = asked.finish(answer);
    metrics::http_request(asked.method, &asked.route, answer.status().as_u16(), begun.elapsed());
    answer
}

/// What is remembered of a request until its answer.
#[derive(Debug)]
struct Asked {
    method: &'static str,
    path: String,
    route: String,
    visitor: Visitor,
    origin: Option<HeaderValue>,
}

impl Asked {
    fn of(request: &Request, app: &App) -> Self {
        let headers = request.headers();
        let route = request.extensions().get::<MatchedPath>();
        let host = request.uri().authority().map(|host| host.as_str().as_bytes());
        Self {
            method: method_name(request.method()),
            path: request.uri().path().to_owned(),
            route: route.map_or("other", MatchedPath::as_str).to_owned(),
            visitor: origin::visitor(headers, host, &app.origins),
            origin: headers.get(ORIGIN).cloned(),
        }
    }

    fn is_api(&self) -> bool {
        self.path.starts_with("/v1/")
    }

    fn refusal(&self, request: &Request) -> Option<ApiError> {
        let hosts = request.headers().get_all(HOST).iter().count();
        if request.version() == Version::HTTP_11 && hosts != 1 {
            return Some(ApiError::refused(StatusCode::BAD_REQUEST, "expected one Host header"));
        }
        let is_strange = self.is_api() && !self.visitor.is_allowed();
        is_strange.then(|| ChatError::Forbidden("this origin is not allowed").into())
    }

    /// A browser asks whether a page of another origin may ask (Fetch, 3.2.3).
    fn is_preflight(&self, request: &Request) -> bool {
        self.is_api()
            && self.visitor == Visitor::Listed
            && request.method() == Method::OPTIONS
            && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
    }

    fn finish(&self, answer: Response) -> Response {
        let mut answer = self.with_problem(answer);
        let is_upgrade = answer.status() == StatusCode::SWITCHING_PROTOCOLS;
        let headers = answer.headers_mut();
        if is_upgrade {
            return answer;
        }
        for (name, value) in HEADERS {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if self.is_api() {
            headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
            self.add_cors(headers);
        }
        answer
    }

    /// An error that has no body yet gets it: ours, and those of the router itself.
    fn with_problem(&self, mut answer: Response) -> Response {
        let status = answer.status();
        let error = match answer.extensions_mut().remove::<ApiError>() {
            Some(error) => error.with_status(status),
            None if status == StatusCode::METHOD_NOT_ALLOWED => {
                ApiError::refused(status, "this path has no such method")
            }
            None => return answer,
        };
        metrics::error(error.code());
        error.at(&self.path).complete(answer)
    }

    fn add_cors(&self, headers: &mut HeaderMap) {
        headers.append(VARY, HeaderValue::from_static("origin"));
        let Some(origin) = self.origin.clone().filter(|_| self.visitor == Visitor::Listed) else {
            return;
        };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        for (name, value) in [
            (ACCESS_CONTROL_ALLOW_METHODS, ALLOWED_METHODS),
            (ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS),
            (ACCESS_CONTROL_MAX_AGE, ALLOWED_FOR),
            (ACCESS_CONTROL_EXPOSE_HEADERS, "retry-after, www-authenticate"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}

/// A method's name; unknown ones share one, so that nobody makes labels.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
