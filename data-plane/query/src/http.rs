//! The Tempo HTTP API: paths to requests, answers to responses. No engine in here.

mod queries;
mod status;
mod traces;

use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use http::StatusCode;
use tower_http::compression::CompressionLayer;

use crate::answer;
use crate::frontend::Frontend;
use crate::mcp;
use crate::metrics::RequestLabels;

pub use status::{BuildInfo, Pages};

/// What the handlers share.
#[derive(Debug, Clone)]
pub struct ApiState {
    pub frontend: Frontend,
    pub pages: Arc<Pages>,
}

/// Every path of the API, ready to serve.
pub fn router(state: ApiState) -> Router {
    let prefix = state
        .frontend
        .settings()
        .http_api_prefix
        .trim_end_matches('/')
        .to_owned();
    let api = api().route("/api/mcp", any(mcp::serve));
    let routes = if prefix.is_empty() {
        Router::new().merge(api)
    } else {
        Router::new().nest(&prefix, api)
    };
    let answered = routes
        .route_layer(CompressionLayer::new().gzip(true).no_zstd())
        .merge(status::router())
        .route_layer(middleware::from_fn_with_state(state.clone(), observe));
    answered
        .fallback(any(|| async {
            answer::text(StatusCode::NOT_FOUND, "404 page not found\n")
        }))
        .with_state(state)
}

/// The paths that answer questions.
pub(crate) fn api() -> Router<ApiState> {
    queries::router().merge(traces::router())
}

/// Counts and times every request by the route it took.
async fn observe(
    State(state): State<ApiState>,
    route: MatchedPath,
    request: Request,
    next: Next,
) -> Response {
    let began = tokio::time::Instant::now();
    let method = request.method().to_string();
    let route = status::route_name(route.as_str());
    let response = next.run(request).await.into_response();
    let labels = RequestLabels {
        method,
        route,
        status_code: response.status().as_u16(),
        ws: "false",
    };
    state
        .frontend
        .metrics()
        .requests
        .get_or_create(&labels)
        .observe(began.elapsed().as_secs_f64());
    response
}
