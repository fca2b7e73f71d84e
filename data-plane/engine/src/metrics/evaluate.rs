//! Whole partials to series.

use takt_trace::Value;
use takt_traceql::{Function, MetricsExpr};

use super::MetricsPlan;
use super::kernel::BUCKETS;
use super::measure::{SECOND, is_duration};
use super::operators::{Operand, binary, stage};
use super::partial::{Candidate, Cells, Group, Mean, Partial, order_of_keys};
use super::quantile::quantile;
use super::series::{Exemplar, NAME, Series, sort};

type Labels = Vec<(String, Option<Value>)>;

/// The series of a metrics expression, in the order of an answer.
///
/// `parts` are the plan of each metrics query of the expression, from left to right, with all that its
/// spans contribute. A query without a part has no series.
#[must_use]
pub fn evaluate(expr: &MetricsExpr, parts: Vec<(MetricsPlan, Partial)>) -> Vec<Series> {
    let mut series = match operand(expr, &mut parts.into_iter()) {
        Operand::Series(series) => series,
        Operand::Number(_) => Vec::new(),
    };
    series.retain(|series| series.has_samples() || is_error(series));
    sort(&mut series);
    series
}

fn operand(
    expr: &MetricsExpr,
    parts: &mut impl Iterator<Item = (MetricsPlan, Partial)>,
) -> Operand {
    match expr {
        MetricsExpr::Query(_) => Operand::Series(match parts.next() {
            Some((plan, partial)) => of_partial(&plan, partial),
            None => Vec::new(),
        }),
        MetricsExpr::Number(number) => Operand::Number(*number),
        MetricsExpr::Binary { op, left, right } => {
            let left = operand(left, parts);
            let right = operand(right, parts);
            binary(*op, left, right)
        }
        MetricsExpr::Then { of, stage: next } => match operand(of, parts) {
            Operand::Series(series) => Operand::Series(stage(series, *next)),
            Operand::Number(number) => Operand::Number(number),
        },
    }
}

/// The series of one query.
fn of_partial(plan: &MetricsPlan, partial: Partial) -> Vec<Series> {
    if let Function::Compare(compare) = &plan.query.function {
        return super::compare::series(plan, compare, partial);
    }
    let mut groups: Vec<(Group, Vec<Candidate>)> = partial
        .groups
        .into_iter()
        .map(|group| (group, Vec::new()))
        .collect();
    if groups.is_empty() && counts_alone(plan) {
        let nothing = Group {
            key: Vec::new(),
            cells: Cells::Counts(Vec::new()),
        };
        groups.push((nothing, Vec::new()));
    }
    for example in chosen(partial.exemplars, plan.exemplars()) {
        let place = groups.binary_search_by(|(group, _)| order_of_keys(&group.key, &example.key));
        if let Ok(at) = place {
            groups[at].1.push(example);
        }
    }
    match &plan.query.function {
        Function::QuantileOverTime(field, quantiles) => {
            quantile_series(plan, groups, quantiles, unit(is_duration(field)))
        }
        Function::HistogramOverTime(field) => {
            histogram_series(plan, groups, unit(is_duration(field)))
        }
        _ => groups
            .into_iter()
            .map(|(group, examples)| {
                let samples = samples(plan, &group.cells);
                Series {
                    labels: labels(plan, &group.key, true),
                    exemplars: resolved(plan, examples, &samples),
                    samples,
                }
            })
            .collect(),
    }
}

/// Whether there is one series of counts, even of no spans.
fn counts_alone(plan: &MetricsPlan) -> bool {
    let counts = matches!(
        plan.query.function,
        Function::Rate | Function::CountOverTime
    );
    counts && plan.query.by.is_empty()
}

/// By time, and one of each trace.
fn chosen(mut examples: Vec<Candidate>, most: usize) -> Vec<Candidate> {
    examples.sort_by_key(|example| (example.time, example.trace, example.span));
    let mut seen = std::collections::BTreeSet::new();
    examples.retain(|example| seen.insert(example.trace));
    examples.truncate(most);
    examples
}

/// What one of the measured numbers is in an answer: durations come in seconds.
fn unit(duration: bool) -> f64 {
    if duration { SECOND } else { 1.0 }
}

/// One sample for each step.
fn samples(plan: &MetricsPlan, cells: &Cells) -> Vec<f64> {
    let steps = plan.interval.steps();
    #[expect(
        clippy::cast_precision_loss,
        reason = "a step of weeks needs no nanosecond"
    )]
    let seconds = plan.interval.step as f64 / SECOND;
    let scale = match plan.query.function {
        Function::Rate => plan.scale() / seconds,
        _ => plan.scale(),
    };
    match cells {
        Cells::Counts(counts) => dense(steps, 0.0, counts, |count| count * scale),
        Cells::Least(values) | Cells::Greatest(values) => dense(steps, f64::NAN, values, |v| v),
        Cells::Means(means) => match plan.query.function {
            Function::AvgOverTime(_) => dense(steps, f64::NAN, means, |mean: Mean| {
                mean.sum.value() / mean.weight
            }),
            _ => dense(steps, f64::NAN, means, |mean: Mean| {
                mean.sum.value() * scale
            }),
        },
    }
}

pub(super) fn dense<T: Copy>(
    steps: usize,
    empty: f64,
    cells: &[(u32, T)],
    sample: impl Fn(T) -> f64,
) -> Vec<f64> {
    let mut samples = vec![empty; steps];
    for (step, number) in cells {
        samples[*step as usize] = sample(*number);
    }
    samples
}

/// The labels of a group: fields that have a value. Where none has, the first one has no value, and
/// where there is no field the function gives its name, unless a label of its own will follow.
fn labels(plan: &MetricsPlan, key: &[Option<Value>], alone: bool) -> Labels {
    let by = &plan.query.by;
    let mut labels: Labels = by
        .iter()
        .zip(key)
        .filter(|(_, value)| value.is_some())
        .map(|(field, value)| (field.to_string(), value.clone()))
        .collect();
    if labels.is_empty() && alone {
        labels.push(match by.first() {
            Some(field) => (field.to_string(), None),
            None => {
                let name = function_name(&plan.query.function);
                (NAME.to_owned(), Some(Value::String(name.to_owned())))
            }
        });
    }
    labels
}

fn function_name(function: &Function) -> &'static str {
    match function {
        Function::Rate => "rate",
        Function::CountOverTime => "count_over_time",
        Function::MinOverTime(_) => "min_over_time",
        Function::MaxOverTime(_) => "max_over_time",
        Function::AvgOverTime(_) => "avg_over_time",
        Function::SumOverTime(_) => "sum_over_time",
        Function::QuantileOverTime(..) => "quantile_over_time",
        Function::HistogramOverTime(_) => "histogram_over_time",
        Function::Compare(_) => "compare",
    }
}

/// Examples with their values: where spans are only counted, that of the sample they stand by.
fn resolved(plan: &MetricsPlan, examples: Vec<Candidate>, samples: &[f64]) -> Vec<Exemplar> {
    let clock = plan.interval.clock();
    examples
        .into_iter()
        .filter_map(|example| {
            let sample = *samples.get(clock.step(example.time) as usize)?;
            let value = if example.value.is_nan() {
                sample
            } else {
                example.value
            };
            (!sample.is_nan()).then_some(Exemplar {
                labels: example.labels,
                value,
                time: example.time,
            })
        })
        .collect()
}

/// Places of buckets as (exponent, count), step by step.
fn by_step(cells: &Cells) -> Vec<(u32, Vec<(u32, f64)>)> {
    let Cells::Counts(counts) = cells else {
        return Vec::new();
    };
    counts
        .chunk_by(|a, b| a.0 / BUCKETS == b.0 / BUCKETS)
        .map(|step| {
            let buckets = step.iter().map(|(at, count)| (at % BUCKETS, *count));
            (step[0].0 / BUCKETS, buckets.collect())
        })
        .collect()
}

/// For each group a series of each quantile.
fn quantile_series(
    plan: &MetricsPlan,
    groups: Vec<(Group, Vec<Candidate>)>,
    quantiles: &[f64],
    unit: f64,
) -> Vec<Series> {
    let overall = overall(&groups);
    let levels: Vec<f64> = quantiles
        .iter()
        .map(|fraction| quantile(*fraction, &overall) / unit)
        .collect();
    let mut series = Vec::new();
    for (group, examples) in groups {
        let steps = by_step(&group.cells);
        for (at, fraction) in quantiles.iter().enumerate() {
            let mut samples = vec![0.0; plan.interval.steps()];
            for (step, buckets) in &steps {
                samples[*step as usize] = quantile(*fraction, buckets) / unit;
            }
            let mut labels = labels(plan, &group.key, false);
            labels.push(("p".to_owned(), Some(Value::Float(*fraction))));
            // An example is shown by the quantile it is nearest to.
            let near = examples.iter().filter(|e| nearest(&levels, e.value) == at);
            series.push(Series {
                labels,
                exemplars: resolved(plan, near.cloned().collect(), &samples),
                samples,
            });
        }
    }
    series
}

/// The buckets of all groups and steps together.
fn overall(groups: &[(Group, Vec<Candidate>)]) -> Vec<(u32, f64)> {
    let mut all = std::collections::BTreeMap::<u32, f64>::new();
    for (group, _) in groups {
        for (exponent, count) in by_step(&group.cells).into_iter().flat_map(|(_, b)| b) {
            *all.entry(exponent).or_default() += count;
        }
    }
    all.into_iter().collect()
}

fn nearest(levels: &[f64], value: f64) -> usize {
    let distance = |at: &usize| (levels[*at] - value).abs();
    (0..levels.len())
        .min_by(|a, b| distance(a).total_cmp(&distance(b)))
        .unwrap_or_default()
}

/// For each group a series of each bucket that has anything in it.
fn histogram_series(
    plan: &MetricsPlan,
    groups: Vec<(Group, Vec<Candidate>)>,
    unit: f64,
) -> Vec<Series> {
    let mut series = Vec::new();
    for (group, examples) in groups {
        let mut buckets = std::collections::BTreeMap::<u32, Vec<(u32, f64)>>::new();
        for (step, counts) in by_step(&group.cells) {
            for (exponent, count) in counts {
                buckets.entry(exponent).or_default().push((step, count));
            }
        }
        for (exponent, counts) in buckets {
            let upper = f64::from(exponent).exp2() / unit;
            let within = |value: f64| value <= upper && value > upper / 2.0;
            let mut labels = labels(plan, &group.key, false);
            labels.push(("__bucket".to_owned(), Some(Value::Float(upper))));
            let samples = dense(plan.interval.steps(), 0.0, &counts, |n| n * plan.scale());
            let examples = examples.iter().filter(|example| within(example.value));
            // A bucket counts, so its examples stand by the count.
            let examples = examples.map(|example| Candidate {
                value: f64::NAN,
                ..example.clone()
            });
            series.push(Series {
                labels,
                exemplars: resolved(plan, examples.collect(), &samples),
                samples,
            });
        }
    }
    series
}

/// Whether the series says that something is missing.
fn is_error(series: &Series) -> bool {
    series
        .labels
        .first()
        .is_some_and(|(key, _)| key == super::compare::ERROR)
}
