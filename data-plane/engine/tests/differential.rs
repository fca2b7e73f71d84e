//! Random traces, random filters: the engine and the slow evaluator must find the same spans.

#![expect(clippy::unwrap_used, reason = "a failed expectation is a failed test")]

mod common;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, any_value,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{
    ResourceSpans, ScopeSpans, Span, Status, span::Event, span::Link,
};
use proptest::prelude::*;
use proptest::sample::select;
use prost::Message as _;
use takt_engine::one_filter::find;
use takt_engine::{NEWEST_FIRST, Scope, SearchOptions, SearchPlan, matches_any, search};
use takt_model::TimeRange;
use takt_trace::reorder::cluster;
use takt_trace::{AttrTable, Column, Projection, SpanColumns};
use takt_traceql::{Filter, Pipeline, parse_filter as parse};

/// (trace id, span id, kind), as the slow evaluator names a span.
type Found = Vec<(Vec<u8>, Vec<u8>, i32)>;

fn fast(columns: &SpanColumns, filter: &Filter) -> Found {
    let rows = find(columns, filter, TimeRange::ALL, &|| true).unwrap();
    let mut found: Found = rows
        .iter()
        .map(|row| (columns.trace[row as usize] as usize, row as usize))
        .map(|(trace, row)| {
            (
                columns.traces.id[trace].0.to_vec(),
                columns.span_id[row].0.to_vec(),
                i32::from(columns.kind[row]),
            )
        })
        .collect();
    found.sort();
    found
}

fn scalar() -> impl Strategy<Value = any_value::Value> {
    prop_oneof![
        select(vec!["a", "b", "ab", "", "1"])
            .prop_map(|t| any_value::Value::StringValue(t.to_owned())),
        (-2i64..4).prop_map(any_value::Value::IntValue),
        select(vec![-1.5, 0.0, 1.0, 2.5]).prop_map(any_value::Value::DoubleValue),
        any::<bool>().prop_map(any_value::Value::BoolValue),
    ]
}

fn value() -> impl Strategy<Value = any_value::Value> {
    let array = proptest::collection::vec(scalar(), 0..4).prop_map(|values| {
        let values = values
            .into_iter()
            .map(|v| AnyValue { value: Some(v) })
            .collect();
        any_value::Value::ArrayValue(ArrayValue { values })
    });
    prop_oneof![
        8 => scalar(),
        2 => array,
        1 => Just(any_value::Value::BytesValue(vec![1, 2])),
    ]
}

fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    let pair = (select(vec!["x", "y", "service.name"]), value());
    proptest::collection::vec(pair, 0..3).prop_map(|pairs| {
        let mut attributes: Vec<KeyValue> = Vec::new();
        for (key, value) in pairs {
            if attributes.iter().all(|known| known.key != key) {
                attributes.push(KeyValue {
                    key: key.to_owned(),
                    value: Some(AnyValue { value: Some(value) }),
                    ..KeyValue::default()
                });
            }
        }
        attributes
    })
}

fn text() -> impl Strategy<Value = String> {
    select(vec!["a", "b", "ab", ""]).prop_map(str::to_owned)
}

fn event() -> impl Strategy<Value = Event> {
    (text(), 0u64..12, attributes()).prop_map(|(name, time, attributes)| Event {
        time_unix_nano: time,
        name,
        attributes,
        ..Event::default()
    })
}

fn link() -> impl Strategy<Value = Link> {
    (1u8..3, 1u8..3, attributes()).prop_map(|(trace, span, attributes)| Link {
        trace_id: vec![trace; 16],
        span_id: vec![span; 8],
        attributes,
        ..Link::default()
    })
}

/// A span of which id, trace and parent are still to be given.
fn span() -> impl Strategy<Value = Span> {
    let children = (
        proptest::collection::vec(event(), 0..3),
        proptest::collection::vec(link(), 0..3),
    );
    let status = proptest::option::of((0i32..3, text()));
    (
        text(),
        0i32..6,
        1u64..10,
        0u64..10,
        attributes(),
        children,
        status,
    )
        .prop_map(
            |(name, kind, start, duration, attributes, (events, links), status)| Span {
                name,
                kind,
                start_time_unix_nano: start,
                end_time_unix_nano: start + duration,
                attributes,
                events,
                links,
                status: status.map(|(code, message)| Status { code, message }),
                ..Span::default()
            },
        )
}

/// Where a span goes: its trace, its parent (0 none, 1 to 8 a span, 9 one that never came), its group.
fn place() -> impl Strategy<Value = (u8, u8, usize)> {
    (1u8..4, 0u8..10, 0usize..3)
}

prop_compose! {
    fn requests()(
        spans in proptest::collection::vec((span(), place()), 0..9),
        resources in proptest::collection::vec((attributes(), text(), text(), attributes()), 3),
        twin in any::<bool>(),
    ) -> Vec<Vec<u8>> {
        let mut requests = Vec::new();
        for (i, (mut span, (trace, parent, group))) in spans.into_iter().enumerate() {
            let mut id = u8::try_from(i).unwrap() + 1;
            // Zipkin: client and server of a call share an id.
            if twin && i == 1 {
                (id, span.kind) = (1, if span.kind == 2 { 3 } else { 2 });
            }
            if twin && i == 0 {
                span.kind = 3;
            }
            span.trace_id = vec![trace; 16];
            span.span_id = vec![id; 8];
            // Parents come before their children, so there are no circles.
            if parent > 0 && (parent < id || parent == 9) {
                span.parent_span_id = vec![parent; 8];
            }
            let (resource, name, version, scope) = resources[group].clone();
            let scope = InstrumentationScope { name, version, attributes: scope, ..InstrumentationScope::default() };
            let request = ExportTraceServiceRequest {
                resource_spans: vec![ResourceSpans {
                    resource: Some(Resource { attributes: resource, ..Resource::default() }),
                    scope_spans: vec![ScopeSpans { scope: Some(scope), spans: vec![span], ..ScopeSpans::default() }],
                    ..ResourceSpans::default()
                }],
            };
            requests.push(request.encode_to_vec());
        }
        requests
    }
}

fn field() -> impl Strategy<Value = String> {
    let attribute = (
        select(vec![
            ".",
            "span.",
            "resource.",
            "event.",
            "link.",
            "instrumentation.",
            "parent.",
            "parent.span.",
            "parent.resource.",
        ]),
        select(vec!["x", "y", "service.name"]),
    );
    let intrinsic = select(vec![
        "duration",
        "name",
        "status",
        "statusMessage",
        "kind",
        "rootName",
        "rootServiceName",
        "traceDuration",
        "nestedSetLeft",
        "nestedSetRight",
        "nestedSetParent",
        "span:childCount",
        "span:id",
        "span:parentID",
        "trace:id",
        "event:name",
        "event:timeSinceStart",
        "link:traceID",
        "link:spanID",
        "instrumentation:name",
        "instrumentation:version",
        "parent.name",
        "parent.kind",
        "parent.duration",
        "parent.status",
    ]);
    prop_oneof![
        3 => attribute.prop_map(|(scope, key)| format!("{scope}{key}")),
        2 => intrinsic.prop_map(str::to_owned),
    ]
}

fn literal() -> impl Strategy<Value = String> {
    select(vec![
        "`a`",
        "`ab`",
        "``",
        "`0101010101010101`",
        "1",
        "0",
        "-1",
        "2",
        "1.0",
        "2.5",
        "true",
        "false",
        "nil",
        "5ns",
        "0s",
        "error",
        "unset",
        "server",
        "client",
    ])
    .prop_map(str::to_owned)
}

fn condition() -> impl Strategy<Value = String> {
    let op = || select(vec!["=", "!=", "<", "<=", ">", ">="]);
    let arithmetic = select(vec!["+", "-", "*", "/", "%", "^"]);
    prop_oneof![
        8 => (field(), op(), literal()).prop_map(|(f, op, l)| format!("{f} {op} {l}")),
        1 => (literal(), op(), field()).prop_map(|(l, op, f)| format!("{l} {op} {f}")),
        2 => (field(), select(vec!["=~", "!~"]), select(vec!["a", "a.*", ".*b|1", ""]))
            .prop_map(|(f, op, p)| format!("{f} {op} `{p}`")),
        2 => (field(), op(), field()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        2 => (field(), arithmetic, field(), op(), literal())
            .prop_map(|(a, sign, b, op, l)| format!("({a} {sign} {b}) {op} {l}")),
        1 => field(),
        1 => select(vec!["nestedSetParent < 0", "-1 = nestedSetParent", "parent.nestedSetParent <= -1"])
            .prop_map(str::to_owned),
    ]
}

fn expression() -> impl Strategy<Value = String> {
    condition().prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            4 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) && ({b})")),
            2 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) || ({b})")),
            1 => inner.prop_map(|a| format!("!({a})")),
        ]
    })
}

/// Filters that are sound; the others say nothing about the engine.
fn filters() -> impl Strategy<Value = Vec<Filter>> {
    proptest::collection::vec(expression(), 1..24).prop_map(|expressions| {
        expressions
            .iter()
            .filter_map(|expression| parse(&format!("{{ {expression} }}")).ok())
            .collect()
    })
}

/// The columns without everything that was not asked for.
fn restrict(columns: &SpanColumns, asked: &Projection) -> SpanColumns {
    let mut left = columns.clone();
    let keep = |column: Column| asked.has(&column);
    macro_rules! drop_unless {
        ($($column:ident => $($field:ident).+),+ $(,)?) => {
            $(if !keep(Column::$column) { left.$($field).+ = Default::default(); })+
        };
    }
    drop_unless! {
        SpanId => span_id, ParentId => parent_id, Parent => parent, Start => start,
        Duration => duration, Name => name, Kind => kind, Status => status,
        StatusMessage => status_message, Resource => resource, Scope => scope,
        Events => events.span, Events => events.time, Events => events.name,
        Links => links.span, Links => links.trace_id, Links => links.span_id,
    }
    left.attrs = table(&left.attrs, |key| keep(Column::Attr(key)));
    left.events.attrs = table(&left.events.attrs, |key| keep(Column::EventAttr(key)));
    left.links.attrs = table(&left.links.attrs, |key| keep(Column::LinkAttr(key)));
    left
}

fn table(table: &AttrTable, keep: impl Fn(String) -> bool) -> AttrTable {
    let mut left = AttrTable::default();
    for (key, column) in table.iter().filter(|(key, _)| keep((*key).to_owned())) {
        *left.column_mut(key) = column.clone();
    }
    left
}

/// Numbers of the nested set depend on the order of siblings, which clustering changes.
fn depends_on_order(filter: &Filter) -> bool {
    filter.to_string().contains("nestedSet")
}

proptest! {
    #[test]
    fn the_engine_finds_what_the_slow_evaluator_finds(requests in requests(), filters in filters()) {
        let decoded = common::decode(&requests);
        let slow = common::Slow::new(&decoded);
        let live = common::columns(&requests);
        let mut resolved = live.clone();
        resolved.resolve_parents();
        let clustered = cluster(&live);
        for filter in filters {
            let expected = slow.matching(&filter);
            prop_assert_eq!(&fast(&live, &filter), &expected, "live columns, {}", filter);
            prop_assert_eq!(&fast(&resolved, &filter), &expected, "with parents, {}", filter);
            if !depends_on_order(&filter) {
                prop_assert_eq!(&fast(&clustered, &filter), &expected, "clustered, {}", filter);
            }
        }
    }

    #[test]
    fn a_search_reads_only_the_columns_it_names(requests in requests(), filters in filters()) {
        let whole = cluster(&common::columns(&requests));
        let options = SearchOptions { limit: 10, spans_per_set: 2, order: NEWEST_FIRST, after: None };
        let scope = Scope::new(TimeRange::ALL, &|| true);
        for filter in filters {
            let plan = SearchPlan::new(&Pipeline::of(filter.clone()));
            let expected = search(&whole, &plan, &scope, &options).unwrap();
            let predicates = restrict(&whole, &plan.predicate_columns());
            prop_assert_eq!(
                matches_any(&predicates, &plan, &scope), Ok(!expected.is_empty()), "{}", filter
            );
            let results = restrict(&whole, &plan.result_columns());
            let found = search(&results, &plan, &scope, &options).unwrap();
            prop_assert_eq!(found, expected, "{}", filter);
        }
    }
}
