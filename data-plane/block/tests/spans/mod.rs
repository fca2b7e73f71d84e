//! Requests for tests, and spans as plain values to compare.

#![allow(dead_code, reason = "each test binary uses its share")]

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use proptest::prelude::*;
use prost::Message as _;
use takt_block::{Encoded, Fetched, JournalRange, Opened, Spec};
use takt_model::{BlockId, TenantId};
use takt_trace::decode::{DecodeLimits, Decoder};
use takt_trace::{AttrTable, Projection, SpanColumns};

pub(crate) fn spec() -> Spec {
    Spec {
        block: BlockId(uuid::Uuid::from_u128(7)),
        tenant: TenantId::new("team-a").unwrap(),
        journal: Some(JournalRange { from: 3, to: 9 }),
        compaction_level: 0,
    }
}

pub(crate) fn opened(block: &Encoded) -> Opened {
    Opened::parse(block.meta.clone(), &block.index, &footer(block)).unwrap()
}

pub(crate) fn footer(block: &Encoded) -> Bytes {
    let range = Opened::footer_range(&block.meta);
    block.data.slice(usize::try_from(range.start).unwrap()..)
}

/// All row groups; the tests here write one.
pub(crate) fn read(opened: &Opened, block: &Encoded, projection: &Projection) -> SpanColumns {
    assert_eq!(opened.groups(), 1);
    let whole = Fetched::whole(block.data.clone());
    opened.decode(0, projection, None, &whole).unwrap()
}

pub(crate) fn decoded(requests: &[ExportTraceServiceRequest]) -> SpanColumns {
    let mut columns = SpanColumns::default();
    let mut decoder = Decoder::default();
    let limits = DecodeLimits {
        max_attribute_bytes: 0,
    };
    for request in requests {
        let bytes = request.encode_to_vec();
        decoder.append(&mut columns, &bytes, &limits).unwrap();
    }
    columns
}

type Attrs = Vec<(String, String)>;

type FlatEvent = (u64, String, Attrs, Option<u32>);
type FlatLink = (
    [u8; 16],
    [u8; 8],
    Option<String>,
    Option<u32>,
    Attrs,
    Option<u32>,
);

/// A span with all that belongs to it, spelled out.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub(crate) struct Flat {
    pub(crate) trace: [u8; 16],
    pub(crate) span: [u8; 8],
    pub(crate) parent: [u8; 8],
    pub(crate) times: (u64, u64),
    pub(crate) name: String,
    pub(crate) kind: u8,
    pub(crate) status: (u8, Option<String>),
    pub(crate) state: Option<String>,
    pub(crate) flags: Option<u32>,
    pub(crate) dropped: [Option<u32>; 3],
    pub(crate) attrs: Attrs,
    pub(crate) resource: (Attrs, Option<u32>, Option<String>, String),
    pub(crate) scope: (String, String, Attrs, Option<u32>, Option<String>),
    pub(crate) events: Vec<FlatEvent>,
    pub(crate) links: Vec<FlatLink>,
}

/// Every span, sorted: a block may reorder them.
pub(crate) fn flat(columns: &SpanColumns) -> Vec<Flat> {
    let rows = 0..u32::try_from(columns.len()).unwrap();
    let mut spans: Vec<Flat> = rows.map(|row| flat_span(columns, row)).collect();
    spans.sort_by(|a, b| a.partial_cmp(b).unwrap());
    spans
}

fn flat_span(columns: &SpanColumns, row: u32) -> Flat {
    let at = row as usize;
    let text = |dict: &takt_trace::Dict, code: Option<u32>| code.map(|c| dict.text(c).to_owned());
    let (resources, scopes) = (&columns.resources, &columns.scopes);
    let (resource, scope) = (columns.resource[at], columns.scope[at]);
    Flat {
        trace: columns.traces.id[columns.trace[at] as usize].0,
        span: columns.span_id[at].0,
        parent: columns.parent_id[at].0,
        times: (columns.start[at], columns.end(row)),
        name: columns.names.text(columns.name[at]).to_owned(),
        kind: columns.kind[at],
        status: (
            columns.status[at],
            text(&columns.messages, columns.status_message.get(row)),
        ),
        state: text(&columns.trace_states, columns.trace_state.get(row)),
        flags: columns.flags.get(row),
        dropped: [
            columns.dropped_attributes.get(row),
            columns.dropped_events.get(row),
            columns.dropped_links.get(row),
        ],
        attrs: flat_attrs(&columns.attrs, row),
        resource: (
            flat_attrs(&resources.attrs, resource),
            resources.dropped_attributes.get(resource),
            text(&resources.schema_urls, resources.schema_url.get(resource)),
            columns.service(row).to_owned(),
        ),
        scope: (
            scopes.names.text(scopes.name[scope as usize]).to_owned(),
            scopes
                .versions
                .text(scopes.version[scope as usize])
                .to_owned(),
            flat_attrs(&scopes.attrs, scope),
            scopes.dropped_attributes.get(scope),
            text(&scopes.schema_urls, scopes.schema_url.get(scope)),
        ),
        events: flat_events(columns, row),
        links: flat_links(columns, row),
    }
}

fn flat_events(columns: &SpanColumns, row: u32) -> Vec<FlatEvent> {
    let events = &columns.events;
    let event = |event: u32| {
        let at = event as usize;
        (
            events.time[at],
            events.names.text(events.name[at]).to_owned(),
            flat_attrs(&events.attrs, event),
            events.dropped_attributes.get(event),
        )
    };
    columns.events_of(row).map(event).collect()
}

fn flat_links(columns: &SpanColumns, row: u32) -> Vec<FlatLink> {
    let links = &columns.links;
    let link = |link: u32| {
        let at = link as usize;
        let state = links.trace_state.get(link);
        (
            links.trace_id[at].0,
            links.span_id[at].0,
            state.map(|code| links.trace_states.text(code).to_owned()),
            links.flags.get(link),
            flat_attrs(&links.attrs, link),
            links.dropped_attributes.get(link),
        )
    };
    columns.links_of(row).map(link).collect()
}

/// Values by their debug form: it tells types and NaNs apart.
fn flat_attrs(table: &AttrTable, row: u32) -> Attrs {
    let mut attrs: Attrs = table
        .of_row(row)
        .map(|(key, value)| (key.to_owned(), format!("{value:?}")))
        .collect();
    attrs.sort();
    attrs
}

/// The messages of a request for each of its spans, order and the ways of saying nothing aside.
pub(crate) fn said(request: ExportTraceServiceRequest) -> Vec<String> {
    let mut spans = Vec::new();
    for mut group in request.resource_spans {
        let resource = group.resource.get_or_insert_default();
        settle(&mut resource.attributes);
        for mut within in group.scope_spans {
            let scope = within.scope.get_or_insert_default();
            settle(&mut scope.attributes);
            for mut span in within.spans {
                span.status.get_or_insert_default();
                settle(&mut span.attributes);
                let events = span.events.iter_mut().map(|event| &mut event.attributes);
                let links = span.links.iter_mut().map(|link| &mut link.attributes);
                events
                    .chain(links)
                    .for_each(|attributes| settle(attributes));
                spans.push(format!(
                    "{resource:?} {} {scope:?} {} {span:?}",
                    group.schema_url, within.schema_url
                ));
            }
        }
    }
    spans.sort();
    spans
}

/// Attributes in order, each with a value even if it is empty.
fn settle(attributes: &mut [KeyValue]) {
    for pair in &mut *attributes {
        pair.value.get_or_insert_default();
    }
    attributes.sort_by(|a, b| a.key.cmp(&b.key));
}

/// `traces` traces of a client and a server span, the server with an event and a link.
pub(crate) fn shop(traces: u8) -> SpanColumns {
    let requests: Vec<_> = (1..=traces).map(shop_trace).collect();
    decoded(&requests)
}

fn shop_trace(n: u8) -> ExportTraceServiceRequest {
    let start = 1_790_000_000_000_000_000 + u64::from(n - 1) * 1_000_000;
    let client = Span {
        trace_id: vec![n; 16],
        span_id: vec![1; 8],
        name: "call".into(),
        kind: 3,
        start_time_unix_nano: start,
        end_time_unix_nano: start + 900_000,
        attributes: vec![pair("http.method", Any::StringValue("GET".into()))],
        ..Span::default()
    };
    let server = Span {
        trace_id: vec![n; 16],
        span_id: vec![2; 8],
        parent_span_id: vec![1; 8],
        name: "serve".into(),
        kind: 2,
        start_time_unix_nano: start + 100_000,
        end_time_unix_nano: start + 800_000,
        attributes: vec![
            pair("items", Any::IntValue(i64::from(n))),
            pair("price", Any::DoubleValue(0.5)),
            pair("list", list(n)),
        ]
        .into_iter()
        .chain((n == 5).then(|| pair("seldom", Any::BoolValue(true))))
        .collect(),
        events: vec![Event {
            time_unix_nano: start + 200_000,
            name: "cache miss".into(),
            attributes: vec![pair("key", Any::StringValue("k".into()))],
            ..Event::default()
        }],
        links: vec![Link {
            trace_id: vec![9; 16],
            span_id: vec![9; 8],
            ..Link::default()
        }],
        status: Some(Status {
            message: "no stock".into(),
            code: 2,
        }),
        ..Span::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![of_service("web", client), of_service("stock", server)],
    }
}

fn of_service(name: &str, span: Span) -> ResourceSpans {
    ResourceSpans {
        resource: Some(Resource {
            attributes: vec![pair("service.name", Any::StringValue(name.into()))],
            ..Resource::default()
        }),
        scope_spans: vec![ScopeSpans {
            scope: Some(InstrumentationScope {
                name: "tests".into(),
                version: "1".into(),
                ..InstrumentationScope::default()
            }),
            spans: vec![span],
            ..ScopeSpans::default()
        }],
        ..ResourceSpans::default()
    }
}

fn list(n: u8) -> Any {
    Any::ArrayValue(ArrayValue {
        values: vec![wrap(Any::IntValue(i64::from(n % 3)))],
    })
}

fn pair(key: &str, value: Any) -> KeyValue {
    KeyValue {
        key: key.into(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

/// Any request: few keys, so that types mix; few traces, so that parents and requests meet.
pub(crate) fn request() -> impl Strategy<Value = ExportTraceServiceRequest> {
    prop::collection::vec(resource_spans(), 0..4)
        .prop_map(|resource_spans| ExportTraceServiceRequest { resource_spans })
}

fn resource_spans() -> impl Strategy<Value = ResourceSpans> {
    let resource = (attributes(), small()).prop_map(|(attributes, dropped)| Resource {
        attributes,
        dropped_attributes_count: dropped,
        ..Resource::default()
    });
    let scopes = prop::collection::vec(scope_spans(), 0..3);
    (prop::option::of(resource), scopes, word()).prop_map(|(resource, scope_spans, schema_url)| {
        ResourceSpans {
            resource,
            scope_spans,
            schema_url,
        }
    })
}

fn scope_spans() -> impl Strategy<Value = ScopeSpans> {
    let scope =
        (word(), word(), attributes(), small()).prop_map(|(name, version, attributes, dropped)| {
            InstrumentationScope {
                name,
                version,
                attributes,
                dropped_attributes_count: dropped,
            }
        });
    let spans = prop::collection::vec(span(), 0..8);
    (prop::option::of(scope), spans, word()).prop_map(|(scope, spans, schema_url)| ScopeSpans {
        scope,
        spans,
        schema_url,
    })
}

fn span() -> impl Strategy<Value = Span> {
    let ids = (1..5_u8, any::<[u8; 8]>(), 0..4_u8);
    let heads = (word(), word(), 0..7_i32, any::<u64>(), any::<u64>());
    let counts = (small(), small(), small(), small());
    let lists = (
        attributes(),
        prop::collection::vec(event(), 0..3),
        prop::collection::vec(link(), 0..3),
    );
    let status = prop::option::of((word(), 0..3_i32));
    (ids, heads, counts, lists, status).prop_map(|(ids, heads, counts, lists, status)| Span {
        trace_id: vec![ids.0; 16],
        span_id: match ids.2 {
            0 => ids.1.to_vec(),
            id => vec![id; 8],
        },
        parent_span_id: match ids.1[0] % 3 {
            0 => Vec::new(),
            id => vec![id; 8],
        },
        name: heads.0,
        trace_state: heads.1,
        kind: heads.2,
        start_time_unix_nano: heads.3,
        end_time_unix_nano: heads.4,
        flags: counts.0,
        dropped_attributes_count: counts.1,
        dropped_events_count: counts.2,
        dropped_links_count: counts.3,
        attributes: lists.0,
        events: lists.1,
        links: lists.2,
        status: status.map(|(message, code)| Status { message, code }),
    })
}

fn event() -> impl Strategy<Value = Event> {
    (any::<u64>(), word(), attributes(), small()).prop_map(|(time, name, attributes, dropped)| {
        Event {
            time_unix_nano: time,
            name,
            attributes,
            dropped_attributes_count: dropped,
        }
    })
}

fn link() -> impl Strategy<Value = Link> {
    (
        any::<[u8; 16]>(),
        any::<[u8; 8]>(),
        word(),
        attributes(),
        small(),
        small(),
    )
        .prop_map(|(trace, span, state, attributes, dropped, flags)| Link {
            trace_id: trace.to_vec(),
            span_id: span.to_vec(),
            trace_state: state,
            attributes,
            dropped_attributes_count: dropped,
            flags,
        })
}

fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    let keys = prop::sample::subsequence(
        vec![
            "a",
            "a:int",
            "overflow",
            "name",
            "service.name",
            "ü",
            "b",
            "",
        ],
        0..4,
    );
    let values = prop::collection::vec(value(), 8);
    (keys, values).prop_map(|(keys, values)| {
        let pairs = keys.into_iter().zip(values);
        let pairs = pairs.map(|(key, value)| KeyValue {
            key: key.to_owned(),
            value,
            ..KeyValue::default()
        });
        pairs.collect()
    })
}

fn value() -> impl Strategy<Value = Option<AnyValue>> {
    let leaf = prop_oneof![
        word().prop_map(Any::StringValue),
        any::<i64>().prop_map(Any::IntValue),
        any::<bool>().prop_map(Any::BoolValue),
        prop_oneof![any::<f64>(), Just(1.0), Just(f64::INFINITY)].prop_map(Any::DoubleValue),
        prop::collection::vec(any::<u8>(), 0..4).prop_map(Any::BytesValue),
    ];
    let any = leaf.prop_recursive(2, 8, 3, |inner| {
        let values = prop::collection::vec(inner.prop_map(wrap), 0..3);
        prop_oneof![
            values
                .clone()
                .prop_map(|values| Any::ArrayValue(ArrayValue { values })),
            values.prop_map(|values| {
                let pairs = values.into_iter().map(|value| KeyValue {
                    key: "k".into(),
                    value: Some(value),
                    ..KeyValue::default()
                });
                Any::KvlistValue(KeyValueList {
                    values: pairs.collect(),
                })
            }),
        ]
    });
    prop_oneof![
        8 => any.prop_map(|value| Some(wrap(value))),
        1 => Just(Some(AnyValue { value: None })),
        1 => Just(None),
    ]
}

fn wrap(value: Any) -> AnyValue {
    AnyValue { value: Some(value) }
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), Just("x".to_owned()), "[a-zé\"]{0,6}"]
}

fn small() -> impl Strategy<Value = u32> {
    prop_oneof![2 => Just(0), 1 => any::<u32>()]
}
