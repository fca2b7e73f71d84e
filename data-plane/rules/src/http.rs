//! `/prometheus/api/v1/rules` and `/alerts`, in Prometheus' shape: a Grafana data source of type
//! Prometheus at `…/prometheus` shows the rules and their alerts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderMap, StatusCode};
use axum::extract::{Query, State as Shared};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use serde_json::{Value, json};
use takt_control::ViewHandle;
use takt_model::rules::{AlertRule, Purpose, RecordRule, Rule};
use takt_model::{TenantId, UnixNano};

use crate::alert::{Alert, Alerts, Phase};
use crate::group::{Health, Standing, State};
use crate::labels::Labels;
use crate::moment::rfc3339;
use crate::ruler::{Board, Shown};

const TENANT_HEADER: &str = "x-scope-orgid";

#[derive(Debug, Clone)]
struct Pages {
    board: Board,
    view: ViewHandle,
    multitenancy: bool,
}

/// The status pages of the rules on `board`.
pub fn router(board: Board, view: ViewHandle, multitenancy: bool) -> Router {
    Router::new()
        .route("/prometheus/api/v1/rules", get(rules))
        .route("/prometheus/api/v1/alerts", get(alerts))
        .with_state(Pages {
            board,
            view,
            multitenancy,
        })
}

async fn rules(
    Shared(pages): Shared<Pages>,
    headers: HeaderMap,
    Query(parameters): Query<Vec<(String, String)>>,
) -> Response {
    let chosen = match Choice::new(&parameters) {
        Ok(chosen) => chosen,
        Err(problem) => return refusal(StatusCode::BAD_REQUEST, &problem),
    };
    let groups = match pages.groups(&headers) {
        Ok(groups) => groups,
        Err(refused) => return refused,
    };
    let groups: Vec<_> = groups
        .iter()
        .filter_map(|shown| chosen.group(shown))
        .collect();
    success(json!({ "groups": groups }))
}

async fn alerts(Shared(pages): Shared<Pages>, headers: HeaderMap) -> Response {
    let groups = match pages.groups(&headers) {
        Ok(groups) => groups,
        Err(refused) => return refused,
    };
    let rules = groups.iter().flat_map(|shown| shown.group.rules());
    let alerts = rules.filter_map(|(_, standing)| match &standing.state {
        State::Alerts(alerts) => Some(shown_alerts(alerts)),
        State::Recorded(_) => None,
    });
    let alerts: Vec<_> = alerts.flatten().collect();
    success(json!({ "alerts": alerts }))
}

impl Pages {
    #[expect(
        clippy::result_large_err,
        reason = "the error is the response that is sent"
    )]
    fn groups(&self, headers: &HeaderMap) -> Result<Vec<Arc<Shown>>, Response> {
        if !self.multitenancy {
            return Ok(self.board.of(&TenantId::single()));
        }
        let header = headers.get(TENANT_HEADER);
        let header = header.and_then(|value| value.to_str().ok());
        let Some(header) = header.filter(|value| !value.is_empty()) else {
            return Err(refusal(StatusCode::UNAUTHORIZED, "no org id"));
        };
        let tenant = TenantId::new(header)
            .map_err(|error| refusal(StatusCode::BAD_REQUEST, &error.to_string()))?;
        let admitted = self.view.load().admit(&tenant);
        admitted.map_err(|reject| refusal(reject.code.http(), &reject.message))?;
        Ok(self.board.of(&tenant))
    }
}

/// Which rules are asked for. No names are all names.
#[derive(Debug)]
struct Choice<'a> {
    alerting: bool,
    recording: bool,
    rule_names: Vec<&'a str>,
    group_names: Vec<&'a str>,
    with_alerts: bool,
}

impl<'a> Choice<'a> {
    fn new(parameters: &'a [(String, String)]) -> Result<Self, String> {
        let named = |name: &str| -> Vec<&'a str> {
            let those = parameters.iter().filter(|(of, _)| of == name);
            those.map(|(_, value)| value.as_str()).collect()
        };
        let (alerting, recording) = match named("type").first().copied() {
            None | Some("") => (true, true),
            Some("alert") => (true, false),
            Some("record") => (false, true),
            Some(other) => return Err(format!("not supported value {other:?}")),
        };
        Ok(Self {
            alerting,
            recording,
            rule_names: named("rule_name[]"),
            group_names: named("rule_group[]"),
            with_alerts: named("exclude_alerts").first() != Some(&"true"),
        })
    }

    /// A group with those of its rules that are asked for; nothing if there are none.
    fn group(&self, shown: &Shown) -> Option<GroupPage> {
        let spec = shown.group.spec();
        let among = |names: &[&str], name: &str| names.is_empty() || names.contains(&name);
        if !among(&self.group_names, &spec.name) {
            return None;
        }
        let named = shown.group.rules();
        let named = named.filter(|(rule, _)| among(&self.rule_names, rule.name()));
        let rules: Vec<_> = named
            .filter_map(|(rule, standing)| self.rule(rule, standing))
            .collect();
        let all = self.rule_names.is_empty() && self.alerting && self.recording;
        if rules.is_empty() && !all {
            return None;
        }
        let healths = || shown.group.rules().map(|(_, standing)| &standing.health);
        let took: Duration = healths().map(|health| health.took).sum();
        Some(GroupPage {
            name: spec.name.clone(),
            file: "overrides",
            interval: shown.interval.as_secs_f64(),
            limit: spec.series_max(),
            rules,
            evaluation_time: took.as_secs_f64(),
            last_evaluation: moment(healths().filter_map(|health| health.evaluated_at).max()),
        })
    }

    fn rule(&self, rule: &Rule, standing: &Standing) -> Option<RulePage> {
        let (kind, state) = match (&rule.purpose, &standing.state) {
            (Purpose::Alert(alert), State::Alerts(alerts)) if self.alerting => {
                ("alerting", self.alerting(alert, alerts))
            }
            (Purpose::Record(record), _) if self.recording => ("recording", recording(record)),
            (Purpose::Alert(_) | Purpose::Record(_), _) => return None,
        };
        let Health {
            evaluated_at,
            took,
            error,
        } = &standing.health;
        let health = match (evaluated_at, error) {
            (None, _) => "unknown",
            (Some(_), None) => "ok",
            (Some(_), Some(_)) => "err",
        };
        Some(RulePage {
            name: rule.name().to_owned(),
            query: rule.expr.clone(),
            kind,
            health,
            last_error: error.clone(),
            evaluation_time: took.as_secs_f64(),
            last_evaluation: moment(*evaluated_at),
            state,
        })
    }

    fn alerting(&self, rule: &AlertRule, alerts: &Alerts) -> StatePage {
        let state = if alerts.is_firing() {
            "firing"
        } else if alerts.active().next().is_some() {
            "pending"
        } else {
            "inactive"
        };
        let texts = |templates: &BTreeMap<String, takt_model::rules::Template>| {
            let texts = templates.iter();
            texts
                .map(|(name, template)| (name.clone(), template.to_string()))
                .collect()
        };
        StatePage::Alerting {
            state,
            duration: rule.hold.as_secs_f64(),
            keep_firing_for: rule.keep_firing.as_secs_f64(),
            labels: texts(&rule.labels),
            annotations: texts(&rule.annotations),
            alerts: if self.with_alerts {
                shown_alerts(alerts).collect()
            } else {
                Vec::new()
            },
        }
    }
}

fn recording(rule: &RecordRule) -> StatePage {
    StatePage::Recording {
        labels: rule.labels.clone(),
    }
}

fn shown_alerts(alerts: &Alerts) -> impl Iterator<Item = AlertPage> + use<'_> {
    alerts
        .active()
        .map(|(labels, alert)| AlertPage::new(labels, alert))
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct GroupPage {
    name: String,
    /// Prometheus' groups are in files; these are not.
    file: &'static str,
    interval: f64,
    limit: usize,
    rules: Vec<RulePage>,
    evaluation_time: f64,
    last_evaluation: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RulePage {
    name: String,
    query: String,
    #[serde(rename = "type")]
    kind: &'static str,
    health: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
    evaluation_time: f64,
    last_evaluation: String,
    #[serde(flatten)]
    state: StatePage,
}

#[derive(Debug, Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
enum StatePage {
    Alerting {
        state: &'static str,
        duration: f64,
        keep_firing_for: f64,
        labels: BTreeMap<String, String>,
        annotations: BTreeMap<String, String>,
        alerts: Vec<AlertPage>,
    },
    Recording {
        labels: BTreeMap<String, String>,
    },
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AlertPage {
    labels: Labels,
    annotations: BTreeMap<String, String>,
    state: &'static str,
    active_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_firing_since: Option<String>,
    value: String,
}

impl AlertPage {
    fn new(labels: &Labels, alert: &Alert) -> Self {
        let (state, missing_since) = match alert.phase {
            Phase::Pending => ("pending", None),
            Phase::Firing { missing_since, .. } => ("firing", missing_since),
            Phase::Resolved { .. } => ("inactive", None),
        };
        Self {
            labels: labels.clone(),
            annotations: alert.annotations.clone(),
            state,
            active_at: rfc3339(alert.active_at),
            keep_firing_since: missing_since.map(rfc3339),
            value: format!("{:e}", alert.value),
        }
    }
}

/// Go's zero time stands for never.
fn moment(moment: Option<UnixNano>) -> String {
    moment.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), rfc3339)
}

fn success(data: Value) -> Response {
    Json(json!({ "status": "success", "data": data })).into_response()
}

fn refusal(status: StatusCode, problem: &str) -> Response {
    let body = json!({ "status": "error", "errorType": "bad_data", "error": problem });
    (status, Json(body)).into_response()
}

#[cfg(test)]
mod tests;
