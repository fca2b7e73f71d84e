//! Traces by id: whole, in part, and two compared.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use axum::routing::any;
use http::{HeaderMap, Method, StatusCode};

use super::ApiState;
use super::queries::{Asked, Op, query};
use crate::answer;
use crate::failure::Failure;
use crate::request::diff::Diff;
use crate::request::trace::{self, TraceById};

pub(super) fn router() -> Router<ApiState> {
    Router::new()
        .route("/api/traces/{id}", any(trace_v1))
        .route("/api/v2/traces/{id}", any(trace_v2))
        .route("/api/v2/traces/diff", any(diff))
}

async fn trace_v1(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    headers: HeaderMap,
    raw: RawQuery,
) -> Response {
    query(state, Op::Traces, &headers, raw, async |asked: Asked| {
        let frontend = &asked.state.frontend;
        let request = TraceById::parse(&id, &asked.params, frontend.now())?;
        let found = frontend
            .trace(&asked.tenants, &request)
            .await?
            .ok_or(Failure::TraceNotFound)?;
        if let Some(max) = found.cut_at {
            return Err(Failure::TraceTooLarge(max));
        }
        Ok(answer::trace_v1(asked.form, found.trace))
    })
    .await
}

async fn trace_v2(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    headers: HeaderMap,
    raw: RawQuery,
) -> Response {
    query(state, Op::Traces, &headers, raw, async |asked: Asked| {
        let frontend = &asked.state.frontend;
        let request = TraceById::parse(&id, &asked.params, frontend.now())?;
        let view = trace::view(&asked.params, frontend.settings())?;
        let found = frontend
            .trace_view(&asked.tenants, &request, view)
            .await?
            .unwrap_or_default();
        Ok(answer::trace_v2(asked.form, &found.trace))
    })
    .await
}

async fn diff(
    State(state): State<ApiState>,
    method: Method,
    headers: HeaderMap,
    raw: RawQuery,
    body: Bytes,
) -> Response {
    if method != Method::POST {
        return answer::text(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
    }
    query(state, Op::Traces, &headers, raw, async |asked: Asked| {
        let request = Diff::parse(&body)?;
        let document = asked
            .state
            .frontend
            .trace_diff(&asked.tenants, &request)
            .await?;
        Ok(answer::json(document))
    })
    .await
}
