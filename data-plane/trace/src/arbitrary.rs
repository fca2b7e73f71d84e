//! Random OTLP requests for property tests, in which every field says something now and then.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList, any_value::Value as Any,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

pub(crate) fn request() -> impl Strategy<Value = ExportTraceServiceRequest> {
    vec(resource_spans(), 0..4)
        .prop_map(|resource_spans| ExportTraceServiceRequest { resource_spans })
}

/// Few distinct texts, so that dictionaries and tables are shared; some of them are odd.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-c]{0,2}", 1 => "\\PC{0,4}", 1 => Just("service.name".to_owned())]
}

/// Mostly nothing.
fn count() -> impl Strategy<Value = u32> {
    prop_oneof![3 => Just(0), 1 => any::<u32>()]
}

fn time() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0..50_u64, 1 => any::<u64>()]
}

/// Ids of which some are the same.
fn id(length: usize) -> impl Strategy<Value = Vec<u8>> {
    (1..5_u8).prop_map(move |byte| vec![byte; length])
}

fn value() -> impl Strategy<Value = AnyValue> {
    let leaf = prop_oneof![
        text().prop_map(Any::StringValue),
        any::<bool>().prop_map(Any::BoolValue),
        any::<i64>().prop_map(Any::IntValue),
        // Not a number is not equal to itself.
        any::<i32>().prop_map(|number| Any::DoubleValue(f64::from(number) / 8.0)),
        vec(any::<u8>(), 0..3).prop_map(Any::BytesValue),
    ];
    let nested = leaf.prop_recursive(3, 8, 3, |inner| {
        let some = |any: Any| AnyValue { value: Some(any) };
        let pair =
            (text(), proptest::option::of(inner.clone())).prop_map(move |(key, value)| KeyValue {
                key,
                value: value.map(some),
                ..KeyValue::default()
            });
        prop_oneof![
            vec(inner.prop_map(some), 0..3)
                .prop_map(|values| Any::ArrayValue(ArrayValue { values })),
            vec(pair, 0..3).prop_map(|values| Any::KvlistValue(KeyValueList { values })),
        ]
    });
    proptest::option::weighted(0.9, nested).prop_map(|value| AnyValue { value })
}

/// Distinct keys, as OTLP demands.
fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    let pair = |(key, value)| KeyValue {
        key,
        value: Some(value),
        ..KeyValue::default()
    };
    btree_map(text(), value(), 0..5).prop_map(move |pairs| pairs.into_iter().map(pair).collect())
}

fn event() -> impl Strategy<Value = Event> {
    (time(), text(), attributes(), count()).prop_map(
        |(time_unix_nano, name, attributes, dropped_attributes_count)| Event {
            time_unix_nano,
            name,
            attributes,
            dropped_attributes_count,
        },
    )
}

fn link() -> impl Strategy<Value = Link> {
    (id(16), id(8), text(), attributes(), count(), count()).prop_map(
        |(trace_id, span_id, trace_state, attributes, dropped_attributes_count, flags)| Link {
            trace_id,
            span_id,
            trace_state,
            attributes,
            dropped_attributes_count,
            flags,
        },
    )
}

fn span() -> impl Strategy<Value = Span> {
    let parent_span_id = prop_oneof![Just(Vec::new()), id(8)];
    let ids = (id(16), id(8), parent_span_id, text(), text(), count());
    let numbers = (0..6_i32, time(), time(), count(), count(), count());
    let status = (text(), 0..3_i32).prop_map(|(message, code)| Status { message, code });
    let children = (attributes(), vec(event(), 0..3), vec(link(), 0..3), status);
    (ids, numbers, children).prop_map(|(ids, numbers, children)| {
        let (trace_id, span_id, parent_span_id, name, trace_state, flags) = ids;
        let (
            kind,
            start_time_unix_nano,
            end_time_unix_nano,
            attributes_dropped,
            events_dropped,
            links_dropped,
        ) = numbers;
        let (attributes, events, links, status) = children;
        Span {
            trace_id,
            span_id,
            trace_state,
            parent_span_id,
            flags,
            name,
            kind,
            start_time_unix_nano,
            end_time_unix_nano,
            attributes,
            dropped_attributes_count: attributes_dropped,
            events,
            dropped_events_count: events_dropped,
            links,
            dropped_links_count: links_dropped,
            status: Some(status),
        }
    })
}

fn scope_spans() -> impl Strategy<Value = ScopeSpans> {
    let scope = (text(), text(), attributes(), count()).prop_map(
        |(name, version, attributes, dropped_attributes_count)| InstrumentationScope {
            name,
            version,
            attributes,
            dropped_attributes_count,
        },
    );
    (scope, vec(span(), 0..4), text()).prop_map(|(scope, spans, schema_url)| ScopeSpans {
        scope: Some(scope),
        spans,
        schema_url,
    })
}

fn resource_spans() -> impl Strategy<Value = ResourceSpans> {
    let resource =
        (attributes(), count()).prop_map(|(attributes, dropped_attributes_count)| Resource {
            attributes,
            dropped_attributes_count,
            ..Resource::default()
        });
    (resource, vec(scope_spans(), 0..3), text()).prop_map(|(resource, scope_spans, schema_url)| {
        ResourceSpans {
            resource: Some(resource),
            scope_spans,
            schema_url,
        }
    })
}
