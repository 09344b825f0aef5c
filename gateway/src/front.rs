//! Middleware around all routes for clients.
//!
//! It refuses requests without `Host` and requests from pages of other origins, answers CORS
//! preflights, turns panics into `internal`, completes error objects, adds security headers to
//! every answer, and counts requests.

use std::{any::Any, sync::Arc};

use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use chat_core::error::{ChatError, ErrorCode};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, ORIGIN, REFERRER_POLICY,
        STRICT_TRANSPORT_SECURITY, VARY, X_CONTENT_TYPE_OPTIONS,
    },
};
use metrics::{counter, histogram};
use tokio::time::Instant;
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    admission::quota,
    app::App,
    error::ApiError,
    logs::SECURITY,
    metrics::{error as count_error, panic as count_panic},
    origin::PageOrigin,
    unread::{self, RequestUser},
};

/// Allows pages of ours to load only from this gateway, and nothing inline. They may show files that they
/// have downloaded.
const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'; \
     connect-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; object-src 'none'; \
     frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// Headers of every answer.
const HEADERS: [(HeaderName, &str); 5] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(self), payment=(), usb=()",
    ),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// How long browsers use only TLS for this host.
const ONE_YEAR: &str = "max-age=31536000";

/// Headers that a page of another origin may send.
const ALLOWED_HEADERS: &str = "authorization, content-type, idempotency-key, range, if-range, \
     tus-resumable, upload-length, upload-offset, upload-metadata";
/// Methods that a page of another origin may use.
const ALLOWED_METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";
/// Time that a browser may cache the answer to a preflight, in seconds.
const PREFLIGHT_SECONDS: &str = "600";

/// Wraps these routes in the middleware.
pub fn wrap(router: Router, app: Arc<App>) -> Router {
    router
        .layer(CatchPanicLayer::custom(answer_panic))
        .layer(middleware::from_fn_with_state(app, serve))
}

#[expect(clippy::needless_pass_by_value, reason = "the layer's signature")]
fn answer_panic(panic: Box<dyn Any + Send>) -> Response {
    let message = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    tracing::error!(panic = message, "request ended in a panic");
    count_panic();
    ApiError::from(ChatError::Internal).into_response()
}

async fn serve(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let context = RequestContext::of(&request, &app);
    let user = RequestUser::default();
    request.extensions_mut().insert(user.clone());
    let answer = async {
        match context.refusal(&request) {
            Some(refusal) => refusal.into_response(),
            None if context.is_preflight(&request) => StatusCode::NO_CONTENT.into_response(),
            None => next.run(request).await,
        }
    };
    let (answer, quotas) = quota::record(answer).await;
    let answer = unread::count(answer, &app.unread, &user)
        .unwrap_or_else(|error| ApiError::from(error).into_response());
    let mut answer = context.complete(answer, &user);
    quota::add_headers(answer.headers_mut(), &quotas);
    let labels = [
        ("method", context.method.to_owned()),
        ("route", context.route.clone()),
        ("status", answer.status().as_u16().to_string()),
    ];
    counter!("confab_http_requests_total", &labels).increment(1);
    histogram!("confab_http_request_seconds", "route" => context.route).record(started.elapsed());
    answer
}

/// The parts of a request that are needed for its answer.
#[derive(Debug)]
struct RequestContext {
    method: &'static str,
    path: String,
    route: String,
    page_origin: PageOrigin,
    serves_tls: bool,
    /// The `Origin` header.
    origin: Option<HeaderValue>,
}

impl RequestContext {
    fn of(request: &Request, app: &App) -> Self {
        let headers = request.headers();
        let route = request.extensions().get::<MatchedPath>();
        let host = request.uri().authority().map(|host| host.as_str().as_bytes());
        Self {
            method: method_name(request.method()),
            path: request.uri().path().to_owned(),
            route: route.map_or("other", MatchedPath::as_str).to_owned(),
            page_origin: PageOrigin::of_request(headers, host, &app.origins),
            serves_tls: app.serves_tls,
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
        let is_foreign = self.is_api() && !self.page_origin.is_allowed();
        is_foreign.then(|| ChatError::Forbidden("this origin is not allowed").into())
    }

    /// Returns true if a browser asks whether a listed page may send a request (Fetch, 3.2.3).
    fn is_preflight(&self, request: &Request) -> bool {
        self.is_api()
            && self.page_origin == PageOrigin::Listed
            && request.method() == Method::OPTIONS
            && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
    }

    /// Completes the answer's error object and headers.
    fn complete(&self, answer: Response, user: &RequestUser) -> Response {
        let mut answer = self.complete_error(answer, user);
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            return answer;
        }
        let headers = answer.headers_mut();
        for (name, value) in HEADERS {
            // A file that users have uploaded has a stricter policy of its own.
            headers.entry(name).or_insert(HeaderValue::from_static(value));
        }
        if self.serves_tls {
            headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(ONE_YEAR));
        }
        if self.is_api() {
            headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
            self.add_cors(headers);
        }
        answer
    }

    /// Adds the body of an error, ours or the router's own, and counts it.
    fn complete_error(&self, mut answer: Response, user: &RequestUser) -> Response {
        let status = answer.status();
        let error = match answer.extensions_mut().remove::<ApiError>() {
            Some(error) => error.with_status(status),
            None if status == StatusCode::METHOD_NOT_ALLOWED => {
                ApiError::refused(status, "this path has no such method")
            }
            None => return answer,
        };
        count_error(error.code());
        if let (ErrorCode::Forbidden, Some(user)) = (error.code(), user.0.get()) {
            let Self { method, route, .. } = self;
            tracing::info!(target: SECURITY, { user.id = %user, method, route }, "not allowed");
        }
        error.at(&self.path).complete(answer)
    }

    fn add_cors(&self, headers: &mut HeaderMap) {
        headers.append(VARY, HeaderValue::from_static("origin"));
        let Some(origin) = self.origin.clone().filter(|_| self.page_origin == PageOrigin::Listed)
        else {
            return;
        };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        for (name, value) in [
            (ACCESS_CONTROL_ALLOW_METHODS, ALLOWED_METHODS),
            (ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS),
            (ACCESS_CONTROL_MAX_AGE, PREFLIGHT_SECONDS),
            (
                ACCESS_CONTROL_EXPOSE_HEADERS,
                "ratelimit, ratelimit-policy, retry-after, www-authenticate, location, \
                 content-range, content-disposition, etag, tus-resumable, tus-version, \
                 tus-extension, tus-max-size, upload-offset, upload-length, upload-expires, \
                 upload-metadata",
            ),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}

/// Returns a method's name. Unknown methods share one, so that clients cannot create labels.
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
