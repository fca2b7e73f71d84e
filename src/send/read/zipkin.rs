//! Zipkin's v2 JSON: an array of spans, or arrays one after the other.
//!
//! Mapped as OpenTelemetry's specification says: the local endpoint's service is the resource, tags
//! are attributes, annotations are events, endpoints become `net.host.*`, `net.peer.*` and
//! `peer.service`, an `error` tag makes the status. The server's half of a shared span keeps its id
//! and is told apart by its kind.
//!
//! Zipkin allows a span without a timestamp. It gets that of its first annotation, or else the
//! earliest of its trace, and the attribute `zipkin.timestamp.absent`.

use std::collections::HashMap;

use anyhow::Context as _;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::span::Event;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span, Status};
use serde::Deserialize;
use std::collections::BTreeMap;

use super::attributes::{Grouped, attribute, text};
use super::ids::{span_id, trace_id};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Zipkin {
    trace_id: String,
    id: String,
    parent_id: Option<String>,
    kind: Option<String>,
    name: Option<String>,
    timestamp: Option<u64>,
    duration: Option<u64>,
    local_endpoint: Option<Endpoint>,
    remote_endpoint: Option<Endpoint>,
    #[serde(default)]
    annotations: Vec<Annotation>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Endpoint {
    service_name: Option<String>,
    ipv4: Option<String>,
    ipv6: Option<String>,
    port: Option<i64>,
}

#[derive(Deserialize)]
struct Annotation {
    timestamp: u64,
    value: String,
}

pub(super) fn read(json: &[u8]) -> anyhow::Result<Vec<ResourceSpans>> {
    let mut spans: Vec<Zipkin> = Vec::new();
    for value in super::values(json) {
        let some: Vec<Zipkin> =
            serde_json::from_value(value?).context("it is not an array of Zipkin's spans")?;
        spans.extend(some);
    }
    let starts = earliest(&spans);
    let mut grouped = Grouped::default();
    for zipkin in spans {
        let service = zipkin
            .local_endpoint
            .as_ref()
            .and_then(|endpoint| endpoint.service_name.clone())
            .unwrap_or_default();
        let resource = || match service.as_str() {
            "" => Vec::new(),
            name => vec![text("service.name", name)],
        };
        let fallback = starts.get(&zipkin.trace_id).copied().unwrap_or_default();
        grouped.add(&service, resource, ("", ""), span(zipkin, fallback));
    }
    Ok(grouped.finish())
}

/// The earliest timestamp of each trace.
fn earliest(spans: &[Zipkin]) -> HashMap<String, u64> {
    let mut starts = HashMap::new();
    for span in spans {
        if let Some(time) = span.timestamp {
            let start = starts.entry(span.trace_id.clone()).or_insert(time);
            *start = time.min(*start);
        }
    }
    starts
}

fn span(zipkin: Zipkin, fallback: u64) -> Span {
    let first_annotation = zipkin.annotations.iter().map(|event| event.timestamp).min();
    let start = zipkin.timestamp.or(first_annotation).unwrap_or(fallback);
    let end = start.saturating_add(zipkin.duration.unwrap_or_default());
    Span {
        trace_id: trace_id(&zipkin.trace_id),
        span_id: span_id(&zipkin.id),
        parent_span_id: span_id(zipkin.parent_id.as_deref().unwrap_or_default()),
        name: zipkin.name.clone().unwrap_or_default(),
        kind: kind(zipkin.kind.as_deref()),
        start_time_unix_nano: nanos(start),
        end_time_unix_nano: nanos(end),
        status: status(&zipkin.tags),
        attributes: attributes(&zipkin),
        events: zipkin.annotations.into_iter().map(event).collect(),
        ..Span::default()
    }
}

fn nanos(micros: u64) -> u64 {
    micros.saturating_mul(1_000)
}

fn kind(name: Option<&str>) -> i32 {
    match name {
        Some("SERVER") => 2,
        Some("CLIENT") => 3,
        Some("PRODUCER") => 4,
        Some("CONSUMER") => 5,
        _ => 1,
    }
}

fn status(tags: &BTreeMap<String, String>) -> Option<Status> {
    let error = tags.get("error")?;
    let is_flag = error.is_empty() || error == "true";
    (error != "false").then(|| Status {
        code: 2,
        message: if is_flag {
            String::new()
        } else {
            error.clone()
        },
    })
}

fn event(annotation: Annotation) -> Event {
    Event {
        time_unix_nano: nanos(annotation.timestamp),
        name: annotation.value,
        ..Event::default()
    }
}

fn attributes(zipkin: &Zipkin) -> Vec<KeyValue> {
    let mut all: Vec<_> = zipkin
        .tags
        .iter()
        .map(|(key, value)| text(key, value))
        .collect();
    if let Some(local) = &zipkin.local_endpoint {
        put_address(&mut all, local, "net.host.ip", "net.host.port");
    }
    if let Some(remote) = &zipkin.remote_endpoint {
        let service = remote.service_name.as_ref().filter(|name| !name.is_empty());
        all.extend(service.map(|name| text("peer.service", name)));
        put_address(&mut all, remote, "net.peer.ip", "net.peer.port");
    }
    if zipkin.timestamp.is_none() {
        all.push(attribute("zipkin.timestamp.absent", Any::BoolValue(true)));
    }
    all
}

fn put_address(all: &mut Vec<KeyValue>, endpoint: &Endpoint, ip_key: &str, port_key: &str) {
    let ip = endpoint.ipv4.as_ref().or(endpoint.ipv6.as_ref());
    all.extend(ip.map(|ip| text(ip_key, ip)));
    let port = endpoint.port.filter(|port| *port != 0);
    all.extend(port.map(|port| attribute(port_key, Any::IntValue(port))));
}
