//! The spans a metrics query is about.

use takt_trace::{Projection, SpanColumns};
use takt_traceql::{Filter, Pipeline, Spansets, Stage};

use super::Refusal;
use crate::Bitmap;
use crate::find::Search;
use crate::plan::plan;
use crate::{Scope, Stopped};

/// The one filter a pipeline may be made of.
pub(super) fn filter(pipeline: &Pipeline) -> Result<&Filter, Refusal> {
    match pipeline.stages.as_slice() {
        [Stage::Spansets(Spansets::Filter(filter))] => Ok(filter),
        _ => Err(Refusal::Pipeline),
    }
}

pub(super) fn columns(pipeline: &Pipeline) -> Projection {
    filter(pipeline).map_or(Projection::All, crate::predicate_columns)
}

pub(super) fn never(pipeline: &Pipeline) -> bool {
    filter(pipeline).is_ok_and(crate::never_matches)
}

pub(super) fn search<'a>(columns: &'a SpanColumns, scope: &Scope<'a>) -> Search<'a> {
    Search::new(columns, scope.keep_going)
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
    match filter(pipeline) {
        Ok(filter) => search.node(&plan(filter), candidates),
        Err(_) => Ok(search.none()),
    }
}
