//! What an operator looks at: readiness, metrics, versions, configuration, limits.

use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write as _;

use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::any;
use axum::{Json, Router};
use chrono::DateTime;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;
use takt_control::View;
use takt_model::{Limits, TenantId, UnixNano};

use super::ApiState;
use crate::answer;

type Text = Box<dyn Fn() -> String + Send + Sync>;

/// What the binary tells of itself; asked anew with every request.
pub struct Pages {
    pub build: BuildInfo,
    /// `Err` with the reason while the process should get no traffic; else what there is to say beside `ready`.
    pub ready: Box<dyn Fn() -> Result<String, String> + Send + Sync>,
    /// The registry in the OpenMetrics text format.
    pub metrics: Text,
    /// One line for each role: its name and state.
    pub services: Text,
    /// The effective configuration as YAML, secrets masked.
    pub config: Text,
}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages")
            .field("build", &self.build)
            .finish_non_exhaustive()
    }
}

/// `/api/status/buildinfo`; Grafana decides by `version` what it may ask.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BuildInfo {
    pub version: String,
    pub revision: String,
    pub branch: String,
    pub build_user: String,
    pub build_date: String,
    pub go_version: String,
}

/// The routes that exist, in the order `/status/endpoints` lists them, with Tempo's names for metrics.
const ROUTES: [(&str, &str); 22] = [
    ("/api/traces/{id}", "api_traces_traceid"),
    ("/api/v2/traces/{id}", "api_v2_traces_traceid"),
    ("/api/v2/traces/diff", "api_v2_traces_diff"),
    ("/api/search", "api_search"),
    ("/api/search/tags", "api_search_tags"),
    ("/api/v2/search/tags", "api_v2_search_tags"),
    ("/api/search/tag/{*rest}", "api_search_tag_tagname_values"),
    (
        "/api/v2/search/tag/{*rest}",
        "api_v2_search_tag_tagname_values",
    ),
    ("/api/metrics/query_range", "api_metrics_query_range"),
    ("/api/metrics/query", "api_metrics_query"),
    ("/api/mcp", "api_mcp"),
    ("/api/echo", "api_echo"),
    ("/api/status/buildinfo", "api_status_buildinfo"),
    ("/ready", "ready"),
    ("/metrics", "metrics"),
    ("/status", "status"),
    ("/status/version", "status_version"),
    ("/status/services", "status_services"),
    ("/status/endpoints", "status_endpoints"),
    ("/status/config", "status_config"),
    ("/status/runtime_config", "status_runtime_config"),
    ("/status/overrides", "status_overrides"),
];

/// The name of a route in metrics: Tempo's, so that its dashboards find it.
pub(super) fn route_name(matched: &str) -> &'static str {
    let known = ROUTES.iter().filter(|(route, _)| matched.ends_with(route));
    // The longest, because `/api/search/tags` is the end of no other but `/ready` may be of a prefix.
    known
        .max_by_key(|(route, _)| route.len())
        .map_or("other", |(_, name)| name)
}

pub(super) fn router() -> Router<ApiState> {
    Router::new()
        .route(
            "/api/status/buildinfo",
            any(async |State(state): State<ApiState>| Json(state.pages.build.clone())),
        )
        .route("/ready", any(ready))
        .route("/metrics", any(metrics))
        .route("/status", any(all))
        .route(
            "/status/version",
            any(async |State(state): State<ApiState>| page(version(&state))),
        )
        .route(
            "/status/services",
            any(async |State(state): State<ApiState>| page((state.pages.services)())),
        )
        .route(
            "/status/endpoints",
            any(async |State(state): State<ApiState>| page(endpoints(&state))),
        )
        .route(
            "/status/config",
            any(async |State(state): State<ApiState>| page(config(&state))),
        )
        .route("/status/runtime_config", any(runtime_config))
        .route("/status/overrides", any(overrides))
        .route("/status/overrides/{tenant}", any(overrides_of))
}

async fn ready(State(state): State<ApiState>) -> Response {
    match (state.pages.ready)() {
        Ok(more) => answer::text(StatusCode::OK, format!("ready\n{more}")),
        Err(reason) => answer::text(StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
    }
}

async fn metrics(State(state): State<ApiState>) -> Response {
    let mut response = page((state.pages.metrics)());
    let form =
        HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, form);
    response
}

async fn all(State(state): State<ApiState>) -> Response {
    let view = state.frontend.view();
    let sections = [
        ("version", version(&state)),
        ("services", (state.pages.services)()),
        ("endpoints", endpoints(&state)),
        ("config", config(&state)),
        ("runtime_config", runtime_yaml(&view, false)),
    ];
    page(
        sections
            .into_iter()
            .fold(String::new(), |mut out, (name, text)| {
                let _ = writeln!(out, "GET /status/{name}\n{text}");
                out
            }),
    )
}

async fn runtime_config(
    State(state): State<ApiState>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    let diff = query.get("mode").is_some_and(|mode| mode == "diff");
    page(runtime_yaml(&state.frontend.view(), diff))
}

fn version(state: &ApiState) -> String {
    let BuildInfo {
        version,
        revision,
        branch,
        ..
    } = &state.pages.build;
    format!("takt, version {version} (branch: {branch}, revision: {revision})\n")
}

fn endpoints(state: &ApiState) -> String {
    let prefix = state
        .frontend
        .settings()
        .http_api_prefix
        .trim_end_matches('/');
    ROUTES.iter().fold(String::new(), |mut out, (route, _)| {
        let prefix = if route.starts_with("/api/") && *route != "/api/status/buildinfo" {
            prefix
        } else {
            ""
        };
        let _ = writeln!(out, "{prefix}{}", route.replace("{*rest}", "{name}/values"));
        out
    })
}

fn config(state: &ApiState) -> String {
    format!("---\n{}", (state.pages.config)())
}

/// The limits in force; with `diff` only what differs from the defaults.
fn runtime_yaml(view: &View, diff: bool) -> String {
    let mut out = String::from("---\noverrides:\n");
    if !diff {
        push_limits(&mut out, "\"*\"", &view.defaults, None);
    }
    for (tenant, known) in &view.tenants {
        push_limits(
            &mut out,
            &format!("{:?}", tenant.as_str()),
            &known.limits,
            diff.then_some(&*view.defaults),
        );
    }
    out
}

fn push_limits(out: &mut String, tenant: &str, limits: &Limits, except: Option<&Limits>) {
    let except = except.map_or_else(Vec::new, Limits::entries);
    let _ = writeln!(out, "  {tenant}:");
    for entry in limits
        .entries()
        .into_iter()
        .filter(|entry| !except.contains(entry))
    {
        let _ = writeln!(out, "    {}: {}", entry.0, entry.1);
    }
}

async fn overrides(State(state): State<ApiState>, headers: HeaderMap) -> Response {
    let view = state.frontend.view();
    let tenants: Vec<&str> = view.tenants.keys().map(TenantId::as_str).collect();
    if wants_json(&headers) {
        return json(
            &serde_json::json!({ "now": rfc3339(state.frontend.now()), "tenants": tenants }),
        );
    }
    let rows = tenants.iter().fold(String::new(), |mut out, tenant| {
        let shown = html(tenant);
        let _ = writeln!(
            out,
            "<li><a href=\"/status/overrides/{shown}\">{shown}</a></li>"
        );
        out
    });
    html_page(
        "Overrides",
        &format!(
            "<p>At revision {}.</p>\n<ul>\n{rows}</ul>\n",
            view.revision.0
        ),
    )
}

async fn overrides_of(
    State(state): State<ApiState>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
) -> Response {
    let tenant = match TenantId::new(&tenant) {
        Ok(tenant) => tenant,
        Err(error) => return answer::text(StatusCode::BAD_REQUEST, error.to_string()),
    };
    let view = state.frontend.view();
    let limits =
        view.limits(&tenant)
            .entries()
            .into_iter()
            .fold(String::new(), |mut out, (name, value)| {
                let _ = writeln!(out, "{name}: {value}");
                out
            });
    let using_default = !view.tenants.contains_key(&tenant);
    if wants_json(&headers) {
        return json(&serde_json::json!({
            "now": rfc3339(state.frontend.now()),
            "tenant": tenant.as_str(),
            "user_configurable_overrides": "",
            "runtime_overrides": limits,
            "using_default_or_wildcard_runtime_overrides": using_default,
        }));
    }
    html_page(
        &format!("Overrides of {}", html(tenant.as_str())),
        &format!("<pre>{}</pre>\n", html(&limits)),
    )
}

fn wants_json(headers: &HeaderMap) -> bool {
    headers
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accept| accept.contains("application/json"))
}

fn rfc3339(moment: UnixNano) -> String {
    DateTime::from_timestamp_nanos(moment.0.cast_signed()).to_rfc3339()
}

fn page(text: String) -> Response {
    answer::text(StatusCode::OK, text)
}

fn json(value: &serde_json::Value) -> Response {
    let mut response = page(value.to_string());
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn html_page(title: &str, body: &str) -> Response {
    let mut response = page(format!(
        "<!doctype html>\n<title>{title}</title>\n<h1>{title}</h1>\n{body}"
    ));
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    response
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_have_tempos_names_under_any_prefix() {
        assert_eq!(route_name("/api/search"), "api_search");
        assert_eq!(
            route_name("/tempo/api/v2/search/tag/{*rest}"),
            "api_v2_search_tag_tagname_values"
        );
        assert_eq!(route_name("/status/overrides/{tenant}"), "other");
    }
}
