//! Queries for series.

use std::collections::BTreeMap;

use takt_engine::{
    Bitmap, Interval, MetricsOptions, MetricsPlan, Partial, Scope, Series, accumulate, evaluate,
};
use takt_model::TimeRange;
use takt_trace::SpanColumns;
use takt_traceql::MetricsExpr;

use crate::check::{Outcome, Sources, restrict, said};

/// Asks a query for series.
pub(crate) fn ask(
    sources: &Sources<'_>,
    expr: &MetricsExpr,
    interval: Interval,
    ordered: bool,
) -> Result<Outcome, String> {
    let options = MetricsOptions {
        exemplars: 0,
        max_groups: usize::MAX,
        extrapolate: false,
        sample: None,
    };
    let mut plans = Vec::new();
    expr.for_each_query(&mut |query| plans.push(MetricsPlan::new(query, interval, options)));
    let Ok(plans) = plans.into_iter().collect::<Result<Vec<_>, _>>() else {
        return Ok(Outcome::Refused);
    };
    let run = |columns: &SpanColumns, plan: &MetricsPlan, skip: Option<&Bitmap>| {
        let scope = Scope {
            skip,
            ..Scope::new(TimeRange::ALL, &|| true)
        };
        accumulate(columns, plan, &scope).map_err(|stopped| stopped.to_string())
    };
    let answer = |part: &dyn Fn(&MetricsPlan) -> Result<Partial, String>| {
        let parts = plans.iter().map(|plan| Ok((plan.clone(), part(plan)?)));
        let parts = parts.collect::<Result<Vec<_>, String>>()?;
        Ok::<_, String>(found_series(&evaluate(expr, parts), interval))
    };
    let within = takt_reference::Interval {
        start: interval.start,
        end: interval.end,
        step: interval.step,
    };
    let expected = expected_series(&takt_reference::metrics(&sources.corpus, expr, within));
    let live = answer(&|plan| run(&sources.live, plan, None))?;
    close("live", &live, &expected)?;
    if ordered {
        let clustered = answer(&|plan| {
            let least = restrict(&sources.clustered, &plan.columns());
            run(&least, plan, None)
        })?;
        close("clustered", &clustered, &expected)?;
    }
    let split = answer(&|plan| {
        let mut whole = run(&sources.halves[1], plan, None)?;
        whole.merge(run(&sources.live, plan, Some(&sources.second_half))?);
        Ok(whole)
    })?;
    close("in halves", &split, &expected)?;
    Ok(
        match expected
            .values()
            .flat_map(BTreeMap::values)
            .any(|sample| *sample != 0.0)
        {
            true => Outcome::Something,
            false => Outcome::Nothing,
        },
    )
}

/// By labels, samples by stamp.
type AllSeries = BTreeMap<String, BTreeMap<u64, f64>>;

fn expected_series(all: &[takt_reference::Series]) -> AllSeries {
    all.iter()
        .map(|series| (series.key(), series.samples.clone()))
        .collect()
}

fn found_series(all: &[Series], interval: Interval) -> AllSeries {
    let mut found = AllSeries::new();
    for series in all {
        let labels = series.labels.iter();
        let labels = labels.map(|(label, value)| (label.clone(), value.as_ref().map(said)));
        let key = takt_reference::Series {
            labels: labels.collect(),
            samples: BTreeMap::new(),
        }
        .key();
        let stamps = (0..interval.steps()).map(|step| interval.stamp(step));
        let samples = stamps.zip(series.samples.iter().copied());
        let samples: BTreeMap<u64, f64> = samples.filter(|(_, sample)| !sample.is_nan()).collect();
        // Without a sample a series says nothing, but for that which tells of too many values.
        if !samples.is_empty() || key.contains("__meta_error") {
            assert!(
                found.insert(key, samples).is_none(),
                "two series of one name"
            );
        }
    }
    found
}

fn close(how: &str, found: &AllSeries, expected: &AllSeries) -> Result<(), String> {
    let near = |a: f64, b: f64| a == b || (a - b).abs() <= 1e-9 * a.abs().max(b.abs());
    let alike = |a: &BTreeMap<u64, f64>, b: &BTreeMap<u64, f64>| {
        a.len() == b.len()
            && a.iter()
                .zip(b)
                .all(|((s, a), (t, b))| s == t && near(*a, *b))
    };
    let missing = expected
        .iter()
        .filter(|(key, samples)| !found.get(*key).is_some_and(|found| alike(found, samples)));
    let more = found.iter().filter(|(key, _)| !expected.contains_key(*key));
    let (missing, more): (Vec<_>, Vec<_>) = (missing.collect(), more.collect());
    if missing.is_empty() && more.is_empty() {
        return Ok(());
    }
    let instead: Vec<_> = missing
        .iter()
        .filter_map(|(key, _)| found.get_key_value(*key))
        .collect();
    Err(format!(
        "{how}: expected {missing:?}, found {instead:?}, and without reason {more:?}"
    ))
}
