//! Found traces as Tempo's search answer.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use prost::Message as _;
use takt_engine::{SetHit, SpanHit, TraceHit, Value};
use takt_model::TraceId;
use takt_trace::TraceSummary;
use takt_wire::tempopb::{
    SearchMetrics, SearchResponse, ServiceStats, Span, SpanSet, TraceSearchMetadata,
};

use crate::run::Progress;

/// What stands for the service of a root span that has not arrived.
const NO_ROOT: &str = "<root span not yet received>";

/// `hits` in their order.
pub(crate) fn response(
    hits: Vec<TraceHit>,
    wholes: &BTreeMap<TraceId, TraceSummary>,
    progress: &Progress,
    left_pad: bool,
) -> SearchResponse {
    SearchResponse {
        traces: hits
            .into_iter()
            .map(|hit| trace(hit, wholes, left_pad))
            .collect(),
        metrics: Some(metrics(progress)),
    }
}

fn trace(
    hit: TraceHit,
    wholes: &BTreeMap<TraceId, TraceSummary>,
    left_pad: bool,
) -> TraceSearchMetadata {
    let alone = TraceSummary {
        id: hit.trace,
        start: hit.start,
        end: hit.end,
        ..TraceSummary::default()
    };
    let whole = wholes.get(&hit.trace).unwrap_or(&alone);
    let sets: Vec<SpanSet> = hit.sets.into_iter().map(set).collect();
    TraceSearchMetadata {
        trace_id: if left_pad {
            hit.trace.to_string()
        } else {
            hit.trace.short_hex()
        },
        root_service_name: if whole.root_service.is_empty() {
            NO_ROOT.to_owned()
        } else {
            whole.root_service.clone()
        },
        root_trace_name: whole.root_name.clone(),
        start_time_unix_nano: whole.start,
        duration_ms: u32::try_from(whole.end.saturating_sub(whole.start) / 1_000_000)
            .unwrap_or(u32::MAX),
        span_set: sets.first().cloned(),
        span_sets: sets,
        service_stats: whole
            .services
            .iter()
            .map(|(service, spans, errors)| {
                (
                    service.clone(),
                    ServiceStats {
                        span_count: *spans,
                        error_count: *errors,
                    },
                )
            })
            .collect(),
    }
}

fn set(hit: SetHit) -> SpanSet {
    SpanSet {
        matched: hit.matched,
        spans: hit.spans.into_iter().map(span).collect(),
        attributes: attributes(hit.attributes),
    }
}

fn span(hit: SpanHit) -> Span {
    Span {
        span_id: hit.span_id.to_string(),
        name: hit.name.unwrap_or_default(),
        start_time_unix_nano: hit.start,
        duration_nanos: hit.duration,
        attributes: attributes(hit.attributes),
    }
}

pub(crate) fn attributes(attributes: Vec<(String, Value)>) -> Vec<KeyValue> {
    let attribute = |(key, value)| KeyValue {
        key,
        value: Some(any_value(value)),
        ..KeyValue::default()
    };
    attributes.into_iter().map(attribute).collect()
}

pub(crate) fn any_value(value: Value) -> AnyValue {
    let value = match value {
        Value::String(text) => any_value::Value::StringValue(text),
        Value::Int(number) => any_value::Value::IntValue(number),
        Value::Float(number) => any_value::Value::DoubleValue(number),
        Value::Bool(flag) => any_value::Value::BoolValue(flag),
        // Bytes that no longer decode would be a defect of the block; the attribute then shows as empty.
        Value::Other(bytes) => return AnyValue::decode(bytes.as_slice()).unwrap_or_default(),
    };
    AnyValue { value: Some(value) }
}

/// How far a query is and what it took, as search and metrics answers say it.
///
/// Only the seven oldest counters: Grafana's data source refuses JSON that has a field it does not know,
/// and it does not know `additionalMetrics` and its neighbours (plug-in 13.1.5).
pub(crate) fn metrics(progress: &Progress) -> SearchMetrics {
    let cost = &progress.cost;
    SearchMetrics {
        inspected_traces: u32::try_from(cost.traces).unwrap_or(u32::MAX),
        inspected_bytes: cost.bytes,
        inspected_spans: cost.spans,
        total_blocks: progress.total_blocks,
        total_block_bytes: progress.total_block_bytes,
        completed_jobs: progress.completed_jobs,
        total_jobs: progress.total_jobs,
        ..SearchMetrics::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frontend::Cost;

    fn shown(whole: Option<TraceSummary>, left_pad: bool) -> TraceSearchMetadata {
        let id = TraceId::parse("bad").unwrap();
        let span = SpanHit {
            span_id: takt_model::SpanId([0, 0, 0, 0, 0, 0, 0, 0xad]),
            start: 5,
            duration: 7,
            name: Some("n".into()),
            attributes: vec![("a".into(), Value::Int(3))],
        };
        let hit = TraceHit {
            trace: id,
            start: 1_000_000,
            end: 6_000_000,
            sets: vec![SetHit {
                matched: 4,
                spans: vec![span],
                attributes: vec![("count()".into(), Value::Int(4))],
            }],
        };
        let wholes = whole.map(|whole| (id, whole)).into_iter().collect();
        trace(hit, &wholes, left_pad)
    }

    #[test]
    fn a_trace_without_a_root_says_so_and_ids_lose_their_zeros() {
        let found = shown(None, false);
        assert_eq!(
            (found.trace_id.as_str(), found.root_service_name.as_str()),
            ("bad", NO_ROOT)
        );
        assert_eq!(
            (found.start_time_unix_nano, found.duration_ms),
            (1_000_000, 5)
        );
        assert_eq!(
            shown(None, true).trace_id,
            "00000000000000000000000000000bad"
        );
    }

    #[test]
    fn counters_are_those_that_grafana_knows() {
        let cost = Cost {
            traces: 1,
            bytes: 2,
            spans: 3,
            groups: 4,
            groups_skipped: 5,
            jobs: 0,
        };
        let progress = Progress {
            cost,
            total_blocks: 6,
            total_block_bytes: 7,
            total_jobs: 8,
            completed_jobs: 9,
            ..Progress::default()
        };
        assert_eq!(
            serde_json::to_value(metrics(&progress)).unwrap(),
            serde_json::json!({
                "inspectedTraces": 1, "inspectedBytes": "2", "inspectedSpans": "3", "totalBlocks": 6,
                "totalBlockBytes": "7", "totalJobs": 8, "completedJobs": 9,
            })
        );
    }

    #[test]
    fn head_and_services_are_those_of_the_whole_trace() {
        let whole = TraceSummary {
            start: 500_000,
            end: 10_500_000,
            root_service: "shop".into(),
            root_name: "GET /".into(),
            services: vec![("shop".into(), 2, 1)],
            ..TraceSummary::default()
        };
        let found = shown(Some(whole), false);
        assert_eq!(
            (
                found.start_time_unix_nano,
                found.duration_ms,
                found.root_trace_name.as_str()
            ),
            (500_000, 10, "GET /")
        );
        assert_eq!(
            found.service_stats["shop"],
            ServiceStats {
                span_count: 2,
                error_count: 1
            }
        );
        assert_eq!(found.span_set, found.span_sets.first().cloned());
        assert_eq!(
            (
                found.span_sets[0].matched,
                found.span_sets[0].spans[0].span_id.as_str()
            ),
            (4, "00000000000000ad")
        );
    }
}
