//! Examples of spans, spread over the interval.
//!
//! Each part of the interval keeps the traces with the lowest ranks, and of each trace one span there.
//! A rank is a hash of the trace's id, so which spans stay does not depend on how the spans are split.

use std::cmp::Ordering;

use takt_model::{SpanId, TraceId};
use takt_trace::Value;
use takt_traceql::{Field, Function};

use super::accumulate::Run;
use super::codes::shown;
use super::measure::number;
use super::partial::{Candidate, Partial, order_of_keys, order_of_values};
use super::{measured, sampling};
use crate::Stopped;
use crate::value::Val;

/// Finds the examples among the matching spans.
pub(super) fn choose(run: &Run<'_>, partial: &mut Partial) -> Result<(), Stopped> {
    let plan = run.plan;
    if plan.exemplars() == 0 {
        return Ok(());
    }
    let (count, most) = plan.slots();
    let clock = plan.interval.clock();
    let mut slots = vec![Slot::new(most); count];
    let columns = run.search.columns;
    let (mut trace, mut rank) = (u32::MAX, 0);
    run.search.guard.each(run.rows.iter(), |row| {
        let at = row as usize;
        let step = clock.step(columns.start[at]);
        if step >= clock.steps() {
            return;
        }
        if columns.trace[at] != trace {
            trace = columns.trace[at];
            rank = sampling::hash(columns.traces.id[trace as usize]);
        }
        let slot = &mut slots[step as usize * count / clock.steps() as usize];
        if rank <= slot.highest {
            slot.offer(rank, trace, row, run);
        }
    })?;
    for (slot, places) in (0..).zip(slots) {
        let chosen = places.chosen.into_iter();
        partial
            .exemplars
            .extend(chosen.map(|chosen| candidate(slot, &chosen, run)));
    }
    keep_lowest(&mut partial.exemplars, most);
    Ok(())
}

/// Of each slot the traces with the lowest ranks, and of each of these one span.
pub(super) fn keep_lowest(candidates: &mut Vec<Candidate>, most: usize) {
    candidates.sort_by(order);
    candidates.dedup_by(|a, b| (a.slot, a.rank, a.trace) == (b.slot, b.rank, b.trace));
    let (mut slot, mut seen) = (u32::MAX, 0);
    candidates.retain(|candidate| {
        if candidate.slot != slot {
            (slot, seen) = (candidate.slot, 0);
        }
        seen += 1;
        seen <= most
    });
}

/// Total, so that not even spans with the same id and time depend on their order.
fn order(a: &Candidate, b: &Candidate) -> Ordering {
    let key = |c: &Candidate| {
        (
            c.slot,
            c.rank,
            c.trace,
            rank_of_span(c.span),
            c.span,
            c.time,
        )
    };
    let labels = |(name, value): &(String, Value), (other, its): &(String, Value)| {
        name.cmp(other)
            .then_with(|| order_of_values(Some(value), Some(its)))
    };
    key(a)
        .cmp(&key(b))
        .then_with(|| a.value.total_cmp(&b.value))
        .then_with(|| order_of_keys(&a.key, &b.key))
        .then_with(|| a.labels.len().cmp(&b.labels.len()))
        .then_with(|| {
            let mut pairs = a.labels.iter().zip(&b.labels).map(|(a, b)| labels(a, b));
            pairs.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
        })
}

/// The spans chosen so far for one part of the interval.
#[derive(Clone)]
struct Slot {
    most: usize,
    /// Ranks above this have no chance any more.
    highest: u64,
    /// By rank.
    chosen: Vec<Chosen>,
}

#[derive(Clone)]
struct Chosen {
    rank: u64,
    trace: u32,
    span_rank: u64,
    row: u32,
    value: f64,
}

impl Slot {
    fn new(most: usize) -> Self {
        Self {
            most,
            highest: u64::MAX,
            chosen: Vec::new(),
        }
    }

    fn offer(&mut self, rank: u64, trace: u32, row: u32, run: &Run<'_>) {
        let Some(value) = value(run, row) else {
            return;
        };
        let columns = run.search.columns;
        let key = |trace: u32| columns.traces.id[trace as usize];
        let span_rank = rank_of_span(columns.span_id[row as usize]);
        let new = Chosen {
            rank,
            trace,
            span_rank,
            row,
            value,
        };
        let place = self
            .chosen
            .binary_search_by(|known| (known.rank, key(known.trace)).cmp(&(rank, key(trace))));
        match place {
            Ok(at) => {
                let known = &mut self.chosen[at];
                let of = |chosen: &Chosen| candidate(0, chosen, run);
                let sooner = new.span_rank < known.span_rank
                    || new.span_rank == known.span_rank && order(&of(&new), &of(known)).is_lt();
                if sooner {
                    *known = new;
                }
            }
            Err(at) => {
                self.chosen.insert(at, new);
                self.chosen.truncate(self.most);
                if let (true, Some(last)) = (self.chosen.len() == self.most, self.chosen.last()) {
                    self.highest = last.rank;
                }
            }
        }
    }
}

/// What the function measures of a row: not a number where spans are only counted, `None` where the
/// row has nothing to measure.
fn value(run: &Run<'_>, row: u32) -> Option<f64> {
    let Some(field) = measured(&run.plan.query.function) else {
        return Some(f64::NAN);
    };
    let value = run.first.number(run.search, field, row)?;
    // Floats have no buckets.
    let bucketed = matches!(
        run.plan.query.function,
        Function::QuantileOverTime(..) | Function::HistogramOverTime(_)
    );
    if bucketed && matches!(value, Val::Float(_)) {
        return None;
    }
    let found = number(value);
    (!found.is_nan()).then_some(found)
}

fn candidate(slot: u32, chosen: &Chosen, run: &Run<'_>) -> Candidate {
    let columns = run.search.columns;
    let trace: TraceId = columns.traces.id[chosen.trace as usize];
    let row = chosen.row;
    let mut labels = vec![("trace:id".to_owned(), Value::String(trace.to_string()))];
    for field in run.plan.touched() {
        if let Some(value) = grouping_value(run, field, row) {
            labels.push((field.to_string(), value));
        }
    }
    let by = run.plan.query.by.iter();
    Candidate {
        slot,
        rank: chosen.rank,
        trace,
        span: columns.span_id[row as usize],
        time: columns.start[row as usize],
        value: chosen.value,
        key: by.map(|field| grouping_value(run, field, row)).collect(),
        labels,
    }
}

/// The value a row is grouped by: like [`super::codes::Codes`], but for one row.
fn grouping_value(run: &Run<'_>, field: &Field, row: u32) -> Option<Value> {
    let mut found = None;
    run.first.value(run.search, field, row, &mut |value| {
        found = Some(shown(value))
    });
    found
}

fn rank_of_span(span: SpanId) -> u64 {
    sampling::mix(u64::from_be_bytes(span.0))
}
