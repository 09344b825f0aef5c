//! The operators' listener: health, readiness, metrics, version. It must not be reachable from the
//! internet.

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
use metrics::gauge;
use serde::Serialize;

use crate::{app::App, metrics::Metrics};

/// The content type of Prometheus' text format.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

#[derive(Debug, Clone)]
struct Admin {
    app: Arc<App>,
    metrics: Metrics,
}

/// Returns the routes of the operators' listener.
pub fn router(app: Arc<App>, metrics: Metrics) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(scrape))
        .route("/version", get(version))
        .with_state(Admin { app, metrics })
}

async fn ready(State(admin): State<Admin>) -> Response {
    let readiness = admin.app.health.readiness();
    let status =
        if readiness.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(CACHE_CONTROL, "no-store")], Json(readiness)).into_response()
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
async fn scrape(State(admin): State<Admin>) -> Response {
    gauge!("confab_sessions").set(admin.app.chat.sessions() as f64);
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
