//! Queries for traces.

use std::collections::{BTreeMap, BTreeSet};

use takt_engine::{
    NEWEST_FIRST, Scope, SearchOptions, SearchPlan, TraceHit, matches_any, merge_hits, search,
};
use takt_model::TimeRange;
use takt_reference::{Found, Value};
use takt_trace::SpanColumns;
use takt_traceql::{Pipeline, Query};

use crate::check::{Outcome, Sources, restrict, said};

/// Asks a query for traces.
pub(crate) fn ask(
    sources: &Sources<'_>,
    query: &Query,
    pipeline: &Pipeline,
    ordered: bool,
) -> Result<Outcome, String> {
    let plan = SearchPlan::new(pipeline);
    if plan.refusal().is_some() {
        return Ok(Outcome::Refused);
    }
    let scope = Scope::new(TimeRange::ALL, &|| true);
    let options = SearchOptions {
        limit: usize::MAX,
        spans_per_set: 0,
        order: query.order.unwrap_or(NEWEST_FIRST),
        after: None,
    };
    let run = |columns: &SpanColumns, options: &SearchOptions| {
        search(columns, &plan, &scope, options).map_err(|stopped| stopped.to_string())
    };
    let expected = expected_hits(&takt_reference::search(&sources.corpus, pipeline));
    let live = run(&sources.live, &options)?;
    same("live", &found_hits(&live), &expected)?;
    if ordered {
        let least = restrict(&sources.clustered, &plan.result_columns());
        let clustered = run(&least, &options)?;
        same("clustered", &found_hits(&clustered), &expected)?;
    }
    let [first, second] = &sources.halves;
    if ordered || first.is_empty() {
        let halves = merge_hits(
            usize::MAX,
            options.order,
            run(first, &options)?,
            run(second, &options)?,
        );
        same("in halves", &found_hits(&halves), &expected)?;
    }
    let best = live.len().div_ceil(2);
    let few = SearchOptions {
        limit: best,
        spans_per_set: 0,
        ..options
    };
    // As texts: a value that is not a number differs from itself.
    let text = |hits: &[TraceHit]| format!("{hits:?}");
    if text(&run(&sources.live, &few)?) != text(&live[..best]) {
        return Err("the best are not the first of all".to_owned());
    }
    let least = restrict(&sources.clustered, &plan.predicate_columns());
    let any = matches_any(&least, &plan, &scope).map_err(|stopped| stopped.to_string())?;
    if ordered && any == expected.is_empty() || any && plan.never_matches() {
        return Err(format!("whether anything matches is said to be {any}"));
    }
    Ok(match any {
        true => Outcome::Something,
        false => Outcome::Nothing,
    })
}

/// By trace, its spansets: their attributes, and spans as (id, start, duration).
type Hits = BTreeMap<Vec<u8>, Vec<(Vec<String>, Vec<(Vec<u8>, u64, u64)>)>>;

/// The evaluator's answer as it is shown: a span that came twice stands in it once.
fn expected_hits(found: &[Found<'_, '_>]) -> Hits {
    let sets = |found: &Found<'_, '_>| {
        let sets = found.sets.iter().map(|set| {
            let spans = set.spans.iter().map(|at| found.trace.spans[*at].span);
            let spans: BTreeSet<_> = spans
                .map(|span| {
                    let (start, end) = (span.start_time_unix_nano, span.end_time_unix_nano);
                    (span.span_id.clone(), start, end - start, span.kind)
                })
                .collect();
            let spans = spans
                .into_iter()
                .map(|(id, start, duration, _)| (id, start, duration));
            let attributes = set.attributes.iter().map(|(key, value)| {
                let nil = Value::Text("nil".to_owned());
                let value = value.as_ref().unwrap_or(&nil).shown();
                told(key, &value)
            });
            (sorted(attributes), sorted(spans))
        });
        sorted(sets)
    };
    let traces = found
        .iter()
        .map(|found| (found.trace.id.to_vec(), sets(found)));
    traces.collect()
}

fn found_hits(hits: &[TraceHit]) -> Hits {
    let sets = |hit: &TraceHit| {
        let sets = hit.sets.iter().map(|set| {
            assert_eq!(set.matched as usize, set.spans.len(), "all spans are shown");
            let spans = set.spans.iter();
            let spans = spans.map(|span| (span.span_id.0.to_vec(), span.start, span.duration));
            let attributes = set.attributes.iter();
            let attributes = attributes.map(|(key, value)| told(key, &said(value)));
            (sorted(attributes), sorted(spans))
        });
        sorted(sets)
    };
    hits.iter()
        .map(|hit| (hit.trace.0.to_vec(), sets(hit)))
        .collect()
}

/// An attribute of a spanset. The evaluator adds floats up plainly, so their last digits do not count.
fn told(key: &str, value: &Value) -> String {
    match value {
        Value::Float(number) => format!("{key} = float {number:.12e}"),
        value => format!("{key} = {}", value.key()),
    }
}

fn sorted<T: Ord>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.collect();
    items.sort();
    items
}

fn same(how: &str, found: &Hits, expected: &Hits) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    Err(format!("{how}: found {found:?} instead of {expected:?}"))
}
