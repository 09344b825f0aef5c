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

use crate::{
    app::App,
    listener::Places,
    metrics::{self, Figures, Metrics},
};

/// The content type of Prometheus' text form.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What an operator may look at.
#[derive(Debug, Clone)]
pub struct Admin {
    /// Sessions and health.
    pub app: Arc<App>,
    /// Everything that is counted.
    pub metrics: Metrics,
    /// Clients' connections.
    pub places: Arc<Places>,
    /// Operators' connections.
    pub admin_places: Arc<Places>,
    /// What backends count themselves.
    pub figures: Arc<[Arc<dyn Figures>]>,
}

/// The routes of the operator's listener.
pub fn router(admin: Admin) -> Router {
    Router::new()
        .route("/healthz", get(health))
        .route("/readyz", get(ready))
        .route("/metrics", get(figures))
        .route("/version", get(version))
        .with_state(admin)
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
    metrics::connections("public", admin.places.taken());
    metrics::connections("admin", admin.admin_places.taken());
    admin.figures.iter().for_each(|figures| metrics::look(&**figures));
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
