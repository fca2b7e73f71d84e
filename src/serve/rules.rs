//! Rules ask their queries of the frontend of this process.

use std::slice;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use takt_model::{TenantId, TimeRange};
use takt_query::Frontend;
use takt_query::request::Metrics;
use takt_rules::{EvaluationError, Evaluator, Sample};
use takt_wire::tempopb::PartialStatus;

/// The frontend, asked by rules.
#[derive(Debug)]
pub(super) struct Asking(pub(super) Frontend);

impl Evaluator for Asking {
    async fn instant(
        &self,
        tenant: &TenantId,
        query: &str,
        window: TimeRange,
    ) -> Result<Vec<Sample>, EvaluationError> {
        let tenants = slice::from_ref(tenant);
        let answer = self.0.query_instant(tenants, request(query, window)).await;
        let answer = answer.map_err(|failure| EvaluationError::Failed(Box::new(failure)))?;
        if answer.status() == PartialStatus::Partial {
            return Err(EvaluationError::Partial(answer.message));
        }
        let samples = answer.series.into_iter().map(|series| Sample {
            labels: series.labels.into_iter().map(label).collect(),
            value: series.value,
        });
        Ok(samples.collect())
    }
}

/// One interval as long as the window of the rule, whose first nanosecond it does not hold: rates are
/// per second of the whole window then, and no span is in two windows that follow each other.
fn request(query: &str, window: TimeRange) -> Metrics {
    Metrics {
        query: query.to_owned(),
        step: window.end.0 - window.start.0 + 1,
        window,
        instant: true,
        exemplars: 0,
        max_series: 0,
    }
}

fn label(label: KeyValue) -> (String, String) {
    (label.key, label.value.map_or_else(String::new, text))
}

/// Texts as they are, anything else as JSON.
fn text(value: AnyValue) -> String {
    match value.value {
        None => String::new(),
        Some(Value::StringValue(text)) => text,
        Some(Value::BoolValue(value)) => value.to_string(),
        Some(Value::IntValue(value)) => value.to_string(),
        Some(Value::DoubleValue(value)) => value.to_string(),
        Some(value) => serde_json::to_string(&value).unwrap_or_default(),
    }
}
