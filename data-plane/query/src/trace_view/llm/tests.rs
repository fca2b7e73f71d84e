use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{self as otlp, span};
use serde_json::json;
use takt_wire::tempopb::TagValue;

use super::*;

fn attribute(key: &str, value: any_value::Value) -> KeyValue {
    KeyValue {
        key: key.into(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, any_value::Value::StringValue(value.into()))
}

fn wire() -> Wire {
    let span = Span {
        trace_id: vec![0xab; 16],
        span_id: vec![1; 8],
        parent_span_id: vec![2; 8],
        name: "GET /".into(),
        kind: 2,
        start_time_unix_nano: 1_700_000_000_000_000_000,
        end_time_unix_nano: 1_700_000_000_001_500_000,
        attributes: vec![
            attribute("raw", any_value::Value::BytesValue(vec![0xff])),
            attribute("n", any_value::Value::IntValue(7)),
        ],
        events: vec![span::Event {
            name: "e".into(),
            time_unix_nano: 5,
            attributes: vec![text("why", "x")],
            ..span::Event::default()
        }],
        links: vec![span::Link {
            trace_id: vec![3; 16],
            span_id: vec![4; 8],
            ..span::Link::default()
        }],
        status: Some(otlp::Status {
            code: 2,
            message: "no".into(),
        }),
        ..Span::default()
    };
    Wire {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource {
                attributes: vec![text("service.name", "shop"), text("host", "a")],
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                scope: Some(InstrumentationScope {
                    name: "lib".into(),
                    ..InstrumentationScope::default()
                }),
                spans: vec![span, Span::default()],
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
}

#[test]
fn a_trace_is_services_with_scopes_with_spans() {
    let metrics = TraceByIdMetrics {
        inspected_bytes: 12,
        ..TraceByIdMetrics::default()
    };
    let wire = wire();
    let found = serde_json::to_value(found(&wire, &metrics, "").unwrap()).unwrap();
    assert_eq!(
        found,
        json!({
            "trace": {
                "traceId": "ab".repeat(16),
                "services": [{
                    "serviceName": "shop",
                    "resource": {"host": "a"},
                    "scopes": [{
                        "name": "lib",
                        "spans": [
                            {
                                "spanId": "01".repeat(8),
                                "name": "GET /",
                                "parentSpanId": "02".repeat(8),
                                "kind": "SPAN_KIND_SERVER",
                                "startTimeUnixNano": "1700000000000000000",
                                "endTimeUnixNano": "1700000000001500000",
                                "durationMs": 1.5,
                                "attributes": {"raw": "ff", "n": 7},
                                "events": [{"name": "e", "timeUnixNano": "5", "attributes": {"why": "x"}}],
                                "links": [{"traceId": "03".repeat(16), "spanId": "04".repeat(8)}],
                                "status": {"code": "STATUS_CODE_ERROR", "message": "no"},
                            },
                            {
                                "spanId": "",
                                "name": "",
                                "status": {"code": "STATUS_CODE_UNSET", "message": ""},
                            },
                        ],
                    }],
                }],
            },
            "metrics": {"inspectedBytes": 12},
            "status": "COMPLETE",
        })
    );
}

#[test]
fn a_part_says_so_and_nothing_is_nothing() {
    let wire = wire();
    let none = TraceByIdMetrics::default();
    let part = serde_json::to_value(found(&wire, &none, "cut").unwrap()).unwrap();
    assert_eq!(
        (&part["status"], &part["message"]),
        (&json!("PARTIAL"), &json!("cut"))
    );
    assert_eq!(part.get("metrics"), None);
    assert!(found(&Wire::default(), &none, "cut").is_none());
}

#[test]
fn tag_values_stand_by_their_type() {
    let value = |kind: &str, value: &str| TagValue {
        r#type: kind.into(),
        value: value.into(),
    };
    let answer = SearchTagValuesV2Response {
        tag_values: vec![
            value("string", "b"),
            value("int", "1"),
            value("string", "a"),
        ],
        metrics: Some(MetadataMetrics {
            total_jobs: 2,
            additional_metrics: [("x".to_owned(), -1)].into(),
            ..MetadataMetrics::default()
        }),
    };
    assert_eq!(
        serde_json::to_value(tag_values(&answer)).unwrap(),
        json!({
            "tagValues": {"int": ["1"], "string": ["b", "a"]},
            "metrics": {"totalJobs": 2, "additionalMetrics": {"x": -1}},
        })
    );
}
