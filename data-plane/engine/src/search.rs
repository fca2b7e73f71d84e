//! A pipeline over columns: which spansets it ends with, and the best of them as an answer.

use std::collections::BTreeSet;

use takt_trace::{Projection, SpanColumns};
use takt_traceql::{Filter, Order, Pipeline};

use crate::bitmap::Bitmap;
use crate::find::Search;
use crate::guard::{Scope, Stopped};
use crate::hit::{SearchOptions, SetHit, SpanHit, TraceHit, place, place_of_key};
use crate::pipeline::{self, Step, relate_split_sides, steps};
use crate::projection;
use crate::shown::Shown;
use crate::spansets::Spansets;

/// A pipeline, ready to run over any columns.
#[derive(Debug, Clone)]
pub struct SearchPlan {
    steps: Vec<Step>,
    shown: Shown,
    predicate_columns: Projection,
    result_columns: Projection,
}

/// Why a query that is TraceQL has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error(
        "spanset operators are not supported for multiple spansets per trace. consider using coalesce()"
    )]
    SplitSides,
}

impl SearchPlan {
    #[must_use]
    pub fn new(pipeline: &Pipeline) -> Self {
        let steps = steps(pipeline);
        let shown = Shown::of(pipeline);
        let predicate_columns = projection::of_steps(&steps);
        let result_columns = projection::of_results(&shown).union(predicate_columns.clone());
        Self {
            steps,
            shown,
            predicate_columns,
            result_columns,
        }
    }

    /// What [`matches_any`] reads.
    #[must_use]
    pub fn predicate_columns(&self) -> Projection {
        self.predicate_columns.clone()
    }

    /// What [`search`] reads, and what the head of a trace in the answer is made of
    /// ([`SpanColumns::summary`]).
    #[must_use]
    pub fn result_columns(&self) -> Projection {
        self.result_columns.clone()
    }

    /// Whether nothing matches, whatever the spans are.
    #[must_use]
    pub fn never_matches(&self) -> bool {
        pipeline::never(&self.steps)
    }

    /// Why the plan must not be run, if so.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        relate_split_sides(&self.steps).then_some(Refusal::SplitSides)
    }

    fn run<'a>(&self, search: &Search<'a>, candidates: Bitmap) -> Result<Spansets<'a>, Stopped> {
        let sets = Spansets::of_traces(search.columns, candidates);
        pipeline::run(search, &self.steps, sets)
    }

    /// The spans of all spansets that the pipeline ends with, of those among `candidates`.
    pub(crate) fn rows(&self, search: &Search<'_>, candidates: Bitmap) -> Result<Bitmap, Stopped> {
        Ok(self.run(search, candidates)?.rows)
    }
}

/// Whether any trace matches.
///
/// # Errors
/// When the scope says no.
pub fn matches_any(
    columns: &SpanColumns,
    plan: &SearchPlan,
    scope: &Scope<'_>,
) -> Result<bool, Stopped> {
    let search = Search::new(columns, scope);
    let rows = plan.rows(&search, search.candidates(scope)?)?;
    Ok(!rows.is_empty())
}

/// The best traces that match, each with its spansets. A span that came twice (same id, kind and times
/// in one trace) is shown once.
///
/// # Errors
/// When the scope says no.
pub fn search(
    columns: &SpanColumns,
    plan: &SearchPlan,
    scope: &Scope<'_>,
    options: &SearchOptions,
) -> Result<Vec<TraceHit>, Stopped> {
    let search = Search::new(columns, scope);
    let sets = plan.run(&search, search.candidates(scope)?)?;
    let whole = Spansets::of_traces(columns, Bitmap::none(0));
    let mut traces: Vec<u32> = whole.with_any(&sets.rows, &search)?.iter().collect();
    if let Some((key, last)) = options.after {
        let (table, order) = (&columns.traces, options.order);
        let last = place_of_key(order, key, last);
        traces.retain(|trace| {
            let at = *trace as usize;
            place(order, table.start[at], table.end[at], table.id[at]) > last
        });
    }
    cut(columns, &mut traces, options.limit, options.order);
    let answer = Answer {
        search: &search,
        shown: &plan.shown,
        sets: &sets,
        spans_per_set: match options.spans_per_set {
            0 => usize::MAX,
            most => most,
        },
    };
    traces
        .into_iter()
        .map(|trace| answer.trace(trace))
        .collect()
}

/// The rows that match one filter, of traces in scope.
///
/// # Errors
/// When the scope says no.
pub fn find(columns: &SpanColumns, filter: &Filter, scope: &Scope<'_>) -> Result<Bitmap, Stopped> {
    let search = Search::new(columns, scope);
    SearchPlan::new(&Pipeline::of(filter.clone())).rows(&search, search.candidates(scope)?)
}

/// Traces that match as a whole, the best of them: no spans are shown.
#[must_use]
pub fn whole_traces(
    columns: &SpanColumns,
    traces: &[u32],
    limit: usize,
    order: Order,
) -> Vec<TraceHit> {
    let mut traces = traces.to_vec();
    cut(columns, &mut traces, limit, order);
    traces
        .into_iter()
        .map(|trace| head(columns, trace))
        .collect()
}

/// The best `limit` in order. The others are put aside without being sorted.
fn cut(columns: &SpanColumns, traces: &mut Vec<u32>, limit: usize, order: Order) {
    let table = &columns.traces;
    let place = |trace: &u32| {
        let at = *trace as usize;
        place(order, table.start[at], table.end[at], table.id[at])
    };
    if limit < traces.len() {
        traces.select_nth_unstable_by_key(limit, place);
        traces.truncate(limit);
    }
    traces.sort_unstable_by_key(place);
}

fn head(columns: &SpanColumns, trace: u32) -> TraceHit {
    TraceHit {
        trace: columns.traces.id[trace as usize],
        start: columns.traces.start[trace as usize],
        end: columns.traces.end[trace as usize],
        sets: Vec::new(),
    }
}

struct Answer<'s, 'a> {
    search: &'s Search<'a>,
    shown: &'s Shown,
    sets: &'s Spansets<'a>,
    spans_per_set: usize,
}

impl Answer<'_, '_> {
    fn trace(&self, trace: u32) -> Result<TraceHit, Stopped> {
        let columns = self.search.columns;
        let guard = &self.search.guard;
        guard.check()?;
        let mut rows = Vec::new();
        guard.each(columns.rows_of(trace), |row| {
            if self.sets.rows.has(row) {
                rows.push((self.sets.set_of[row as usize], row));
            }
        })?;
        rows.sort_unstable_by_key(|(set, row)| (*set, by_start(columns, *row)));
        let mut sets = rows
            .chunk_by(|a, b| a.0 == b.0)
            .map(|rows| self.set(rows))
            .collect::<Result<Vec<_>, Stopped>>()?;
        sets.sort_by_key(|(first, _)| *first);
        Ok(TraceHit {
            sets: sets.into_iter().map(|(_, set)| set).collect(),
            ..head(columns, trace)
        })
    }

    /// A spanset from its rows in order, with the place of its first span.
    fn set(&self, rows: &[(u32, u32)]) -> Result<(ByStart, SetHit), Stopped> {
        let columns = self.search.columns;
        let set = rows[0].0;
        let mut seen = BTreeSet::new();
        let mut rows: Vec<u32> = rows.iter().map(|(_, row)| *row).collect();
        rows.retain(|row| {
            let at = *row as usize;
            seen.insert((by_start(columns, *row), columns.duration[at]))
        });
        let shown = rows.len().min(self.spans_per_set);
        let mut hit = SetHit {
            matched: u32::try_from(rows.len()).expect("rows are u32 by construction"),
            spans: Vec::with_capacity(shown),
            attributes: Vec::new(),
        };
        for attribute in &self.sets.attributes {
            hit.attributes.extend(
                attribute
                    .of_set(set)
                    .map(|value| (attribute.key.clone(), value)),
            );
        }
        let guard = &self.search.guard;
        guard.hold_many::<SpanHit>(shown)?;
        guard.try_each(rows[..shown].iter(), |row| {
            let span = self.shown.span(self.search, *row);
            guard.hold(span.memory())?;
            hit.spans.push(span);
            Ok(())
        })?;
        Ok((by_start(columns, rows[0]), hit))
    }
}

type ByStart = (u64, takt_model::SpanId, u8);

fn by_start(columns: &SpanColumns, row: u32) -> ByStart {
    let row = row as usize;
    (columns.start[row], columns.span_id[row], columns.kind[row])
}
