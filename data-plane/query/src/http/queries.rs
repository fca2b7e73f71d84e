//! The query endpoints.

use axum::Router;
use axum::extract::{OriginalUri, RawQuery, State};
use axum::response::Response;
use axum::routing::any;
use http::{HeaderMap, StatusCode, Uri};
use takt_model::TenantId;

use super::ApiState;
use crate::answer::{self, Form};
use crate::failure::Failure;
use crate::params::{Invalid, Params, unescape};
use crate::request::{Metrics, Search, TagNames, TagValues};
use crate::series::json;
use crate::tenancy;

pub(super) fn router() -> Router<ApiState> {
    Router::new()
        .route("/api/search", any(search))
        .route("/api/search/tags", any(tags_v1))
        .route("/api/v2/search/tags", any(tags_v2))
        .route("/api/search/tag/{*rest}", any(values_v1))
        .route("/api/v2/search/tag/{*rest}", any(values_v2))
        .route("/api/metrics/query_range", any(query_range))
        .route("/api/metrics/query", any(query_instant))
        .route(
            "/api/echo",
            any(|| async { answer::text(StatusCode::OK, "echo\n") }),
        )
}

/// The endpoint's kind in Tempo's query metrics.
#[derive(Debug, Clone, Copy)]
pub(super) enum Op {
    Traces,
    Search,
    Metadata,
    Metrics,
}

impl Op {
    const fn name(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Search => "search",
            Self::Metadata => "metadata",
            Self::Metrics => "metrics",
        }
    }
}

/// A request after tenancy and before its own rules.
pub(super) struct Asked {
    pub(super) state: ApiState,
    pub(super) tenants: Vec<TenantId>,
    pub(super) params: Params,
    pub(super) form: Form,
}

/// What every query endpoint does before and after its own work: tenancy, admission, time limit, counting.
pub(super) async fn query<F>(
    state: ApiState,
    op: Op,
    headers: &HeaderMap,
    raw: RawQuery,
    work: impl FnOnce(Asked) -> F,
) -> Response
where
    F: Future<Output = Result<Response, Failure>>,
{
    let tenants = match tenancy::tenants(headers, state.frontend.settings(), &state.frontend.view())
    {
        Ok(tenants) => tenants,
        Err(failure) => return answer::failure(&failure),
    };
    let tenant = tenants[0].clone();
    let mut counted = Counted {
        state: state.clone(),
        tenant: tenant.clone(),
        op,
        outcome: None,
    };
    let _admitted = match state.frontend.admit(&tenant) {
        Ok(admitted) => admitted,
        Err(failure) => return counted.end(Err(failure)),
    };
    let asked = Asked {
        params: Params::parse(raw.0.as_deref().unwrap_or_default()),
        form: Form::accepted(headers),
        tenants,
        state: state.clone(),
    };
    let limit = state.frontend.settings().api_timeout;
    let result = if limit.is_zero() {
        work(asked).await
    } else {
        tokio::time::timeout(limit, work(asked))
            .await
            .unwrap_or(Err(Failure::TimedOut))
    };
    counted.end(result)
}

/// Counts a query once, also when its future is dropped because the client went away.
struct Counted {
    state: ApiState,
    tenant: TenantId,
    op: Op,
    /// Whether the server is to blame for a failure, once it is known.
    outcome: Option<bool>,
}

impl Counted {
    fn end(&mut self, result: Result<Response, Failure>) -> Response {
        match result {
            Ok(response) => {
                self.outcome = Some(true);
                response
            }
            Err(failure) => {
                let status = failure.status();
                self.outcome = Some(!status.is_server_error());
                if status == StatusCode::INTERNAL_SERVER_ERROR {
                    tracing::error!(tenant = %self.tenant, op = self.op.name(), error = &failure as &dyn std::error::Error, "query failed");
                }
                answer::failure(&failure)
            }
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let cancelled = self.outcome.is_none();
        self.state.frontend.metrics().query(
            &self.tenant,
            self.op.name(),
            cancelled,
            self.outcome.unwrap_or(true),
        );
    }
}

async fn search(State(state): State<ApiState>, headers: HeaderMap, raw: RawQuery) -> Response {
    query(state, Op::Search, &headers, raw, async |asked: Asked| {
        let frontend = &asked.state.frontend;
        let longest = frontend.limits(&asked.tenants).max_search_duration;
        let request = Search::parse(&asked.params, frontend.settings(), frontend.now(), longest)?;
        let found = frontend.search(&asked.tenants, &request).await?;
        Ok(answer::message(asked.form, &found))
    })
    .await
}

async fn tags_v1(State(state): State<ApiState>, headers: HeaderMap, raw: RawQuery) -> Response {
    query(state, Op::Metadata, &headers, raw, async |asked: Asked| {
        let frontend = &asked.state.frontend;
        let request = TagNames::parse(&asked.params, frontend.settings(), frontend.now())?;
        let found = frontend.tag_names(&asked.tenants, &request).await?;
        Ok(answer::message(asked.form, &found.version_1()))
    })
    .await
}

async fn tags_v2(State(state): State<ApiState>, headers: HeaderMap, raw: RawQuery) -> Response {
    query(state, Op::Metadata, &headers, raw, async |asked: Asked| {
        let frontend = &asked.state.frontend;
        let request = TagNames::parse(&asked.params, frontend.settings(), frontend.now())?;
        let found = frontend.tag_names(&asked.tenants, &request).await?;
        Ok(answer::message(asked.form, &found.version_2()))
    })
    .await
}

async fn values_v1(
    State(state): State<ApiState>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    raw: RawQuery,
) -> Response {
    let Some(tag) = tag_of(&uri) else {
        return not_found();
    };
    query(state, Op::Metadata, &headers, raw, async |asked: Asked| {
        let frontend = &asked.state.frontend;
        let request = TagValues::parse(&tag?, &asked.params, frontend.settings(), frontend.now())?;
        let found = frontend.tag_values_v1(&asked.tenants, &request).await?;
        Ok(answer::message(asked.form, &found))
    })
    .await
}

async fn values_v2(
    State(state): State<ApiState>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    raw: RawQuery,
) -> Response {
    let Some(tag) = tag_of(&uri) else {
        return not_found();
    };
    query(state, Op::Metadata, &headers, raw, async |asked: Asked| {
        let frontend = &asked.state.frontend;
        let request = TagValues::parse(&tag?, &asked.params, frontend.settings(), frontend.now())?;
        let found = frontend.tag_values_v2(&asked.tenants, &request).await?;
        Ok(answer::tag_values(asked.form, &found))
    })
    .await
}

async fn query_range(State(state): State<ApiState>, headers: HeaderMap, raw: RawQuery) -> Response {
    query(state, Op::Metrics, &headers, raw, async |asked: Asked| {
        let frontend = &asked.state.frontend;
        let longest = frontend.limits(&asked.tenants).max_metrics_duration;
        let request = Metrics::range(&asked.params, frontend.settings(), frontend.now(), longest)?;
        let found = frontend.query_range(&asked.tenants, request).await?;
        // Metrics are JSON whatever a client accepts, as in Tempo.
        document(json::range(&found))
    })
    .await
}

async fn query_instant(
    State(state): State<ApiState>,
    headers: HeaderMap,
    raw: RawQuery,
) -> Response {
    query(state, Op::Metrics, &headers, raw, async |asked: Asked| {
        let frontend = &asked.state.frontend;
        let longest = frontend.limits(&asked.tenants).max_metrics_duration;
        let request =
            Metrics::instant(&asked.params, frontend.settings(), frontend.now(), longest)?;
        let found = frontend.query_instant(&asked.tenants, request).await?;
        document(json::instant(&found))
    })
    .await
}

fn document(json: Result<Vec<u8>, serde_json::Error>) -> Result<Response, Failure> {
    json.map(answer::json).map_err(|error| {
        Failure::Internal(format!("the answer cannot be written as JSON: {error}"))
    })
}

/// The tag of `…/search/tag/{tag}/values`, which may itself contain slashes, escaped or not.
fn tag_of(uri: &Uri) -> Option<Result<String, Invalid>> {
    let (_, rest) = uri.path().split_once("/search/tag/")?;
    let tag = if rest == "values" {
        ""
    } else {
        rest.strip_suffix("/values")?
    };
    Some(unescape(tag, false).ok_or_else(|| {
        Invalid::rule("please provide a valid tagName: it is not properly URL-escaped")
    }))
}

fn not_found() -> Response {
    answer::text(StatusCode::NOT_FOUND, "404 page not found\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_may_hold_slashes_and_escapes() {
        let tag = |path: &str| tag_of(&path.parse().unwrap()).map(Result::unwrap);
        assert_eq!(
            tag("/api/search/tag/service.name/values").as_deref(),
            Some("service.name")
        );
        assert_eq!(
            tag("/p/api/v2/search/tag/span.a%2Fb/values").as_deref(),
            Some("span.a/b")
        );
        assert_eq!(
            tag("/api/v2/search/tag/.a/values/b/values").as_deref(),
            Some(".a/values/b")
        );
        assert_eq!(
            tag("/api/search/tag/x%2Fvalues"),
            None,
            "an escaped slash is part of the name"
        );
        assert_eq!(tag("/api/search/tag//values").as_deref(), Some(""));
    }
}
