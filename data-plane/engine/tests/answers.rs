//! What a search shows, on traces small enough to see through.

#![expect(clippy::unwrap_used, reason = "a failed expectation is a failed test")]

mod common;

use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span::Event};
use prost::Message as _;
use takt_engine::{
    NEWEST_FIRST, Scope, SearchOptions, SearchPlan, SpanHit, TagSearch, TraceHit, Value,
    find_by_tags, matches_any, search, whole_traces,
};
use takt_model::{TimeRange, UnixNano};
use takt_trace::SpanColumns;
use takt_traceql::{Pipeline, parse_filter as parse};

fn text(text: &str) -> any_value::Value {
    any_value::Value::StringValue(text.to_owned())
}

fn pair(key: &str, value: any_value::Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn list(values: &[&str]) -> any_value::Value {
    let values = values
        .iter()
        .map(|v| AnyValue {
            value: Some(text(v)),
        })
        .collect();
    any_value::Value::ArrayValue(ArrayValue { values })
}

fn event(name: &str, attempt: i64) -> Event {
    Event {
        name: name.to_owned(),
        time_unix_nano: 1_500_000_000,
        attributes: vec![pair("attempt", any_value::Value::IntValue(attempt))],
        ..Event::default()
    }
}

fn request(service: &str, spans: Vec<Span>) -> Vec<u8> {
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource {
                attributes: vec![pair("service.name", text(service))],
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
    .encode_to_vec()
}

fn span(trace: u8, id: u8, parent: Option<u8>, name: &str) -> Span {
    Span {
        trace_id: vec![trace; 16],
        span_id: vec![id; 8],
        parent_span_id: parent.map_or_else(Vec::new, |p| vec![p; 8]),
        name: name.to_owned(),
        kind: 2,
        start_time_unix_nano: 1_000_000_000 * u64::from(id),
        end_time_unix_nano: 1_000_000_000 * u64::from(id) + 1_500_000,
        ..Span::default()
    }
}

fn shop() -> SpanColumns {
    let root = Span {
        attributes: vec![
            pair("flags", list(&["new-cart", "fast-search", "dark-mode"])),
            pair("amount", any_value::Value::DoubleValue(5.0)),
        ],
        events: vec![event("retry", 1), event("retry", 2), event("give-up", 3)],
        status: Some(Status {
            code: 2,
            message: "broken".to_owned(),
        }),
        ..span(1, 1, None, "GET /")
    };
    let child = Span {
        attributes: vec![pair("flags", text("dark-mode"))],
        kind: 3,
        ..span(1, 2, Some(1), "charge")
    };
    let twice = request("payment", vec![child]);
    common::columns(&[
        request("shop", vec![root]),
        twice.clone(),
        twice,
        request("shop", vec![span(2, 3, None, "GET /health")]),
    ])
}

fn answer(query: &str) -> Vec<SpanHit> {
    hits(&shop(), query, TimeRange::ALL)
        .into_iter()
        .flat_map(|trace| trace.sets)
        .flat_map(|set| set.spans)
        .collect()
}

fn hits(columns: &SpanColumns, query: &str, window: TimeRange) -> Vec<TraceHit> {
    let plan = SearchPlan::new(&Pipeline::of(parse(query).unwrap()));
    let options = SearchOptions {
        limit: 20,
        spans_per_set: 0,
        order: NEWEST_FIRST,
        after: None,
    };
    let scope = Scope::new(window, &|| true);
    let hits = search(columns, &plan, &scope, &options).unwrap();
    assert_eq!(matches_any(columns, &plan, &scope), Ok(!hits.is_empty()));
    hits
}

/// Name and attributes of each span, as one text each.
fn shown(query: &str) -> Vec<String> {
    let value = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => format!("{number:?}"),
        Value::Bool(flag) => flag.to_string(),
        Value::Other(bytes) => match AnyValue::decode(bytes.as_slice()).unwrap().value.unwrap() {
            any_value::Value::ArrayValue(array) => format!("{} elements", array.values.len()),
            other => format!("{other:?}"),
        },
    };
    answer(query)
        .iter()
        .map(|span| {
            let mut line = span.name.clone().unwrap_or_default();
            for (key, v) in &span.attributes {
                line += &format!(" {key}={}", value(v));
            }
            line.trim().to_owned()
        })
        .collect()
}

#[test]
fn a_span_shows_what_the_query_touched_and_nothing_else() {
    assert_eq!(shown("{ }"), ["", "", ""]);
    assert_eq!(
        shown("{ name = `GET /` && status = error && duration > 1ms }"),
        ["GET / status=error"]
    );
    assert_eq!(
        shown("{ statusMessage = `broken` && span:id = `0101010101010101` && traceDuration > 0s }"),
        ["statusMessage=broken"]
    );
    assert_eq!(
        shown("{ resource.service.name = `payment` && .amount = nil }"),
        ["service.name=payment amount=nil"]
    );
    assert_eq!(shown("{ span.amount + 1 = 6 }"), ["amount=5.0"]);
    assert_eq!(
        shown("{ 5 = span.amount }"),
        ["amount=5.0"],
        "an integer meets a float"
    );
}

#[test]
fn of_an_or_only_what_holds_is_shown() {
    assert_eq!(
        shown("{ name = `charge` || status = error }"),
        ["status=error", "charge"]
    );
}

#[test]
fn of_an_array_only_the_elements_asked_for_are_shown() {
    assert_eq!(
        shown("{ span.flags = `dark-mode` }"),
        ["flags=dark-mode", "flags=dark-mode"]
    );
    assert_eq!(
        shown("{ span.flags =~ `.*-(cart|search)` }"),
        ["flags=2 elements"]
    );
    assert_eq!(
        shown("{ span.flags != `x` && kind = server }"),
        ["flags=3 elements kind=server"]
    );
    assert_eq!(shown("{ span.flags != `new-cart` }"), ["flags=dark-mode"]);
}

#[test]
fn conditions_on_events_speak_of_one_event_unless_there_is_an_or() {
    assert_eq!(
        shown("{ event:name = `retry` && event.attempt > 1 }"),
        ["event:name=retry attempt=2"]
    );
    assert_eq!(
        shown("{ event:name = `retry` && event.attempt = 3 }"),
        [""; 0]
    );
    assert_eq!(
        shown("{ event:name = `retry` && event.attempt = 3 && (true || false) }"),
        ["event:name=retry attempt=3"]
    );
    assert_eq!(
        shown("{ event:timeSinceStart = 500ms }"),
        ["event:timeSinceStart=500ms"]
    );
}

#[test]
fn a_parent_is_asked_by_its_scope() {
    assert_eq!(
        shown("{ parent.status = error && parent.name = `GET /` }"),
        ["parent.status=error parent.name=GET /"]
    );
    assert_eq!(
        shown("{ parent.resource.service.name = `shop` && parent.span.amount = 5 }"),
        ["parent.service.name=shop parent.amount=5.0"]
    );
    assert_eq!(shown("{ parent.name = nil }").len(), 2, "both roots");
}

#[test]
fn a_span_that_came_twice_counts_once() {
    assert_eq!(answer("{ name = `charge` }").len(), 1);
}

#[test]
fn a_missing_attribute_makes_every_comparison_false_and_its_negation_true() {
    assert_eq!(answer("{ .amount != 7 }").len(), 1);
    assert_eq!(answer("{ !(.amount < 7) }").len(), 2);
    assert_eq!(answer("{ !(.amount = nil) }").len(), 1);
    assert_eq!(answer("{ !.amount }").len(), 0);
}

#[test]
fn only_traces_that_overlap_the_window_are_found() {
    let columns = shop();
    let window = TimeRange {
        start: UnixNano(3_000_000_000),
        end: UnixNano::MAX,
    };
    let hits = hits(&columns, "{ }", window);
    assert_eq!((hits.len(), hits[0].sets[0].matched), (1, 1));
}

#[test]
fn ids_may_be_asked_for_without_their_leading_zeros() {
    let columns = common::columns(&[request(
        "a",
        vec![Span {
            trace_id: vec![0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0B, 0xAD],
            span_id: vec![0, 0, 0, 0, 0, 0, 0, 7],
            ..span(1, 1, None, "x")
        }],
    )]);
    for (query, expected) in [
        ("{ trace:id = `bad` }", 1),
        ("{ trace:id = `0BAD` && span:id = `7` }", 1),
        ("{ trace:id != `bad` }", 0),
        ("{ span:parentID = `` }", 1),
    ] {
        let hits = hits(&columns, query, TimeRange::ALL);
        assert_eq!(hits.len(), expected, "{query}");
    }
}

#[test]
fn tags_are_searched_over_the_whole_trace() {
    let columns = shop();
    let found = |tags: &[(&str, &str)], min: u64| {
        let search = TagSearch {
            tags: tags
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
            min_duration: Some(Duration::from_millis(min)),
            max_duration: None,
        };
        let traces = find_by_tags(&columns, &search, TimeRange::ALL, &|| true).unwrap();
        let hits = whole_traces(&columns, &traces, 20, NEWEST_FIRST);
        hits.iter().map(|hit| hit.trace.0[0]).collect::<Vec<u8>>()
    };
    assert_eq!(found(&[], 0), [2, 1], "newest first");
    assert_eq!(found(&[("name", "GET")], 0), [2, 1]);
    assert_eq!(found(&[("name", "GET")], 100), [1]);
    assert_eq!(
        found(&[("name", "charge"), ("status.code", "error")], 0),
        [1],
        "on two spans"
    );
    assert_eq!(found(&[("service.name", "pay")], 0), [1], "within the text");
    assert_eq!(
        found(&[("root.service.name", "sho"), ("root.name", "health")], 0),
        [2]
    );
    assert_eq!(found(&[("flags", "dark-mode")], 0), [1]);
    assert_eq!(found(&[("flags", "dark")], 0), [0; 0], "exactly");
    assert_eq!(found(&[("amount", "5")], 0), [0; 0], "numbers never match");
    assert_eq!(found(&[("error", "true")], 0), [1]);
}
