//! Series over time from the spans that a pipeline leaves.

use std::collections::BTreeMap;

use takt_traceql::{Field, Function, MetricsExpr, MetricsQuery, Scope, What};

use crate::expr::{Only, field};
use crate::quantile::{bucket, quantile};
use crate::search::{first_filter, in_question, spans};
use crate::series::{AllSeries, Labels, Operand, Series, then, through};
use crate::value::Value;
use crate::{Corpus, Trace, compare};

/// Nanoseconds since the Unix epoch.
///
/// Buckets are right-closed: `(start, start + step]` is the first, stamped with its right edge. When
/// one step is the whole interval, `start` itself belongs to it as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    pub start: u64,
    pub end: u64,
    pub step: u64,
}

impl Interval {
    /// The stamp of the bucket that a moment falls into.
    #[must_use]
    pub fn stamp(&self, moment: u64) -> Option<u64> {
        let instant = self.start + self.step == self.end;
        if instant && moment == self.start {
            return Some(self.end);
        }
        self.stamps()
            .find(|end| end - self.step < moment && moment <= *end)
    }

    /// The stamps of all buckets.
    pub fn stamps(&self) -> impl Iterator<Item = u64> {
        let (end, step) = (self.end, self.step);
        std::iter::successors(Some(self.start + step), move |stamp| Some(stamp + step))
            .take_while(move |stamp| *stamp <= end)
    }

    #[expect(clippy::cast_precision_loss, reason = "steps are short")]
    fn seconds(&self) -> f64 {
        self.step as f64 / 1e9
    }
}

/// The answer to a metrics query, without series that have no sample.
#[must_use]
pub fn metrics(corpus: &Corpus<'_>, expr: &MetricsExpr, interval: Interval) -> Vec<Series> {
    match operand(corpus, expr, interval) {
        Operand::Number(_) => Vec::new(),
        Operand::Series(all) => all.into_values().filter(is_shown).collect(),
    }
}

/// A series without samples says nothing, but that of `compare()` which tells of too many values.
fn is_shown(series: &Series) -> bool {
    !series.samples.is_empty() || series.labels.iter().any(|(name, _)| name == compare::ERROR)
}

fn operand(corpus: &Corpus<'_>, expr: &MetricsExpr, interval: Interval) -> Operand {
    match expr {
        MetricsExpr::Query(query) => Operand::Series(first_stage(corpus, query, interval)),
        MetricsExpr::Number(number) => Operand::Number(*number),
        MetricsExpr::Binary { op, left, right } => through(
            *op,
            operand(corpus, left, interval),
            operand(corpus, right, interval),
        ),
        MetricsExpr::Then { of, stage } => match operand(corpus, of, interval) {
            Operand::Series(all) => Operand::Series(then(*stage, all)),
            number @ Operand::Number(_) => number,
        },
    }
}

/// A span that counts, and the stamp of its bucket.
pub(crate) struct Counted<'a, 'c> {
    pub(crate) trace: &'c Trace<'a>,
    pub(crate) at: usize,
    pub(crate) stamp: u64,
    only: Only,
}

impl Counted<'_, '_> {
    pub(crate) fn first_value(&self, of: &Field) -> Option<Value> {
        field(self.trace, self.at, of, self.only).into_iter().next()
    }

    /// An attribute without a scope groups by that of the span, or else of the resource, and no other.
    fn group(&self, by: &Field) -> Option<Value> {
        let What::Attribute(Scope::Any, key) = &by.what else {
            return self.first_value(by);
        };
        let of = |scope| Field {
            parent: by.parent,
            what: What::Attribute(scope, key.clone()),
        };
        [Scope::Span, Scope::Resource]
            .into_iter()
            .find_map(|scope| self.first_value(&of(scope)))
    }

    fn first_number(&self, of: &Field) -> Option<Value> {
        let mut values = field(self.trace, self.at, of, self.only).into_iter();
        values.find(Value::is_number)
    }

    /// Durations in seconds.
    fn measure(&self, of: &Field) -> Option<f64> {
        match self.first_number(of)? {
            value @ Value::Duration(_) => Some(value.as_float()? / 1e9),
            value => value.as_float(),
        }
    }

    /// Of ints as they are, of durations in seconds; floats have no buckets.
    fn bucket(&self, of: &Field) -> Option<f64> {
        match self.first_number(of)? {
            Value::Int(number) => bucket(number),
            Value::Duration(nanos) => Some(bucket(nanos)? / 1e9),
            _ => None,
        }
    }
}

fn first_stage(corpus: &Corpus<'_>, query: &MetricsQuery, interval: Interval) -> AllSeries {
    let mut counted = Vec::new();
    for trace in &corpus.traces {
        for at in spans(trace, &query.pipeline) {
            let start = trace.spans[at].span.start_time_unix_nano;
            if let Some(stamp) = interval.stamp(start) {
                let only = in_question(trace, at, first_filter(&query.pipeline));
                counted.push(Counted {
                    trace,
                    at,
                    stamp,
                    only,
                });
            }
        }
    }
    if let Function::Compare(compare) = &query.function {
        return compare::compare(&counted, compare, interval);
    }
    let mut groups: BTreeMap<String, (Vec<Option<Value>>, Vec<&Counted<'_, '_>>)> = BTreeMap::new();
    for span in &counted {
        let values: Vec<_> = query.by.iter().map(|field| span.group(field)).collect();
        let keys = values.iter().map(|v| v.as_ref().map(Value::key));
        let key = format!("{:?}", keys.collect::<Vec<_>>());
        groups
            .entry(key)
            .or_insert_with(|| (values, Vec::new()))
            .1
            .push(span);
    }
    if query.by.is_empty() {
        // Without groups there is one, even of nothing.
        groups.entry("[]".to_owned()).or_default();
    }
    let mut all = AllSeries::new();
    for (values, spans) in groups.into_values() {
        let labels = query.by.iter().zip(&values).filter_map(|(field, value)| {
            let value = value.as_ref()?;
            Some((field.to_string(), Some(value.shown())))
        });
        for series in of_group(query, labels.collect(), &spans, interval) {
            all.insert(series.key(), series);
        }
    }
    all
}

/// The series of one group. A group without any label is told by the first label without a value, or,
/// if nothing is grouped, by the name of the function.
fn of_group(
    query: &MetricsQuery,
    labels: Labels,
    spans: &[&Counted<'_, '_>],
    interval: Interval,
) -> Vec<Series> {
    let named = |name: &str| match query.by.first() {
        _ if !labels.is_empty() => labels.clone(),
        Some(field) => vec![(field.to_string(), None)],
        None => vec![("__name__".to_owned(), Some(Value::Text(name.to_owned())))],
    };
    let one = |name: &str, samples| {
        vec![Series {
            labels: named(name),
            samples,
        }]
    };
    let measured = |of: &Field, number: fn(&[f64]) -> f64| {
        let numbers = by_stamp(spans, |span| span.measure(of));
        let samples = numbers
            .into_iter()
            .map(|(stamp, all)| (stamp, number(&all)));
        // Infinities may cancel.
        samples.filter(|(_, sample)| !sample.is_nan()).collect()
    };
    match &query.function {
        Function::Rate => {
            let counts = counts(spans, interval).into_iter();
            one(
                "rate",
                counts
                    .map(|(stamp, n)| (stamp, n / interval.seconds()))
                    .collect(),
            )
        }
        Function::CountOverTime => one("count_over_time", counts(spans, interval)),
        Function::MinOverTime(of) => one(
            "min_over_time",
            measured(of, |all| all.iter().copied().fold(f64::INFINITY, f64::min)),
        ),
        Function::MaxOverTime(of) => one(
            "max_over_time",
            measured(of, |all| {
                all.iter().copied().fold(f64::NEG_INFINITY, f64::max)
            }),
        ),
        Function::SumOverTime(of) => one("sum_over_time", measured(of, |all| all.iter().sum())),
        Function::AvgOverTime(of) => one("avg_over_time", measured(of, mean)),
        Function::QuantileOverTime(of, quantiles) => {
            let buckets = by_stamp(spans, |span| span.bucket(of));
            if buckets.is_empty() {
                return Vec::new();
            }
            let at = |q: f64, stamp: u64| buckets.get(&stamp).map_or(0.0, |all| quantile(q, all));
            let of_one = |q: &f64| Series {
                labels: with(&labels, "p", *q),
                samples: interval
                    .stamps()
                    .map(|stamp| (stamp, at(*q, stamp)))
                    .collect(),
            };
            quantiles.iter().map(of_one).collect()
        }
        Function::HistogramOverTime(of) => {
            let mut by_bucket: BTreeMap<u64, Vec<&Counted<'_, '_>>> = BTreeMap::new();
            for span in spans {
                if let Some(bucket) = span.bucket(of) {
                    by_bucket.entry(bucket.to_bits()).or_default().push(span);
                }
            }
            let of_one = |(bucket, spans): (u64, Vec<_>)| Series {
                labels: with(&labels, "__bucket", f64::from_bits(bucket)),
                samples: counts(&spans, interval),
            };
            by_bucket.into_iter().map(of_one).collect()
        }
        Function::Compare(_) => unreachable!("has no groups"),
    }
}

fn with(labels: &Labels, name: &str, value: f64) -> Labels {
    let mut labels = labels.clone();
    labels.push((name.to_owned(), Some(Value::Float(value))));
    labels
}

/// How many spans each bucket has, zeros included.
fn counts(spans: &[&Counted<'_, '_>], interval: Interval) -> BTreeMap<u64, f64> {
    let mut counts: BTreeMap<u64, f64> = interval.stamps().map(|stamp| (stamp, 0.0)).collect();
    for span in spans {
        *counts.entry(span.stamp).or_default() += 1.0;
    }
    counts
}

fn by_stamp(
    spans: &[&Counted<'_, '_>],
    number: impl Fn(&Counted<'_, '_>) -> Option<f64>,
) -> BTreeMap<u64, Vec<f64>> {
    let mut by_stamp: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for span in spans {
        if let Some(number) = number(span) {
            by_stamp.entry(span.stamp).or_default().push(number);
        }
    }
    by_stamp
}

#[expect(clippy::cast_precision_loss, reason = "few enough to count exactly")]
fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}
