//! Flat JSON spans, one after the other, with the field names of OTLP in snake case and plain
//! attribute maps (F5's otlp-arrow data). Nulls are absent; there is no resource.

use anyhow::Context as _;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span, Status};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::attributes::{Grouped, attribute, from_json};
use super::ids::{span_id, trace_id};

#[derive(Deserialize)]
struct Flat {
    trace_id: String,
    span_id: String,
    parent_span_id: Option<String>,
    trace_state: Option<String>,
    name: Option<String>,
    kind: Option<i32>,
    start_time_unix_nano: u64,
    end_time_unix_nano: Option<u64>,
    attributes: Option<Map<String, Value>>,
    status: Option<FlatStatus>,
}

#[derive(Deserialize)]
struct FlatStatus {
    code: Option<i32>,
    message: Option<String>,
}

pub(super) fn read(text: &[u8]) -> anyhow::Result<Vec<ResourceSpans>> {
    let mut grouped = Grouped::default();
    for value in super::values(text) {
        let flat = serde_json::from_value(value?).context("a span lacks a field")?;
        grouped.add("", Vec::new, ("", ""), span(flat));
    }
    Ok(grouped.finish())
}

fn span(flat: Flat) -> Span {
    let attributes = flat.attributes.unwrap_or_default();
    Span {
        trace_id: trace_id(&flat.trace_id),
        span_id: span_id(&flat.span_id),
        parent_span_id: span_id(&flat.parent_span_id.unwrap_or_default()),
        trace_state: flat.trace_state.unwrap_or_default(),
        name: flat.name.unwrap_or_default(),
        kind: flat.kind.unwrap_or_default(),
        start_time_unix_nano: flat.start_time_unix_nano,
        end_time_unix_nano: flat.end_time_unix_nano.unwrap_or(flat.start_time_unix_nano),
        attributes: attributes
            .iter()
            .filter_map(|(key, value)| Some(attribute(key, from_json(value)?)))
            .collect(),
        status: flat.status.map(|status| Status {
            code: status.code.unwrap_or_default(),
            message: status.message.unwrap_or_default(),
        }),
        ..Span::default()
    }
}
