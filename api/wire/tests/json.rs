//! The JSON form of the generated messages is Tempo's: its keys, 64-bit integers as text, zeros left out.

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use takt_wire::tempopb::{SearchMetrics, SearchResponse, Span, SpanSet, TraceSearchMetadata};

#[test]
fn a_search_answer_has_tempos_keys() {
    let answer = SearchResponse {
        traces: vec![TraceSearchMetadata {
            trace_id: "bad".into(),
            start_time_unix_nano: 1_700_000_000_000_000_000,
            duration_ms: 12,
            span_sets: vec![SpanSet {
                matched: 1,
                spans: vec![Span {
                    span_id: "00000000000000ad".into(),
                    duration_nanos: 5,
                    attributes: vec![KeyValue {
                        key: "http.status_code".into(),
                        value: Some(AnyValue {
                            value: Some(any_value::Value::IntValue(500)),
                        }),
                        ..KeyValue::default()
                    }],
                    ..Span::default()
                }],
                ..SpanSet::default()
            }],
            ..TraceSearchMetadata::default()
        }],
        metrics: Some(SearchMetrics {
            inspected_bytes: 7,
            ..SearchMetrics::default()
        }),
    };
    assert_eq!(
        serde_json::to_string(&answer).unwrap(),
        r#"{"traces":[{"traceID":"bad","startTimeUnixNano":"1700000000000000000","durationMs":12,"spanSets":[{"spans":[{"spanID":"00000000000000ad","durationNanos":"5","attributes":[{"key":"http.status_code","value":{"intValue":"500"}}]}],"matched":1}]}],"metrics":{"inspectedBytes":"7"}}"#
    );
}
