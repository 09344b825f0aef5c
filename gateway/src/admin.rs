//! The operator's listener: health, readiness, metrics, version. Not for the internet.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{
    StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use serde::Serialize;

use crate::{app::App, metrics, metrics::Metrics};

/// The content type of Prometheus' text form.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

#[derive(Debug, Clone)]
struct Admin {
    app: Arc<App>,
    metrics: Metrics,
}

/// The routes of the operator's listener.
pub fn router(app: Arc<App>, metrics: Metrics) -> Router {
    Router::new()
        .route("/healthz", get(health))
        .route("/readyz", get(ready))
        .route("/metrics", get(figures))
        .route("/version", get(version))
        .with_state(Admin { app, metrics })
}

/// The process runs; whether it is of use is another question.
async fn health() -> &'static str {
    "ok\n"
}

async fn ready(State(admin): State<Admin>) -> Response {
    let readiness = admin.app.health.readiness();
    let status =
        if readiness.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(CACHE_CONTROL, "no-store")], Json(readiness)).into_response()
}

async fn figures(State(admin): State<Admin>) -> Response {
    metrics::sessions(admin.app.chat.sessions());
    ([(CONTENT_TYPE, PROMETHEUS)], admin.metrics.render()).into_response()
}

#[derive(Serialize)]
struct Version {
    name: &'static str,
    version: &'static str,
}

async fn version() -> Json<Version> {
    Json(Version { name: "confab", version: env!("CARGO_PKG_VERSION") })
}
