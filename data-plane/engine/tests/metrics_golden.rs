//! The recorded answers of Tempo to metrics queries about the corpus in `tests/golden`.

#![expect(clippy::unwrap_used, reason = "a failed expectation is a failed test")]

mod common;
mod corpus;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Value as Json, json};
use takt_engine::metrics::{MetricsOptions, MetricsPlan, Partial};
use takt_engine::{Interval, Scope, Series, accumulate, evaluate};
use takt_model::TimeRange;
use takt_trace::reorder::{cluster, select};
use takt_trace::{SpanColumns, Value};
use takt_traceql::{Body, MetricsExpr, parse};

static LIVE: LazyLock<SpanColumns> = LazyLock::new(|| common::columns(&corpus::requests()));

const SECOND: u64 = 1_000_000_000;

/// What the recording asked for, 1790000000 to 1790000660 by a minute, as the frontend aligns it.
const RANGE: Interval = Interval {
    start: 1_789_999_920 * SECOND,
    end: 1_790_000_700 * SECOND,
    step: 60 * SECOND,
};

const INSTANT: Interval = Interval {
    start: 1_790_000_000 * SECOND,
    end: 1_790_000_660 * SECOND,
    step: 660 * SECOND,
};

const OPTIONS: MetricsOptions = MetricsOptions {
    exemplars: 100,
    max_groups: 10_000,
    extrapolate: false,
    sample: None,
};

/// The answer over all of the sources, each with the whole of its traces.
fn ask(sources: &[&SpanColumns], expr: &MetricsExpr, interval: Interval) -> Vec<Series> {
    let mut parts = Vec::new();
    expr.for_each_query(&mut |query| {
        let plan = MetricsPlan::new(query, interval, OPTIONS).unwrap();
        let mut whole: Partial = plan.empty();
        for source in sources {
            whole.merge(accumulate(source, &plan, &Scope::new(TimeRange::ALL, &|| true)).unwrap());
        }
        parts.push((plan, whole));
    });
    evaluate(expr, parts)
}

/// Series in the normal form of the recording: by labels, the samples that are not zero, by time.
type Normal = BTreeMap<String, BTreeMap<String, f64>>;

fn normal(series: &[Series], interval: Interval) -> Normal {
    let mut answer = Normal::new();
    for series in series {
        let mut labels: Vec<Json> = series.labels.iter().map(label).collect();
        labels.sort_by_key(ToString::to_string);
        let samples = (0..).zip(&series.samples);
        let samples: BTreeMap<String, f64> = samples
            .filter(|(_, sample)| !sample.is_nan() && **sample != 0.0)
            .map(|(step, sample)| {
                let time = (interval.stamp(step) / 1_000_000).to_string();
                (
                    if interval.is_instant() {
                        String::new()
                    } else {
                        time
                    },
                    *sample,
                )
            })
            .collect();
        let known = answer.insert(json!(labels).to_string(), samples);
        assert!(known.is_none(), "series twice: {:?}", series.labels);
    }
    answer.retain(|_, samples| !samples.is_empty());
    answer
}

fn label((key, value): &(String, Option<Value>)) -> Json {
    let value = match value {
        None => json!(["string", "nil"]),
        Some(Value::String(text)) => json!(["string", text]),
        Some(Value::Int(number)) => json!(["int", number]),
        Some(Value::Float(number)) => json!(["float", number]),
        Some(Value::Bool(flag)) => json!(["bool", flag]),
        Some(Value::Other(_)) => unreachable!("no recorded query groups by an array"),
    };
    json!([key, value])
}

fn recorded(answer: &Json) -> Normal {
    let mut series = Normal::new();
    for (labels, samples) in answer.as_object().unwrap() {
        let labels: Json = serde_json::from_str(labels).unwrap();
        let samples = samples.as_array().unwrap().iter();
        let samples: BTreeMap<String, f64> = samples
            .map(|sample| {
                let time = sample[0]
                    .as_u64()
                    .map_or(String::new(), |time| time.to_string());
                (time, sample[1].as_f64().unwrap())
            })
            .filter(|(_, sample)| *sample != 0.0)
            .collect();
        if !samples.is_empty() {
            series.insert(labels.to_string(), samples);
        }
    }
    series
}

/// What differs, as `oracle.py` sees it.
fn difference(expected: &Normal, found: &Normal) -> Option<String> {
    let keys = |answer: &Normal| answer.keys().cloned().collect::<Vec<_>>();
    if keys(expected) != keys(found) {
        return Some(format!(
            "series {:?}, not {:?}",
            keys(found),
            keys(expected)
        ));
    }
    expected.iter().find_map(|(labels, expected)| {
        let found = &found[labels];
        let times = |samples: &BTreeMap<String, f64>| samples.keys().cloned().collect::<Vec<_>>();
        if times(expected) != times(found) {
            return Some(format!("times of {labels}: {:?}", times(found)));
        }
        expected.iter().find_map(|(time, expected)| {
            let found = found[time];
            let close = (expected - found).abs() <= 1e-6 * expected.abs().max(found.abs());
            (!close).then(|| format!("{labels} at {time}: {found}, not {expected}"))
        })
    })
}

fn check(kind: &str, interval: Interval, sources: &[&SpanColumns]) -> usize {
    let mut asked = 0;
    for (query, right) in corpus::answers(kind) {
        let Body::Metrics(expr) = parse(&query).unwrap().body else {
            unreachable!("{query} is a metrics query");
        };
        let found = normal(&ask(sources, &expr, interval), interval);
        let differences: Vec<Option<String>> = right
            .iter()
            .map(|right| difference(&recorded(right), &found))
            .collect();
        assert!(differences.contains(&None), "{query}: {:?}", differences[0]);
        asked += 1;
    }
    asked
}

#[test]
fn ranges_answer_as_tempo_does() {
    assert_eq!(check("range", RANGE, &[&LIVE]), 20);
}

#[test]
fn instants_answer_as_tempo_does() {
    assert_eq!(check("instant", INSTANT, &[&LIVE]), 4);
}

#[test]
fn blocks_and_live_spans_together_answer_as_tempo_does() {
    let traces = 0..u32::try_from(LIVE.traces.len()).unwrap();
    let (even, odd): (Vec<u32>, Vec<u32>) = traces.partition(|trace| trace % 2 == 0);
    let (block, live) = (cluster(&select(&LIVE, &even)), select(&LIVE, &odd));
    check("range", RANGE, &[&block, &live]);
    check("instant", INSTANT, &[&live, &block]);
}
