//! How many spans a second metrics queries read, on one core, with the columns in memory.
//!
//! `cargo run --release -p takt-engine --example metrics`

#![expect(clippy::print_stdout, reason = "the table is what it is for")]
#![expect(clippy::unwrap_used, reason = "an example that fails should say so")]

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message as _;
use takt_engine::metrics::{MetricsOptions, MetricsPlan};
use takt_engine::{Interval, Scope, accumulate};
use takt_model::TimeRange;
use takt_trace::SpanColumns;
use takt_trace::decode::{DecodeLimits, Decoder};
use takt_trace::reorder::cluster;
use takt_traceql::{Body, parse};

const QUERIES: [&str; 10] = [
    "{ } | rate()",
    "{ } | rate() by (resource.service.name)",
    "{ } | rate() by (resource.service.name, name)",
    "{ } | quantile_over_time(duration, .99) by (resource.service.name)",
    "{ } | histogram_over_time(duration)",
    "{ } | avg_over_time(duration) by (resource.service.name)",
    "{ } | max_over_time(duration) by (resource.service.name)",
    "{ status = error } | rate() by (resource.service.name, name)",
    "{ } | rate() by (span.http.route)",
    "{ } | compare({ status = error })",
];

const TRACES: u64 = 110_000;
const SPANS_OF_TRACE: u64 = 18;
const SERVICES: u64 = 17;
const BEGIN: u64 = 1_790_000_000_000_000_000;
const HOUR: u64 = 3_600_000_000_000;
const ROUNDS: u32 = 5;

fn main() {
    let columns = cluster(&corpus());
    let spans = columns.len();
    println!(
        "{spans} spans, one hour by 15 s, best of {ROUNDS}; M spans/s with no and with 100 examples"
    );
    for query in QUERIES {
        let [plain, examples] = [0, 100].map(|exemplars| best(&columns, query, exemplars));
        println!("{plain:8.1} {examples:8.1}  {query}");
    }
}

/// Millions of spans a second.
#[expect(clippy::cast_precision_loss, reason = "a few digits will do")]
fn best(columns: &SpanColumns, query: &str, exemplars: usize) -> f64 {
    let Body::Metrics(expr) = parse(query).unwrap().body else {
        unreachable!("{query} is a metrics query");
    };
    let interval = Interval {
        start: BEGIN,
        end: BEGIN + HOUR,
        step: 15_000_000_000,
    };
    let options = MetricsOptions {
        exemplars,
        max_groups: 10_000,
        extrapolate: false,
        sample: None,
    };
    let mut plans = Vec::new();
    expr.for_each_query(&mut |query| {
        plans.push(MetricsPlan::new(query, interval, options).unwrap());
    });
    let scope = Scope::new(TimeRange::ALL, &|| true);
    let seconds = (0..ROUNDS).map(|_| {
        #[expect(clippy::disallowed_methods, reason = "real time is what is measured")]
        let begin = std::time::Instant::now();
        let partial = accumulate(columns, &plans[0], &scope).unwrap();
        assert!(!partial.groups.is_empty(), "{query} counts something");
        begin.elapsed().as_secs_f64()
    });
    columns.len() as f64 / seconds.fold(f64::MAX, f64::min) / 1e6
}

/// Traces of a shop that does not exist, through the decoder as if received.
fn corpus() -> SpanColumns {
    let mut columns = SpanColumns::default();
    let mut decoder = Decoder::default();
    let limits = DecodeLimits {
        max_attribute_bytes: 0,
    };
    for trace in (0..TRACES).step_by(1000) {
        let traces = trace..(trace + 1000).min(TRACES);
        let spans = traces.flat_map(|trace| (0..SPANS_OF_TRACE).map(move |span| (trace, span)));
        let request = ExportTraceServiceRequest {
            resource_spans: spans.map(|(trace, span)| resource(trace, span)).collect(),
        };
        decoder
            .append(&mut columns, &request.encode_to_vec(), &limits)
            .unwrap();
    }
    columns
}

fn resource(trace: u64, span: u64) -> ResourceSpans {
    let service = text(
        "service.name",
        format!("service-{}", (trace + span) % SERVICES),
    );
    ResourceSpans {
        resource: Some(Resource {
            attributes: vec![service],
            ..Resource::default()
        }),
        scope_spans: vec![ScopeSpans {
            spans: vec![self::span(trace, span)],
            ..ScopeSpans::default()
        }],
        ..ResourceSpans::default()
    }
}

fn span(trace: u64, span: u64) -> Span {
    let random = mixed(trace * SPANS_OF_TRACE + span);
    let start = BEGIN + trace * (HOUR / TRACES) + span * 1_000_000;
    let parent = if span == 0 {
        Vec::new()
    } else {
        id(trace, span / 2)
    };
    let mut attributes = vec![text("user.id", format!("user-{}", random % 50_000))];
    if span.is_multiple_of(3) {
        attributes.push(text("http.route", format!("/route/{}", random % 40)));
    }
    Span {
        trace_id: [mixed(trace), mixed(!trace)].map(u64::to_be_bytes).concat(),
        span_id: id(trace, span),
        parent_span_id: parent,
        name: format!("operation {}", (trace + span * 7) % 60),
        kind: i32::try_from(span % 5 + 1).unwrap(),
        start_time_unix_nano: start,
        end_time_unix_nano: start + (1_000_000 << (random % 10)) + random % 1_000_000,
        attributes,
        status: Some(Status {
            code: if random.is_multiple_of(50) { 2 } else { 0 },
            message: String::new(),
        }),
        ..Span::default()
    }
}

fn id(trace: u64, span: u64) -> Vec<u8> {
    (trace * SPANS_OF_TRACE + span + 1).to_be_bytes().to_vec()
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

fn mixed(number: u64) -> u64 {
    let number = (number ^ 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (number ^ (number >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 7
}
