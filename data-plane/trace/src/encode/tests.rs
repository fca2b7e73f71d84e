use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList, any_value::Value as Any,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message as _;

use super::*;
use crate::decode::{DecodeLimits, Decoder};

fn pair(key: &str, value: Any) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn any(value: Any) -> AnyValue {
    AnyValue { value: Some(value) }
}

/// A request in which every field of OTLP says something.
#[expect(clippy::too_many_lines, reason = "OTLP has that many fields")]
fn full() -> ExportTraceServiceRequest {
    let list = Any::KvlistValue(KeyValueList {
        values: vec![pair("inner", Any::BytesValue(vec![1, 2]))],
    });
    let array = Any::ArrayValue(ArrayValue {
        values: vec![any(Any::StringValue("x".into())), any(Any::IntValue(-1))],
    });
    let attributes = vec![
        pair("text", Any::StringValue("a\"b".into())),
        pair("int", Any::IntValue(0)),
        pair("float", Any::DoubleValue(1.5)),
        pair("nan", Any::DoubleValue(f64::INFINITY)),
        pair("bool", Any::BoolValue(false)),
        pair("array", array),
        pair("list", list),
        KeyValue {
            key: "nothing".into(),
            value: Some(AnyValue::default()),
            ..KeyValue::default()
        },
    ];
    let event = Event {
        time_unix_nano: 5,
        name: "e".into(),
        attributes: vec![pair("k", Any::BoolValue(true))],
        dropped_attributes_count: 6,
    };
    let link = Link {
        trace_id: vec![7; 16],
        span_id: vec![8; 8],
        trace_state: "l=1".into(),
        attributes: vec![pair("k", Any::IntValue(9))],
        dropped_attributes_count: 10,
        flags: 11,
    };
    let span = Span {
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        trace_state: "s=1".into(),
        parent_span_id: vec![3; 8],
        flags: 257,
        name: "name".into(),
        kind: 2,
        start_time_unix_nano: 100,
        end_time_unix_nano: 50,
        attributes,
        dropped_attributes_count: 1,
        events: vec![
            event.clone(),
            Event {
                name: "second".into(),
                attributes: vec![],
                ..event
            },
        ],
        dropped_events_count: 2,
        links: vec![link],
        dropped_links_count: 3,
        status: Some(Status {
            message: "bad".into(),
            code: 2,
        }),
    };
    let scope = InstrumentationScope {
        name: "lib".into(),
        version: "1".into(),
        attributes: vec![pair("s", Any::IntValue(1))],
        dropped_attributes_count: 4,
    };
    let resource = Resource {
        attributes: vec![pair("service.name", Any::StringValue("svc".into()))],
        dropped_attributes_count: 5,
        ..Resource::default()
    };
    let scope_spans = vec![ScopeSpans {
        scope: Some(scope),
        spans: vec![span],
        schema_url: "scope-url".into(),
    }];
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource),
            scope_spans,
            schema_url: "resource-url".into(),
        }],
    }
}

fn there_and_back(request: &ExportTraceServiceRequest) -> Vec<u8> {
    let mut columns = SpanColumns::default();
    Decoder::default()
        .append(
            &mut columns,
            &request.encode_to_vec(),
            &DecodeLimits {
                max_attribute_bytes: 0,
            },
        )
        .unwrap();
    let rows: Vec<u32> = (0..u32::try_from(columns.len()).unwrap()).collect();
    trace_proto(&columns, &rows)
}

#[test]
fn every_field_of_otlp_comes_back() {
    let request = full();
    assert_eq!(
        ExportTraceServiceRequest::decode(there_and_back(&request).as_slice()).unwrap(),
        request
    );
}

#[test]
fn json_is_tempos() {
    let json = trace_json(&there_and_back(&full())).unwrap();
    let read: serde_json::Value = serde_json::from_str(&json).unwrap();
    expect_test::expect![[r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"svc"}}],"droppedAttributesCount":5},"schemaUrl":"resource-url","scopeSpans":[{"schemaUrl":"scope-url","scope":{"attributes":[{"key":"s","value":{"intValue":"1"}}],"droppedAttributesCount":4,"name":"lib","version":"1"},"spans":[{"attributes":[{"key":"text","value":{"stringValue":"a\"b"}},{"key":"int","value":{"intValue":"0"}},{"key":"float","value":{"doubleValue":1.5}},{"key":"nan","value":{"doubleValue":"Infinity"}},{"key":"bool","value":{"boolValue":false}},{"key":"array","value":{"arrayValue":{"values":[{"stringValue":"x"},{"intValue":"-1"}]}}},{"key":"list","value":{"kvlistValue":{"values":[{"key":"inner","value":{"bytesValue":"AQI="}}]}}},{"key":"nothing","value":{}}],"droppedAttributesCount":1,"droppedEventsCount":2,"droppedLinksCount":3,"endTimeUnixNano":"50","events":[{"attributes":[{"key":"k","value":{"boolValue":true}}],"droppedAttributesCount":6,"name":"e","timeUnixNano":"5"},{"droppedAttributesCount":6,"name":"second","timeUnixNano":"5"}],"flags":257,"kind":"SPAN_KIND_SERVER","links":[{"attributes":[{"key":"k","value":{"intValue":"9"}}],"droppedAttributesCount":10,"flags":11,"spanId":"CAgICAgICAg=","traceId":"BwcHBwcHBwcHBwcHBwcHBw==","traceState":"l=1"}],"name":"name","parentSpanId":"AwMDAwMDAwM=","spanId":"AgICAgICAgI=","startTimeUnixNano":"100","status":{"code":"STATUS_CODE_ERROR","message":"bad"},"traceId":"AQEBAQEBAQEBAQEBAQEBAQ==","traceState":"s=1"}]}]}]}"#]]
    .assert_eq(&read.to_string());
}

#[test]
fn an_empty_trace_is_an_empty_object() {
    assert_eq!(trace_json(&[]).unwrap(), "{}");
}

#[test]
fn each_of_many_rows_gets_its_own_attributes_in_any_order() {
    let span = |number: u32| Span {
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        name: number.to_string(),
        attributes: (0..2)
            .filter(|key| number.is_multiple_of(key + 2))
            .map(|key| pair(&key.to_string(), Any::IntValue(i64::from(number))))
            .collect(),
        status: Some(Status::default()),
        ..Span::default()
    };
    let spans: Vec<Span> = (0..3000).map(span).collect();
    let scope_spans = vec![ScopeSpans {
        spans: spans.clone(),
        ..ScopeSpans::default()
    }];
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            scope_spans,
            ..ResourceSpans::default()
        }],
    };
    let (limits, mut columns) = (
        DecodeLimits {
            max_attribute_bytes: 0,
        },
        SpanColumns::default(),
    );
    Decoder::default()
        .append(&mut columns, &request.encode_to_vec(), &limits)
        .unwrap();
    // Steps of 7 visit every row once, and each batch of rows all over the columns.
    let rows: Vec<u32> = (0..3000).map(|step| step * 7 % 3000).collect();
    let back = ExportTraceServiceRequest::decode(trace_proto(&columns, &rows).as_slice()).unwrap();
    let expected: Vec<Span> = rows
        .iter()
        .map(|row| spans[*row as usize].clone())
        .collect();
    assert!(back.resource_spans[0].scope_spans[0].spans == expected);
}

/// Order aside: resources, scopes, spans and attributes sorted by what they say.
fn sorted(mut request: ExportTraceServiceRequest) -> Vec<String> {
    let by_text = |pairs: &mut Vec<KeyValue>| pairs.sort_by_key(|pair| format!("{pair:?}"));
    let mut lines = Vec::new();
    for resource_spans in &mut request.resource_spans {
        let resource = resource_spans.resource.get_or_insert_default();
        by_text(&mut resource.attributes);
        let head = format!("{resource:?} {}", resource_spans.schema_url);
        for scope_spans in &mut resource_spans.scope_spans {
            let scope = scope_spans.scope.get_or_insert_default();
            by_text(&mut scope.attributes);
            for span in &mut scope_spans.spans {
                by_text(&mut span.attributes);
                let events = span.events.iter_mut().map(|event| &mut event.attributes);
                let links = span.links.iter_mut().map(|link| &mut link.attributes);
                events.chain(links).for_each(by_text);
                lines.push(format!(
                    "{head} {scope:?} {} {span:?}",
                    scope_spans.schema_url
                ));
            }
        }
    }
    lines.sort();
    lines
}

proptest::proptest! {
    #[test]
    fn what_is_decoded_clustered_and_encoded_says_the_same(request in crate::arbitrary::request(), second in crate::arbitrary::request()) {
        let (mut decoder, mut columns) = (Decoder::default(), SpanColumns::default());
        for request in [&request, &second] {
            let limits = DecodeLimits { max_attribute_bytes: 0 };
            decoder.append(&mut columns, &request.encode_to_vec(), &limits).unwrap();
        }
        let clustered = crate::reorder::cluster(&columns);
        let resource_spans = [request.resource_spans, second.resource_spans].concat();
        let sent = sorted(ExportTraceServiceRequest { resource_spans });
        let count = u32::try_from(clustered.len()).unwrap();
        for (columns, rows) in [(&columns, (0..count).collect::<Vec<_>>()), (&clustered, (0..count).rev().collect())] {
            let back = ExportTraceServiceRequest::decode(trace_proto(columns, &rows).as_slice()).unwrap();
            proptest::prop_assert_eq!(sorted(back), sent.clone());
        }
    }
}
