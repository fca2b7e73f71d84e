//! Spans to a partial, a few thousand rows at a time.

use takt_model::TimeRange;
use takt_trace::SpanColumns;
use takt_traceql::Function;

use super::MetricsPlan;
use super::compare;
use super::exemplar;
use super::first::First;
use super::kernel::{Buckets, Counts, Greatest, Least, Means};
use super::matching;
use super::measure::Measure;
use super::partial::Partial;
use super::sampling;
use super::tally::tally;
use super::weight::Weights;
use crate::Bitmap;
use crate::find::Search;
use crate::{Scope, Stopped};

/// What these spans contribute to a metrics query.
///
/// `columns` must have what [`MetricsPlan::columns`] names. The scope's window does not matter: spans
/// count by their own start, and the plan knows its interval.
///
/// # Errors
/// When the caller says no to going on, or to holding more memory.
pub fn accumulate(
    columns: &SpanColumns,
    plan: &MetricsPlan,
    scope: &Scope<'_>,
) -> Result<Partial, Stopped> {
    let mut partial = plan.empty();
    if columns.is_empty() {
        return Ok(partial);
    }
    let scope = Scope {
        window: TimeRange::ALL,
        ..*scope
    };
    let search = matching::search(columns, &scope);
    let candidates = matching::candidates(&search, &scope)?;
    let candidates = match plan.sample() {
        None => candidates,
        Some(ratio) => sampling::candidates(&search, &candidates, ratio, &mut partial.sampling)?,
    };
    let rows = matching::rows(&search, &plan.query.pipeline, &candidates)?;
    let run = Run {
        search: &search,
        plan,
        scope: &scope,
        first: First::new(&plan.query.pipeline),
        rows,
        weights: plan.weighs().then(|| Weights::new(columns)),
    };
    if plan.sample().is_some() {
        sampling::count_matched(
            &search,
            &run.rows,
            plan.interval.clock(),
            &mut partial.sampling,
        )?;
    }
    run.fill(&mut partial)?;
    exemplar::choose(&run, &mut partial)?;
    Ok(partial)
}

/// One plan over one set of columns.
pub(super) struct Run<'a> {
    pub(super) search: &'a Search<'a>,
    pub(super) plan: &'a MetricsPlan,
    pub(super) scope: &'a Scope<'a>,
    pub(super) first: First,
    /// The spans that match.
    pub(super) rows: Bitmap,
    /// Only if spans do not all weigh the same.
    pub(super) weights: Option<Weights<'a>>,
}

impl Run<'_> {
    /// Stops if the caller has no room for that many bytes.
    pub(super) fn may_hold(&self, bytes: usize) -> Result<(), Stopped> {
        if (self.scope.may_hold)(bytes) {
            Ok(())
        } else {
            Err(Stopped::OverBudget)
        }
    }

    /// Reads the spans with what their function needs.
    fn fill(&self, partial: &mut Partial) -> Result<(), Stopped> {
        match &self.plan.query.function {
            Function::Rate | Function::CountOverTime => tally(self, &Counts, partial),
            Function::MinOverTime(field) => {
                tally(self, &Least(Measure::numbers(field, self)?), partial)
            }
            Function::MaxOverTime(field) => {
                tally(self, &Greatest(Measure::numbers(field, self)?), partial)
            }
            Function::AvgOverTime(field) | Function::SumOverTime(field) => {
                tally(self, &Means(Measure::numbers(field, self)?), partial)
            }
            Function::QuantileOverTime(field, _) | Function::HistogramOverTime(field) => {
                tally(self, &Buckets(Measure::buckets(field, self)?), partial)
            }
            Function::Compare(compare) => compare::fill(self, compare, partial),
        }
    }
}
