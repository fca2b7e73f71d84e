//! Answers for language models (`application/vnd.grafana.llm`): the same facts in fewer words. Ids are
//! hex, attribute values are plain JSON, a trace is services with scopes with spans.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use serde::Serialize;
use serde_json::{Map, Value as Json};
use takt_wire::tempopb::{
    MetadataMetrics, SearchTagValuesV2Response, Trace as Wire, TraceByIdMetrics,
};

use super::value::{attributes, hex, object};

/// A trace as version 2 of trace by id answers it.
#[derive(Debug, Serialize)]
pub(crate) struct Found<'a> {
    trace: Trace<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics: Option<Json>,
    status: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    message: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Trace<'a> {
    trace_id: String,
    services: Vec<Service<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Service<'a> {
    #[serde(skip_serializing_if = "String::is_empty")]
    service_name: String,
    #[serde(skip_serializing_if = "Map::is_empty")]
    resource: Map<String, Json>,
    scopes: Vec<Scope<'a>>,
}

#[derive(Debug, Serialize)]
struct Scope<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    version: &'a str,
    spans: Vec<LlmSpan<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LlmSpan<'a> {
    span_id: String,
    name: &'a str,
    #[serde(skip_serializing_if = "String::is_empty")]
    parent_span_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_time_unix_nano: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time_unix_nano: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<f64>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    attributes: Map<String, Json>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    events: Vec<Event<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<Link>,
    status: Status<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_unix_nano: Option<String>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    attributes: Map<String, Json>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Link {
    trace_id: String,
    span_id: String,
    #[serde(skip_serializing_if = "Map::is_empty")]
    attributes: Map<String, Json>,
}

#[derive(Debug, Serialize)]
struct Status<'a> {
    code: String,
    message: &'a str,
}

/// The trace with metrics and status around it; `None` when there is no span to tell of.
pub(crate) fn found<'a>(
    trace: &'a Wire,
    metrics: &TraceByIdMetrics,
    message: &'a str,
) -> Option<Found<'a>> {
    let id = trace
        .resource_spans
        .iter()
        .flat_map(|group| &group.scope_spans)
        .flat_map(|scope| &scope.spans)
        .map(|span| hex(&span.trace_id))
        .next()?;
    Some(Found {
        trace: Trace {
            trace_id: id,
            services: trace.resource_spans.iter().map(service).collect(),
        },
        metrics: metrics_of(
            &[
                ("inspectedBytes", metrics.inspected_bytes),
                ("backendReads", metrics.backend_reads),
                ("backendBytes", metrics.backend_bytes),
            ],
            &metrics.additional_metrics,
        ),
        status: if message.is_empty() {
            "COMPLETE"
        } else {
            "PARTIAL"
        },
        message,
    })
}

fn service(group: &ResourceSpans) -> Service<'_> {
    let mut resource = group
        .resource
        .as_ref()
        .map(|resource| plain(&resource.attributes))
        .unwrap_or_default();
    let service_name = match resource.remove("service.name") {
        Some(Json::String(name)) => name,
        _ => String::new(),
    };
    Service {
        service_name,
        resource,
        scopes: group.scope_spans.iter().map(scope).collect(),
    }
}

fn scope(group: &ScopeSpans) -> Scope<'_> {
    let scope = group.scope.as_ref();
    Scope {
        name: scope.map_or("", |scope| &scope.name),
        version: scope.map_or("", |scope| &scope.version),
        spans: group.spans.iter().map(span).collect(),
    }
}

fn span(span: &Span) -> LlmSpan<'_> {
    let (start, end) = (span.start_time_unix_nano, span.end_time_unix_nano);
    let status = span.status.as_ref();
    LlmSpan {
        span_id: hex(&span.span_id),
        name: &span.name,
        parent_span_id: hex(&span.parent_span_id),
        kind: (span.kind != 0).then(|| {
            SpanKind::try_from(span.kind).map_or_else(
                |_| span.kind.to_string(),
                |kind| kind.as_str_name().to_owned(),
            )
        }),
        start_time_unix_nano: moment(start),
        end_time_unix_nano: moment(end),
        duration_ms: (start > 0 && end > 0 && start != end).then(|| millis(start, end)),
        attributes: plain(&span.attributes),
        events: span
            .events
            .iter()
            .map(|event| Event {
                name: &event.name,
                time_unix_nano: moment(event.time_unix_nano),
                attributes: plain(&event.attributes),
            })
            .collect(),
        links: span
            .links
            .iter()
            .map(|link| Link {
                trace_id: hex(&link.trace_id),
                span_id: hex(&link.span_id),
                attributes: plain(&link.attributes),
            })
            .collect(),
        status: Status {
            code: status.map_or_else(
                || StatusCode::Unset.as_str_name().to_owned(),
                |status| {
                    StatusCode::try_from(status.code).map_or_else(
                        |_| status.code.to_string(),
                        |code| code.as_str_name().to_owned(),
                    )
                },
            ),
            message: status
                .filter(|status| status.code != 0)
                .map_or("", |status| &status.message),
        },
    }
}

fn plain(list: &[KeyValue]) -> Map<String, Json> {
    object(&attributes(list), hex)
}

/// As text, because JavaScript's numbers do not hold nanoseconds; absent when zero.
fn moment(nanos: u64) -> Option<String> {
    (nanos > 0).then(|| nanos.to_string())
}

/// Negative for a span that ends before it starts.
#[expect(
    clippy::cast_precision_loss,
    reason = "a duration in milliseconds keeps its microseconds for centuries"
)]
fn millis(start: u64, end: u64) -> f64 {
    end.wrapping_sub(start).cast_signed() as f64 / 1e6
}

/// The values of a tag by their type.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TagValues<'a> {
    tag_values: BTreeMap<&'a str, Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics: Option<Json>,
}

pub(crate) fn tag_values(answer: &SearchTagValuesV2Response) -> TagValues<'_> {
    let mut tag_values = BTreeMap::<&str, Vec<&str>>::new();
    for value in &answer.tag_values {
        tag_values
            .entry(&value.r#type)
            .or_default()
            .push(&value.value);
    }
    TagValues {
        tag_values,
        metrics: answer.metrics.as_ref().and_then(metadata_metrics),
    }
}

fn metadata_metrics(metrics: &MetadataMetrics) -> Option<Json> {
    metrics_of(
        &[
            ("inspectedBytes", metrics.inspected_bytes),
            ("totalJobs", metrics.total_jobs.into()),
            ("completedJobs", metrics.completed_jobs.into()),
            ("totalBlocks", metrics.total_blocks.into()),
            ("totalBlockBytes", metrics.total_block_bytes),
            ("backendReads", metrics.backend_reads),
            ("backendBytes", metrics.backend_bytes),
        ],
        &metrics.additional_metrics,
    )
}

/// Numbers that are not zero, unless all are.
fn metrics_of(numbers: &[(&str, u64)], additional: &BTreeMap<String, i64>) -> Option<Json> {
    let mut metrics: Map<String, Json> = numbers
        .iter()
        .filter(|(_, number)| *number > 0)
        .map(|(name, number)| ((*name).to_owned(), Json::from(*number)))
        .collect();
    if !additional.is_empty() {
        let additional: Map<String, Json> = additional
            .iter()
            .map(|(name, number)| (name.clone(), Json::from(*number)))
            .collect();
        metrics.insert("additionalMetrics".to_owned(), Json::Object(additional));
    }
    (!metrics.is_empty()).then_some(Json::Object(metrics))
}

#[cfg(test)]
mod tests;
