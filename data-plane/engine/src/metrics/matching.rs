//! The spans a metrics query is about.

use takt_trace::{Projection, SpanColumns};
use takt_traceql::Pipeline;

use super::Refusal;
use crate::Bitmap;
use crate::find::Search;
use crate::search::SearchPlan;
use crate::{Scope, Stopped};

pub(super) fn check(pipeline: &Pipeline) -> Result<(), Refusal> {
    let refusal = SearchPlan::new(pipeline).refusal();
    refusal.map_or(Ok(()), |refusal| Err(refusal.into()))
}

pub(super) fn columns(pipeline: &Pipeline) -> Projection {
    SearchPlan::new(pipeline).predicate_columns()
}

pub(super) fn never(pipeline: &Pipeline) -> bool {
    SearchPlan::new(pipeline).never_matches()
}

pub(super) fn search<'a>(columns: &'a SpanColumns, scope: &Scope<'a>) -> Search<'a> {
    Search::new(columns, scope)
}

/// The rows that may be evaluated here.
pub(super) fn candidates(search: &Search<'_>, scope: &Scope<'_>) -> Result<Bitmap, Stopped> {
    let mut rows = Bitmap::all(search.columns.len());
    if let Some(skip) = scope.skip {
        rows.subtract(&search.gather(&search.columns.trace, skip)?);
    }
    Ok(rows)
}

/// The rows that the pipeline ends with.
pub(super) fn rows(
    search: &Search<'_>,
    pipeline: &Pipeline,
    candidates: &Bitmap,
) -> Result<Bitmap, Stopped> {
    SearchPlan::new(pipeline).rows(search, candidates.clone())
}
