//! The recorded answers of Tempo about the corpus in `tests/golden`.

#![expect(clippy::unwrap_used, reason = "a failed expectation is a failed test")]

mod common;

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::LazyLock;

use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value};
use prost::Message as _;
use serde_json::{Map, Value as Json, json};
use takt_engine::{
    Bounds, NEWEST_FIRST, Scope as Evaluation, SearchOptions, SearchPlan, SetHit, Stopped,
    TagScope, TraceHit, Value, matches_any, merge_hits, search, tag_names, tag_values,
};
use takt_model::{TimeRange, UnixNano};
use takt_trace::SpanColumns;
use takt_trace::reorder::{cluster, select};
use takt_traceql::{
    Body, Field, Order, OrderKey, Pipeline, Scope, lenient, parse_filter as parse, parse_tag,
};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/shop-3k")
}

/// The corpus, request by request.
static REQUESTS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let packed = std::fs::read(folder().join("shop-3k.otlp.zst")).unwrap();
    let bytes = zstd::decode_all(packed.as_slice()).unwrap();
    let mut rest = bytes.as_slice();
    let mut requests = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let (request, after) = after.split_at(u32::from_le_bytes(*length) as usize);
        requests.push(request.to_vec());
        rest = after;
    }
    requests
});

static COLUMNS: LazyLock<SpanColumns> = LazyLock::new(|| common::columns(&REQUESTS));

const WINDOW: TimeRange = TimeRange {
    start: UnixNano(1_790_000_000_000_000_000),
    end: UnixNano(1_790_000_660_000_000_000),
};

/// (argument, status, answer, error) of every row of one kind.
fn rows(kind: &str) -> Vec<(String, u64, Json, Json)> {
    let packed = std::fs::read(folder().join("golden.json.gz")).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed.as_slice())
        .read_to_string(&mut text)
        .unwrap();
    let golden: Json = serde_json::from_str(&text).unwrap();
    let rows: Vec<_> = golden["rows"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["kind"] == kind)
        .map(|row| {
            (
                row["arg"].as_str().unwrap().to_owned(),
                row["status"].as_u64().unwrap(),
                row["answer"].clone(),
                row["error"].clone(),
            )
        })
        .collect();
    assert!(!rows.is_empty(), "no rows of kind {kind}");
    rows
}

const EVERYTHING: SearchOptions = SearchOptions {
    limit: 100_000,
    spans_per_set: 0,
    order: NEWEST_FIRST,
    after: None,
};

fn found(columns: &SpanColumns, pipeline: &Pipeline, options: &SearchOptions) -> Vec<TraceHit> {
    let scope = Evaluation::new(WINDOW, &|| true);
    search(columns, &SearchPlan::new(pipeline), &scope, options).unwrap()
}

/// An answer in the normal form of `oracle.py`.
fn normal(columns: &SpanColumns, hits: &[TraceHit]) -> Json {
    let mut traces = Map::new();
    for hit in hits {
        let summary = columns.summary(columns.traces.find(hit.trace).unwrap());
        let mut sets: Vec<Json> = hit.sets.iter().map(normal_set).collect();
        sets.sort_by_key(Json::to_string);
        traces.insert(
            hit.trace.to_string(),
            json!({
                "root": [summary.root_service, summary.root_name],
                "start": hit.start.to_string(),
                "ms": (hit.end - hit.start) / 1_000_000,
                "stats": summary.services,
                "sets": sets,
            }),
        );
    }
    Json::Object(traces)
}

fn normal_set(set: &SetHit) -> Json {
    let mut spans: Vec<(String, Json)> = set
        .spans
        .iter()
        .map(|span| {
            let id = span.span_id.to_string();
            let name = span.name.clone().unwrap_or_default();
            let row = json!([
                id,
                span.start.to_string(),
                span.duration.to_string(),
                name,
                attributes(&span.attributes)
            ]);
            (id, row)
        })
        .collect();
    spans.sort_by(|a, b| a.0.cmp(&b.0));
    let spans: Vec<Json> = spans.into_iter().map(|(_, span)| span).collect();
    json!({ "matched": set.matched, "attrs": attributes(&set.attributes), "spans": spans })
}

fn attributes(attributes: &[(String, Value)]) -> Json {
    let mut sorted: Vec<(&String, Json)> =
        attributes.iter().map(|(key, v)| (key, value(v))).collect();
    sorted.sort_by(|a, b| a.0.cmp(b.0));
    json!(sorted)
}

fn value(value: &Value) -> Json {
    match value {
        Value::String(text) => json!(["string", text]),
        Value::Int(number) => json!(["int", number]),
        Value::Float(number) => json!(["float", number]),
        Value::Bool(flag) => json!(["bool", flag]),
        Value::Other(bytes) => {
            let decoded = AnyValue::decode(bytes.as_slice()).unwrap();
            let Some(any_value::Value::ArrayValue(array)) = decoded.value else {
                unreachable!("the corpus has no other values than arrays")
            };
            let texts: Vec<Json> = array
                .values
                .iter()
                .map(|v| match &v.value {
                    Some(any_value::Value::StringValue(text)) => json!(["string", text]),
                    other => unreachable!("the corpus has arrays of strings, not {other:?}"),
                })
                .collect();
            json!(["array", texts])
        }
    }
}

fn pipeline(query: &str) -> Pipeline {
    match takt_traceql::parse(query).unwrap().body {
        Body::Search(pipeline) => pipeline,
        Body::Metrics(_) => unreachable!("{query} is no search"),
    }
}

#[test]
fn searches_answer_as_tempo_does() {
    let stored = cluster(&COLUMNS);
    for (query, _, expected, _) in rows("search") {
        let expected = expected.as_object().unwrap();
        for columns in [&*COLUMNS, &stored] {
            let found = normal(columns, &found(columns, &pipeline(&query), &EVERYTHING));
            let found = found.as_object().unwrap();
            let keys = |answer: &Map<String, Json>| answer.keys().cloned().collect::<Vec<_>>();
            assert_eq!(keys(found), keys(expected), "traces of {query}");
            for (trace, expected) in expected {
                assert_eq!(&found[trace], expected, "trace {trace} of {query}");
            }
        }
    }
}

#[test]
fn two_halves_of_the_traces_answer_like_the_whole() {
    let traces = u32::try_from(COLUMNS.traces.len()).unwrap();
    let half = |odd: u32| {
        let traces: Vec<u32> = (0..traces).filter(|trace| trace % 2 == odd).collect();
        select(&COLUMNS, &traces)
    };
    let halves = [half(0), half(1)];
    for (query, ..) in rows("search") {
        let pipeline = pipeline(&query);
        for limit in [3, 20, 100_000] {
            let options = SearchOptions {
                limit,
                ..EVERYTHING
            };
            let [even, odd] = halves
                .each_ref()
                .map(|half| found(half, &pipeline, &options));
            assert_eq!(
                merge_hits(limit, options.order, even, odd),
                found(&COLUMNS, &pipeline, &options),
                "{query}"
            );
        }
    }
}

#[test]
fn what_tempo_refuses_is_refused_in_its_words() {
    for (query, status, _, error) in rows("bad") {
        assert_eq!(status, 400);
        let words = error.as_str().unwrap().trim();
        let words = words
            .strip_prefix("invalid TraceQL query: ")
            .unwrap_or(words);
        assert_eq!(parse(&query).unwrap_err().to_string(), words, "{query}");
    }
}

#[test]
fn an_answer_is_cut_to_its_newest_traces_and_earliest_spans() {
    let pipeline = Pipeline::of(parse("{ status = error }").unwrap());
    let whole = found(&COLUMNS, &pipeline, &EVERYTHING);
    let options = SearchOptions {
        limit: 5,
        spans_per_set: 2,
        ..EVERYTHING
    };
    let cut = found(&COLUMNS, &pipeline, &options);
    assert_eq!(cut.len(), 5);
    for (cut, whole) in cut.iter().zip(&whole) {
        let (few, all) = (&cut.sets[0], &whole.sets[0]);
        assert_eq!((cut.trace, few.matched), (whole.trace, all.matched));
        assert_eq!(few.spans, all.spans[..all.spans.len().min(2)]);
        assert!(all.spans.is_sorted_by_key(|span| span.start));
    }
    assert!(whole.is_sorted_by(|a, b| (b.start, a.trace) < (a.start, b.trace)));
}

#[test]
fn the_order_of_traces_is_that_which_was_asked_for() {
    let pipeline = Pipeline::of(parse("{ status = error }").unwrap());
    for key in [OrderKey::Start, OrderKey::Duration] {
        for ascending in [false, true] {
            let order = Order { key, ascending };
            let of = |hit: &TraceHit| match key {
                OrderKey::Start => hit.start,
                OrderKey::Duration => hit.end - hit.start,
            };
            let all = SearchOptions {
                order,
                ..EVERYTHING
            };
            let whole = found(&COLUMNS, &pipeline, &all);
            assert!(whole.is_sorted_by(|a, b| match ascending {
                true => (of(a), a.trace) < (of(b), b.trace),
                false => (of(b), a.trace) < (of(a), b.trace),
            }));
            let few = SearchOptions { limit: 7, ..all };
            assert_eq!(found(&COLUMNS, &pipeline, &few), whole[..7]);
        }
    }
}

#[test]
fn a_search_stops_when_it_is_told_to() {
    let filter = parse("{ span.db.statement =~ `.*x.*` || .a + 1 = 2 }").unwrap();
    let plan = SearchPlan::new(&Pipeline::of(filter));
    let any = |keep_going| matches_any(&COLUMNS, &plan, &Evaluation::new(WINDOW, keep_going));
    assert_eq!(any(&|| false), Err(Stopped::Cancelled));
    let asked = std::cell::Cell::new(0);
    let keep_going = || {
        asked.set(asked.get() + 1);
        asked.get() < 4
    };
    assert_eq!(any(&keep_going), Err(Stopped::Cancelled));
    assert_eq!(asked.get(), 4);
}

/// The parameters of an argument such as `name?q=…`.
fn parameter(text: &str, name: &str) -> Option<String> {
    text.split('&')
        .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
        .map(str::to_owned)
}

/// Span attributes that the corpus has and Tempo does not list, as it gives them columns of their own
/// (its dedicated columns). That is a defect of Tempo; Takt lists what is there.
const NOT_LISTED_BY_TEMPO: [&str; 4] = [
    "http.request.method",
    "http.route",
    "server.address",
    "url.path",
];

#[test]
fn tag_names_are_those_of_tempo_and_none_is_missing() {
    for (scope, _, expected, _) in rows("tags1") {
        let scope = TagScope::ALL.into_iter().find(|s| s.name() == scope);
        let found = tag_names(&COLUMNS, scope, None, WINDOW, Bounds::NONE, &|| true).unwrap();
        let all: BTreeSet<String> = found.scopes.into_values().flatten().collect();
        assert!(NOT_LISTED_BY_TEMPO.iter().all(|name| all.contains(*name)));
        let names = as_tempo_lists(all);
        assert_eq!(json!(names), expected, "{scope:?}");
    }
    for (argument, _, expected, _) in rows("tags2") {
        let scope = parameter(&argument, "scope");
        let scope = TagScope::ALL
            .into_iter()
            .find(|s| Some(s.name()) == scope.as_deref());
        let filter = parameter(&argument, "q").map(|q| lenient(&q).filter);
        let found = tag_names(
            &COLUMNS,
            scope,
            filter.as_ref(),
            WINDOW,
            Bounds::NONE,
            &|| true,
        );
        let scopes: Map<String, Json> = found
            .unwrap()
            .scopes
            .into_iter()
            .map(|(scope, names)| (scope.name().to_owned(), json!(as_tempo_lists(names))))
            .collect();
        assert_eq!(Json::Object(scopes), expected, "{argument}");
    }
}

fn as_tempo_lists(mut names: BTreeSet<String>) -> BTreeSet<String> {
    names.retain(|name| !NOT_LISTED_BY_TEMPO.contains(&name.as_str()));
    names
}

#[test]
fn tag_values_are_those_of_tempo() {
    for (tag, _, expected, _) in rows("values1") {
        let field = Field::attribute(Scope::Any, tag.as_str());
        let found = tag_values(&COLUMNS, &field, None, WINDOW, Bounds::NONE, &|| true).unwrap();
        let mut values: Vec<String> = found
            .values
            .iter()
            .map(|value| json!(value.text).to_string())
            .collect();
        values.sort();
        assert_eq!(json!(values), expected, "{tag}");
    }
    for (argument, _, expected, _) in rows("values2") {
        let (tag, parameters) = argument.split_once('?').unwrap_or((&argument, ""));
        let field = parse_tag(tag).unwrap();
        let filter = parameter(parameters, "q").map(|q| lenient(&q).filter);
        let found = tag_values(
            &COLUMNS,
            &field,
            filter.as_ref(),
            WINDOW,
            Bounds::NONE,
            &|| true,
        );
        let mut values: Vec<String> = found
            .unwrap()
            .values
            .iter()
            .map(|value| {
                let text = json!(value.text);
                format!(r#"{{"type": "{}", "value": {text}}}"#, value.kind.name())
            })
            .collect();
        values.sort();
        assert_eq!(json!(values), expected, "{argument}");
    }
}

#[test]
fn a_bounded_answer_says_that_it_was_cut() {
    let field = parse_tag("resource.service.name").unwrap();
    let of = |bounds| tag_values(&COLUMNS, &field, None, WINDOW, bounds, &|| true).unwrap();
    let whole = of(Bounds::NONE);
    assert_eq!((whole.values.len(), whole.cut), (17, false));
    let few = of(Bounds {
        entries: 5,
        bytes: 0,
    });
    assert_eq!((few.values.len(), few.cut), (5, true));
    let short = of(Bounds {
        entries: 0,
        bytes: 20,
    });
    let bytes: usize = short.values.iter().map(|value| value.text.len()).sum();
    assert!(short.cut && bytes <= 20);
    let names = tag_names(
        &COLUMNS,
        Some(TagScope::Span),
        None,
        WINDOW,
        Bounds {
            entries: 3,
            bytes: 0,
        },
        &|| true,
    );
    let names = names.unwrap();
    assert_eq!((names.scopes[&TagScope::Span].len(), names.cut), (3, true));
}
