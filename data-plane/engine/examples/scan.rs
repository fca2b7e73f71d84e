//! How many spans a second searches read, on one core, with the columns in memory.
//!
//! `cargo run --release -p takt-engine --example scan`

#![expect(clippy::disallowed_methods, reason = "measuring is reading the clock")]
#![expect(clippy::print_stdout, reason = "the table is what it is for")]
#![expect(clippy::unwrap_used, reason = "an example that fails should say where")]

use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;
use takt_engine::{NEWEST_FIRST, Scope, SearchOptions, SearchPlan, search};
use takt_model::TimeRange;
use takt_trace::SpanColumns;
use takt_trace::decode::{DecodeLimits, Decoder};
use takt_trace::reorder::cluster;
use takt_traceql::{Body, parse};

const QUERIES: [&str; 12] = [
    "{ }",
    "{ name = `nosuch` && duration > 1h }",
    "{ duration > 1h }",
    "{ duration > 9ms && resource.service.name = `s3` }",
    "{ span.user = `u-77777` }",
    "{ span.amount > 900 }",
    "{ span:childCount > 6 }",
    "{ name = `op-1` } >> { name = `op-5` }",
    "{ name = `op-5` } << { name = `op-1` }",
    "{ name = `op-1` } ~ { name = `op-2` }",
    "{ } | count() > 30",
    "{ } | by(resource.service.name) | count() > 5",
];

const TRACES: u64 = 60_000;
const SPANS: u64 = 25;
const ROUNDS: usize = 7;

fn main() {
    let live = corpus();
    let stored = cluster(&live);
    println!("M spans/s of {}, best of {ROUNDS} rounds", live.len());
    println!("{:>8} {:>8} {:>7}", "stored", "live", "traces");
    for query in QUERIES {
        let Body::Search(pipeline) = parse(query).unwrap().body else {
            unreachable!("{query} is a search")
        };
        let plan = SearchPlan::new(&pipeline);
        let (stored, found) = speed(&stored, &plan);
        let (live, _) = speed(&live, &plan);
        println!("{stored:8.1} {live:8.1} {found:7}  {query}");
    }
}

/// Millions of spans a second, and how many traces were found.
#[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
fn speed(columns: &SpanColumns, plan: &SearchPlan) -> (f64, usize) {
    let options = SearchOptions {
        limit: 20,
        spans_per_set: 3,
        order: NEWEST_FIRST,
        after: None,
    };
    let scope = Scope::new(TimeRange::ALL, &|| true);
    let mut best = (Duration::MAX, 0);
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        let found = search(columns, plan, &scope, &options).unwrap().len();
        best = best.min((begin.elapsed(), found));
    }
    (columns.len() as f64 / best.0.as_secs_f64() / 1e6, best.1)
}

/// Traces of one shape: the children of span `n` are `3n + 1`, `3n + 2` and `3n + 3`.
fn corpus() -> SpanColumns {
    let mut columns = SpanColumns::default();
    let mut decoder = Decoder::default();
    let limits = DecodeLimits {
        max_attribute_bytes: 0,
    };
    for trace in 1..=TRACES {
        let resource_spans = (0..SPANS)
            .map(|n| ResourceSpans {
                resource: Some(Resource {
                    attributes: vec![text("service.name", format!("s{}", n / 3))],
                    ..Resource::default()
                }),
                scope_spans: vec![ScopeSpans {
                    spans: vec![span(trace, n)],
                    ..ScopeSpans::default()
                }],
                ..ResourceSpans::default()
            })
            .collect();
        let request = ExportTraceServiceRequest { resource_spans };
        decoder
            .append(&mut columns, &request.encode_to_vec(), &limits)
            .unwrap();
    }
    columns
}

fn span(trace: u64, n: u64) -> Span {
    let id = |n: u64| (trace * SPANS + n + 1).to_be_bytes().to_vec();
    let start = 1_790_000_000_000_000_000 + trace * 1_000_000 + n * 1_000;
    Span {
        trace_id: [
            0_u64.to_be_bytes(),
            trace.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes(),
        ]
        .concat(),
        span_id: id(n),
        parent_span_id: n.checked_sub(1).map_or_else(Vec::new, |n| id(n / 3)),
        name: format!("op-{n}"),
        start_time_unix_nano: start,
        end_time_unix_nano: start + 1_000 * (1 + (trace * 7 + n * 13) % 10_000),
        attributes: vec![
            text("user", format!("u-{}", (trace * SPANS + n) % 100_000)),
            KeyValue {
                key: "amount".to_owned(),
                value: Some(AnyValue {
                    value: Some(any_value::Value::IntValue(
                        i64::try_from(trace * n % 1_000).unwrap(),
                    )),
                }),
                ..KeyValue::default()
            },
        ],
        ..Span::default()
    }
}

fn text(key: &str, value: String) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            value: Some(any_value::Value::StringValue(value)),
        }),
        ..KeyValue::default()
    }
}
