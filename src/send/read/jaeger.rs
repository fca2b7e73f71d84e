//! Jaeger's JSON: `{data: [trace]}`, `{data: trace}`, a bare trace, or an array of traces, where a
//! trace is `{spans, processes}`.
//!
//! Mapped as OpenTelemetry's specification says, backwards: the process is the resource, typed tags
//! are attributes, logs are events named by their `event` or `message` field, `span.kind`, `error`
//! and `otel.*` tags become the fields they stand for. The parent is the first `CHILD_OF` reference
//! into the same trace, or else the first `FOLLOWS_FROM`; the other references are links.

use std::collections::BTreeMap;

use anyhow::Context as _;
use base64::Engine as _;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span, Status};
use serde::Deserialize;
use serde_json::Value;

use super::attributes::{Grouped, attribute, from_json, text};
use super::ids::{span_id, trace_id};

#[derive(Deserialize)]
struct Trace {
    spans: Vec<Jaeger>,
    #[serde(default)]
    processes: BTreeMap<String, Process>,
}

#[derive(Deserialize, Clone)]
#[serde(rename_all = "camelCase")]
struct Process {
    service_name: String,
    #[serde(default)]
    tags: Option<Vec<Tag>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Jaeger {
    #[serde(rename = "traceID")]
    trace: String,
    #[serde(rename = "spanID")]
    span: String,
    #[serde(rename = "parentSpanID", default)]
    parent: Option<String>,
    operation_name: String,
    #[serde(default)]
    references: Option<Vec<Reference>>,
    start_time: u64,
    duration: u64,
    #[serde(default)]
    tags: Option<Vec<Tag>>,
    #[serde(default)]
    logs: Option<Vec<Log>>,
    #[serde(rename = "processID", default)]
    process_id: Option<String>,
    #[serde(default)]
    process: Option<Process>,
}

#[derive(Deserialize)]
struct Reference {
    #[serde(rename = "refType")]
    kind: String,
    #[serde(rename = "traceID")]
    trace: String,
    #[serde(rename = "spanID")]
    span: String,
}

#[derive(Deserialize, Clone)]
struct Tag {
    key: String,
    #[serde(rename = "type", default)]
    kind: String,
    value: Value,
}

#[derive(Deserialize)]
struct Log {
    timestamp: u64,
    #[serde(default)]
    fields: Vec<Tag>,
}

pub(super) fn read(json: &[u8]) -> anyhow::Result<Vec<ResourceSpans>> {
    let mut grouped = Grouped::default();
    for (number, trace) in traces(json)?.into_iter().enumerate() {
        for jaeger in trace.spans {
            let named = jaeger
                .process_id
                .as_ref()
                .and_then(|id| trace.processes.get(id));
            let process = named.or(jaeger.process.as_ref()).cloned();
            // The same process id means another process in another trace.
            let key = format!(
                "{number} {}",
                jaeger.process_id.as_deref().unwrap_or_default()
            );
            let (scope, span) = span(jaeger);
            let resource = || process.map(resource).unwrap_or_default();
            grouped.add(&key, resource, (&scope.0, &scope.1), span);
        }
    }
    Ok(grouped.finish())
}

fn traces(json: &[u8]) -> anyhow::Result<Vec<Trace>> {
    let mut traces = Vec::new();
    for value in super::values(json) {
        let mut value = value?;
        let data = match value.get_mut("data") {
            Some(data) => data.take(),
            None => value,
        };
        let several = match data {
            Value::Array(several) => several,
            one => vec![one],
        };
        for trace in several {
            traces.push(serde_json::from_value(trace).context("it holds no trace of Jaeger's")?);
        }
    }
    Ok(traces)
}

fn resource(process: Process) -> Vec<KeyValue> {
    let mut all = vec![text("service.name", process.service_name)];
    all.extend(
        process
            .tags
            .unwrap_or_default()
            .iter()
            .filter_map(converted),
    );
    all
}

/// The span with the name and version of its scope.
fn span(jaeger: Jaeger) -> ((String, String), Span) {
    let mut scope = (String::new(), String::new());
    let (parent, links) = relations(&jaeger);
    let mut span = Span {
        trace_id: trace_id(&jaeger.trace),
        span_id: span_id(&jaeger.span),
        parent_span_id: span_id(parent.unwrap_or_default()),
        name: jaeger.operation_name.clone(),
        kind: 0,
        start_time_unix_nano: nanos(jaeger.start_time),
        end_time_unix_nano: nanos(jaeger.start_time.saturating_add(jaeger.duration)),
        links,
        ..Span::default()
    };
    for tag in jaeger.tags.unwrap_or_default() {
        let words = tag.value.as_str().unwrap_or_default();
        match tag.key.as_str() {
            "span.kind" => span.kind = kind(words),
            "otel.library.name" | "otel.scope.name" => words.clone_into(&mut scope.0),
            "otel.library.version" | "otel.scope.version" => words.clone_into(&mut scope.1),
            "otel.status_code" => status(&mut span).code = if words == "ERROR" { 2 } else { 1 },
            "otel.status_description" => words.clone_into(&mut status(&mut span).message),
            "w3c.tracestate" => words.clone_into(&mut span.trace_state),
            "error" if is_true(&tag.value) => status(&mut span).code = 2,
            _ => span.attributes.extend(converted(&tag)),
        }
    }
    span.events = jaeger
        .logs
        .unwrap_or_default()
        .into_iter()
        .map(event)
        .collect();
    (scope, span)
}

fn nanos(micros: u64) -> u64 {
    micros.saturating_mul(1_000)
}

fn status(span: &mut Span) -> &mut Status {
    span.status.get_or_insert_default()
}

fn is_true(value: &Value) -> bool {
    *value == Value::Bool(true) || value.as_str() == Some("true")
}

fn kind(name: &str) -> i32 {
    match name {
        "internal" => 1,
        "server" => 2,
        "client" => 3,
        "producer" => 4,
        "consumer" => 5,
        _ => 0,
    }
}

/// The parent's id, and links for every other reference.
fn relations(jaeger: &Jaeger) -> (Option<&str>, Vec<Link>) {
    let references = jaeger.references.as_deref().unwrap_or_default();
    let first = |kind| {
        references
            .iter()
            .position(|other| other.kind == kind && other.trace == jaeger.trace)
    };
    let parent = first("CHILD_OF").or_else(|| first("FOLLOWS_FROM"));
    let links = references
        .iter()
        .enumerate()
        .filter(|(at, _)| Some(*at) != parent)
        .map(|(_, other)| link(other))
        .collect();
    let id = match parent {
        Some(at) => Some(references[at].span.as_str()),
        None => jaeger.parent.as_deref(),
    };
    (id, links)
}

fn link(other: &Reference) -> Link {
    let kind = match other.kind.as_str() {
        "CHILD_OF" => "child_of",
        _ => "follows_from",
    };
    Link {
        trace_id: trace_id(&other.trace),
        span_id: span_id(&other.span),
        attributes: vec![text("opentracing.ref_type", kind)],
        ..Link::default()
    }
}

fn event(log: Log) -> Event {
    let name = ["event", "message"]
        .iter()
        .find_map(|name| log.fields.iter().position(|field| field.key == *name));
    Event {
        time_unix_nano: nanos(log.timestamp),
        name: name
            .map(|at| match &log.fields[at].value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            })
            .unwrap_or_default(),
        attributes: log
            .fields
            .iter()
            .enumerate()
            .filter(|(at, _)| Some(*at) != name)
            .filter_map(|(_, field)| converted(field))
            .collect(),
        ..Event::default()
    }
}

/// A tag of the type it names; numbers may be written as texts.
fn converted(tag: &Tag) -> Option<KeyValue> {
    let words = tag.value.as_str();
    let typed = match tag.kind.as_str() {
        "int64" => words.and_then(|text| text.parse().ok()).map(Any::IntValue),
        "float64" => words
            .map_or_else(|| tag.value.as_f64(), |text| text.parse().ok())
            .map(Any::DoubleValue),
        "bool" => words.and_then(|text| text.parse().ok()).map(Any::BoolValue),
        "binary" => words
            .and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok())
            .map(Any::BytesValue),
        _ => None,
    };
    Some(attribute(
        &tag.key,
        typed.or_else(|| from_json(&tag.value))?,
    ))
}
