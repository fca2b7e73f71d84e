//! Random metrics queries over random traces: the slow evaluator agrees, and so does every split.

#![expect(clippy::unwrap_used, reason = "a failed expectation is a failed test")]

mod common;

use std::collections::BTreeMap;

use prost::Message;
use takt_engine::metrics::{MetricsOptions, MetricsPlan, Partial, Refusal};
use takt_engine::{Interval, Scope, Series, accumulate, evaluate};
use takt_model::TimeRange;
use takt_reference::random::{Queries, Rng, Size, TIME, requests};
use takt_reference::{Corpus, metrics};
use takt_trace::reorder::{cluster, select};
use takt_trace::{SpanColumns, Value};
use takt_traceql::{Body, MetricsExpr, parse};

const OPTIONS: MetricsOptions = MetricsOptions {
    exemplars: 7,
    max_groups: 10_000,
    extrapolate: false,
    sample: None,
};

/// Traces and a query that the engine can run.
struct Case {
    text: String,
    expr: MetricsExpr,
    requests: Vec<opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest>,
    columns: SpanColumns,
    interval: Interval,
    rng: Rng,
}

/// Calls `check` with a few thousand cases.
fn each_case(seeds: std::ops::Range<u64>, mut check: impl FnMut(&mut Case)) {
    let mut cases = 0;
    for seed in seeds.clone() {
        let mut rng = Rng::new(seed);
        let size = if seed % 40 == 0 {
            Size::Medium
        } else {
            Size::Small
        };
        let requests = requests(&mut rng, size);
        let bytes: Vec<Vec<u8>> = requests.iter().map(Message::encode_to_vec).collect();
        let columns = common::columns(&bytes);
        let texts: Vec<String> = {
            let corpus = Corpus::new(&requests);
            let mut queries = Queries::new(&corpus, rng.clone());
            (0..12).map(|_| queries.metrics()).collect()
        };
        let mut case = Case {
            text: String::new(),
            expr: MetricsExpr::Number(0.0),
            requests,
            columns,
            interval: interval(&mut rng),
            rng,
        };
        for text in texts {
            if shape(&text) {
                continue;
            }
            let Ok(query) = parse(&text) else { continue };
            let Body::Metrics(expr) = query.body else {
                continue;
            };
            (case.text, case.expr) = (text, expr);
            if plans(&case, OPTIONS).is_ok() {
                cases += 1;
                check(&mut case);
            }
        }
    }
    assert!(cases * 4 > seeds.count(), "only {cases} cases");
}

/// Whether a query asks for the shape of traces: nested-set numbers count in the order of rows, and
/// who the parent is in odd traces is for the tests of searches.
fn shape(query: &str) -> bool {
    ["nestedSet", "parent.", "childCount"]
        .iter()
        .any(|word| query.contains(word))
}

/// Sometimes one step, which is another rule.
fn interval(rng: &mut Rng) -> Interval {
    const SECOND: u64 = 1_000_000_000;
    let step = [SECOND / 4, SECOND, 3 * SECOND][rng.below(3)];
    let steps = [1, 2, 5, 40][rng.below(4)];
    let start = TIME - [0, SECOND, 2 * SECOND][rng.below(3)];
    Interval {
        start,
        end: start + steps * step,
        step,
    }
}

fn plans(case: &Case, options: MetricsOptions) -> Result<Vec<MetricsPlan>, Refusal> {
    let mut plans = Vec::new();
    case.expr.for_each_query(&mut |query| {
        plans.push(MetricsPlan::new(query, case.interval, options));
    });
    plans.into_iter().collect()
}

fn partial(columns: &SpanColumns, plan: &MetricsPlan) -> Partial {
    accumulate(columns, plan, &Scope::new(TimeRange::ALL, &|| true)).unwrap()
}

fn whole(case: &Case, options: MetricsOptions) -> Vec<(MetricsPlan, Partial)> {
    let plans = plans(case, options).unwrap().into_iter();
    plans
        .map(|plan| {
            let partial = partial(&case.columns, &plan);
            (plan, partial)
        })
        .collect()
}

/// Series by labels, samples by time.
type Normal = BTreeMap<String, BTreeMap<u64, f64>>;

/// Series as the slow evaluator tells them.
fn normal(series: &[Series], interval: Interval) -> Normal {
    let mut answer = BTreeMap::new();
    for series in series {
        let samples = (0..).zip(&series.samples);
        let samples = samples.filter(|(_, sample)| !sample.is_nan());
        let samples = samples.map(|(step, sample)| (interval.stamp(step), *sample));
        let labels = series.labels.iter().map(|(name, value)| {
            let value = match value {
                None => "none".to_owned(),
                Some(value) => key(value),
            };
            format!("{name}={value}")
        });
        let mut labels: Vec<String> = labels.collect();
        labels.sort();
        let known = answer.insert(labels.join(", "), samples.collect());
        assert!(known.is_none(), "series twice: {labels:?}");
    }
    answer
}

/// Type and value, as the slow evaluator tells them.
fn key(value: &Value) -> String {
    match value {
        Value::String(text) => format!("text {text}"),
        Value::Int(number) => format!("int {number}"),
        Value::Float(number) => format!("float {:016x} ({number})", number.to_bits()),
        Value::Bool(flag) => format!("bool {flag}"),
        Value::Other(bytes) => format!("other {bytes:?}"),
    }
}

fn slow(case: &Case) -> Normal {
    let interval = takt_reference::Interval {
        start: case.interval.start,
        end: case.interval.end,
        step: case.interval.step,
    };
    let answer = metrics(&Corpus::new(&case.requests), &case.expr, interval);
    let with_labels = |series: takt_reference::Series| {
        let labels = series.labels.iter().map(|(name, value)| {
            let value = value
                .as_ref()
                .map_or_else(|| "none".to_owned(), |value| value.key());
            format!("{name}={value}")
        });
        let mut labels: Vec<String> = labels.collect();
        labels.sort();
        let samples = series.samples.into_iter();
        (
            labels.join(", "),
            samples.filter(|(_, sample)| !sample.is_nan()).collect(),
        )
    };
    let answer: Normal = answer.into_iter().map(with_labels).collect();
    answer
        .into_iter()
        .filter(|(labels, samples)| !samples.is_empty() || labels.contains("__meta_error"))
        .collect()
}

/// Equal, but for the last digits of samples.
fn assert_same(left: &Normal, right: &Normal, what: &str) {
    let keys = |answer: &Normal| answer.keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(left), keys(right), "series of {what}");
    for (labels, left) in left {
        let right = &right[labels];
        let times = |samples: &BTreeMap<u64, f64>| samples.keys().copied().collect::<Vec<_>>();
        assert_eq!(times(left), times(right), "times of {labels} of {what}");
        for (time, left) in left {
            let right = right[time];
            let close =
                *left == right || (left - right).abs() <= 1e-9 * left.abs().max(right.abs());
            assert!(close, "{left} or {right} at {time} of {labels} of {what}");
        }
    }
}

#[test]
fn series_are_those_of_the_slow_evaluator() {
    each_case(0..300, |case| {
        let found = evaluate(&case.expr, whole(case, OPTIONS));
        let (mut found, mut expected) = (normal(&found, case.interval), slow(case));
        for answer in [&mut found, &mut expected] {
            answer.retain(|labels, _| !labels.contains("span:childCount"));
        }
        assert_same(&found, &expected, &case.text);
    });
}

/// The traces in some parts: live or clustered, and now and then an empty one.
fn split(case: &mut Case) -> Vec<SpanColumns> {
    let mut parts = vec![Vec::new(); 1 + case.rng.below(4)];
    for trace in 0..u32::try_from(case.columns.traces.len()).unwrap() {
        let at = case.rng.below(parts.len());
        parts[at].push(trace);
    }
    parts
        .iter()
        .map(|traces| {
            let part = select(&case.columns, traces);
            if case.rng.chance(50) {
                cluster(&part)
            } else {
                part
            }
        })
        .collect()
}

/// Merged in any order and shape.
fn merged(mut partials: Vec<Partial>, rng: &mut Rng) -> Partial {
    while partials.len() > 1 {
        let one = partials.swap_remove(rng.below(partials.len()));
        let at = rng.below(partials.len());
        partials[at].merge(one);
    }
    partials.pop().unwrap()
}

#[test]
fn any_split_gives_the_same_partial() {
    // Groups and examples are cut in some of the cases.
    for (seeds, max_groups) in [(1000..1150, 10_000), (1150..1300, 3)] {
        let options = MetricsOptions {
            max_groups,
            ..OPTIONS
        };
        each_case(seeds, |case| {
            let parts = split(case);
            for (plan, mut whole) in whole(case, options) {
                let mut split = merged(
                    parts.iter().map(|p| partial(p, &plan)).collect(),
                    &mut case.rng,
                );
                // Sums keep 106 bits, of which the last may depend on the order.
                for partial in [&mut whole, &mut split] {
                    round_sums(partial);
                }
                let what = format!("{} in {} parts", case.text, parts.len());
                // Not a number is not equal to itself, but prints the same.
                assert_eq!(format!("{whole:?}"), format!("{split:?}"), "{what}");
            }
        });
    }
}

fn round_sums(partial: &mut Partial) {
    for group in &mut partial.groups {
        if let takt_engine::metrics::Cells::Means(means) = &mut group.cells {
            for (_, mean) in means {
                mean.sum.high = mean.sum.value();
                mean.sum.low = 0.0;
            }
        }
    }
}
