use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, KeyValue, any_value::Value as Any,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use proptest::prelude::*;
use prost::Message as _;

use super::*;
use crate::ValueRef;

const KEEP_ALL: DecodeLimits = DecodeLimits {
    max_attribute_bytes: 0,
};

fn pair(key: &str, value: Any) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn text(value: &str) -> Any {
    Any::StringValue(value.to_owned())
}

fn span(trace: u8, id: u8, parent: u8, start: u64, attributes: Vec<KeyValue>) -> Span {
    let parent_span_id = if parent == 0 {
        Vec::new()
    } else {
        vec![parent; 8]
    };
    Span {
        trace_id: vec![trace; 16],
        span_id: vec![id; 8],
        parent_span_id,
        name: format!("s{id}"),
        start_time_unix_nano: start,
        end_time_unix_nano: start + 10,
        attributes,
        ..Span::default()
    }
}

fn request(service: &str, spans: Vec<Span>) -> Vec<u8> {
    let resource = Some(Resource {
        attributes: vec![pair("service.name", text(service))],
        ..Resource::default()
    });
    let scope_spans = vec![ScopeSpans {
        spans,
        ..ScopeSpans::default()
    }];
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource,
            scope_spans,
            ..ResourceSpans::default()
        }],
    }
    .encode_to_vec()
}

fn decoded(requests: &[Vec<u8>]) -> SpanColumns {
    let (mut decoder, mut columns) = (Decoder::default(), SpanColumns::default());
    for request in requests {
        decoder.append(&mut columns, request, &KEEP_ALL).unwrap();
    }
    columns
}

#[test]
fn spans_of_a_trace_meet_across_requests_and_resources_are_stored_once() {
    let columns = decoded(&[
        request(
            "a",
            vec![span(1, 2, 1, 20, vec![]), span(2, 9, 0, 5, vec![])],
        ),
        request("b", vec![span(1, 1, 0, 10, vec![])]),
        request("a", vec![span(1, 3, 1, 30, vec![])]),
    ]);
    assert_eq!(
        (
            columns.len(),
            columns.traces.len(),
            columns.resources.service.len()
        ),
        (4, 2, 2)
    );
    let trace = columns.traces.find(TraceId([1; 16])).unwrap();
    assert_eq!(columns.rows_of(trace).collect::<Vec<_>>(), [3, 2, 0]);
    let summary = columns.summary(trace);
    assert_eq!(
        (
            summary.root_service.as_str(),
            summary.root_name.as_str(),
            summary.start,
            summary.end
        ),
        ("b", "s1", 10, 40)
    );
    assert_eq!(
        summary.services,
        [("a".to_owned(), 2, 0), ("b".to_owned(), 1, 0)]
    );
}

#[test]
fn a_new_decoder_goes_on_in_columns_that_were_carried_over() {
    let before = decoded(&[
        request("a", vec![span(1, 1, 0, 1, vec![])]),
        request("b", vec![span(2, 2, 0, 1, vec![])]),
    ]);
    let mut carried = crate::reorder::select(&before, &[0, 1]);
    let (mut decoder, limits) = (Decoder::default(), &KEEP_ALL);
    for service in ["c", "b", "c"] {
        let request = request(service, vec![span(1, 3, 1, 2, vec![])]);
        decoder.append(&mut carried, &request, limits).unwrap();
    }
    let services: Vec<&str> = (0..5).map(|row| carried.service(row)).collect();
    assert_eq!(services, ["a", "b", "c", "b", "c"]);
    assert_eq!(
        carried.resources.attrs.get(2, "service.name"),
        Some(ValueRef::String("c"))
    );
}

#[test]
fn attributes_keep_their_types_and_the_first_of_a_key_stands() {
    let array = Any::ArrayValue(ArrayValue {
        values: vec![AnyValue {
            value: Some(text("x")),
        }],
    });
    let attributes = vec![
        pair("s", text("v")),
        pair("i", Any::IntValue(-7)),
        pair("f", Any::DoubleValue(1.5)),
        pair("b", Any::BoolValue(false)),
        pair("a", array.clone()),
        pair("s", text("again")),
    ];
    let mut columns = SpanColumns::default();
    let appended = Decoder::default()
        .append(
            &mut columns,
            &request("a", vec![span(1, 1, 0, 1, attributes)]),
            &KEEP_ALL,
        )
        .unwrap();
    assert_eq!((appended.spans, appended.duplicate_attributes), (1, 1));
    let encoded = AnyValue { value: Some(array) }.encode_to_vec();
    let got: Vec<_> = columns.attrs.of_row(0).collect();
    assert_eq!(
        got,
        [
            ("s", ValueRef::String("v")),
            ("i", ValueRef::Int(-7)),
            ("f", ValueRef::Float(1.5)),
            ("b", ValueRef::Bool(false)),
            ("a", ValueRef::Other(&encoded))
        ]
    );
}

#[test]
fn long_attributes_are_cut_at_a_character_boundary_and_counted() {
    let mut columns = SpanColumns::default();
    let request = request("a", vec![span(1, 1, 0, 1, vec![pair("k", text("aäää"))])]);
    let appended = Decoder::default()
        .append(
            &mut columns,
            &request,
            &DecodeLimits {
                max_attribute_bytes: 4,
            },
        )
        .unwrap();
    assert_eq!(columns.attrs.get(0, "k"), Some(ValueRef::String("aä")));
    assert_eq!(
        appended.truncated_attributes, 2,
        "the value, and the key `service.name` of the resource"
    );
}

#[test]
fn a_malformed_span_leaves_nothing_behind() {
    let good = span(1, 1, 0, 1, vec![pair("k", text("v"))]);
    let mut bad = span(1, 2, 0, 1, vec![pair("k", text("w"))]);
    bad.events = vec![Event {
        name: "e".to_owned(),
        attributes: vec![pair("x", text("y"))],
        ..Event::default()
    }];
    let mut bytes = bad.encode_to_vec();
    bytes.extend_from_slice(&[0x4a, 0x02, 0x12, 0x7f]); // an attribute whose value is longer than the span
    let scope = [&[0x12, u8::try_from(bytes.len()).unwrap()][..], &bytes].concat();
    let resource = [&[0x12, u8::try_from(scope.len()).unwrap()][..], &scope].concat();
    let malformed = [
        &[0x0a, u8::try_from(resource.len()).unwrap()][..],
        &resource,
    ]
    .concat();

    let (mut decoder, mut columns) = (Decoder::default(), SpanColumns::default());
    decoder
        .append(&mut columns, &request("a", vec![good]), &KEEP_ALL)
        .unwrap();
    assert!(decoder.append(&mut columns, &malformed, &KEEP_ALL).is_err());
    assert_eq!(
        (
            columns.len(),
            columns.events.span.len(),
            columns.attrs.get(1, "k")
        ),
        (1, 0, None)
    );
    decoder
        .append(
            &mut columns,
            &request("a", vec![span(1, 3, 0, 1, vec![pair("k", text("z"))])]),
            &KEEP_ALL,
        )
        .unwrap();
    assert_eq!(columns.attrs.get(1, "k"), Some(ValueRef::String("z")));
}

#[test]
fn a_span_whose_link_names_its_parent_is_no_root() {
    let link = |trace: u8, kind: &str| Link {
        trace_id: vec![trace; 16],
        span_id: vec![9; 8],
        attributes: vec![pair("opentracing.ref_type", text(kind))],
        ..Link::default()
    };
    let root_of = |links: Vec<Link>| {
        let child = Span {
            links,
            ..span(1, 1, 0, 5, vec![])
        };
        let columns = decoded(&[request("a", vec![child, span(1, 2, 0, 10, vec![])])]);
        columns.traces.root[0]
    };
    assert_eq!(
        root_of(vec![link(1, "follows_from"), link(1, "child_of")]),
        1
    );
    assert_eq!(root_of(vec![link(1, "follows_from")]), 0);
    assert_eq!(root_of(vec![link(2, "child_of")]), 0, "of another trace");
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _result = crate::scan::scan(&bytes);
        let _result = Decoder::default().append(&mut SpanColumns::default(), &bytes, &KEEP_ALL);
    }

    #[test]
    fn damaged_requests_never_panic(at in 0usize..200, byte in any::<u8>()) {
        let mut bytes = request("a", vec![span(1, 1, 0, 1, vec![pair("k", text("v"))]), span(2, 2, 1, 1, vec![])]);
        let at = at % bytes.len();
        bytes[at] = byte;
        let _result = crate::scan::scan(&bytes);
        let _result = Decoder::default().append(&mut SpanColumns::default(), &bytes, &KEEP_ALL);
    }
}
