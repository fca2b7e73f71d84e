//! Searches of one filter, spanset and trace being one, for callers that know no pipelines yet.

use takt_model::{TimeRange, TraceId};
use takt_trace::{Projection, SpanColumns};
use takt_traceql::{Filter, Pipeline};

use crate::bitmap::Bitmap;
use crate::find::Search;
use crate::guard::{Scope, Stopped};
use crate::hit::SpanHit;
use crate::hit::{NEWEST_FIRST, SearchOptions, SetHit};
use crate::search::{self, SearchPlan};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CollectOptions {
    /// How many traces at most.
    pub limit: usize,
    /// How many spans of each trace at most; 0 for all.
    pub spans_per_set: usize,
}

/// A trace with matching spans.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceHit {
    pub trace: TraceId,
    pub start: u64,
    pub end: u64,
    /// How many spans match; `spans` may be fewer.
    pub matched: u32,
    /// In the order of their start.
    pub spans: Vec<SpanHit>,
}

impl From<crate::TraceHit> for TraceHit {
    fn from(hit: crate::TraceHit) -> Self {
        let only = hit.sets.into_iter().next();
        let (matched, spans) = only
            .map_or_else(Default::default, |SetHit { matched, spans, .. }| {
                (matched, spans)
            });
        Self {
            trace: hit.trace,
            start: hit.start,
            end: hit.end,
            matched,
            spans,
        }
    }
}

#[must_use]
pub fn never_matches(filter: &Filter) -> bool {
    plan(filter).never_matches()
}

#[must_use]
pub fn result_columns(filter: &Filter) -> Projection {
    plan(filter).result_columns()
}

/// The rows that match, of traces that overlap `window`.
///
/// # Errors
/// When `keep_going` says no.
pub fn find(
    columns: &SpanColumns,
    filter: &Filter,
    window: TimeRange,
    keep_going: &dyn Fn() -> bool,
) -> Result<Bitmap, Stopped> {
    let scope = Scope::new(window, keep_going);
    let search = Search::new(columns, &scope);
    plan(filter).rows(&search, search.candidates(&scope)?)
}

/// The newest traces with spans that match.
///
/// # Errors
/// When `keep_going` says no.
pub fn collect(
    columns: &SpanColumns,
    filter: &Filter,
    window: TimeRange,
    keep_going: &dyn Fn() -> bool,
    options: &CollectOptions,
) -> Result<Vec<TraceHit>, Stopped> {
    let options = SearchOptions {
        limit: options.limit,
        spans_per_set: options.spans_per_set,
        order: NEWEST_FIRST,
        after: None,
    };
    let scope = Scope::new(window, keep_going);
    let hits = search::search(columns, &plan(filter), &scope, &options)?;
    Ok(hits.into_iter().map(TraceHit::from).collect())
}

#[must_use]
pub fn collect_traces(columns: &SpanColumns, traces: &[u32], limit: usize) -> Vec<TraceHit> {
    let hits = search::whole_traces(columns, traces, limit, NEWEST_FIRST);
    hits.into_iter().map(TraceHit::from).collect()
}

fn plan(filter: &Filter) -> SearchPlan {
    SearchPlan::new(&Pipeline::of(filter.clone()))
}
