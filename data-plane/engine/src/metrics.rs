//! Series over time: spans to partials, partials to one, one to series.
//!
//! - A [`MetricsPlan`] is one metrics query over one [`Interval`].
//! - [`accumulate`](accumulate()) makes a [`Partial`] of some spans, and partials of any split of the
//!   spans [merge](Partial::merge) to the same whole.
//! - [`evaluate`](evaluate()) makes [`Series`] of the partials of all queries of an expression: names,
//!   quantiles, arithmetic, `topk`.
//!
//! How spans are counted: the rows that match are taken in batches; of each row its step, its group (a
//! small number folded from the codes of the fields it is grouped by) and what is measured are read into
//! short arrays; one loop adds them up by place. Labels are made once per group, at the end.

mod accumulate;
mod batch;
mod cells;
mod codes;
mod compare;
mod evaluate;
mod exemplar;
mod first;
mod groups;
mod interval;
mod kernel;
mod matching;
mod measure;
mod operators;
mod partial;
mod quantile;
mod sampling;
mod series;
mod sum;
mod tally;
mod touched;
mod weight;

pub use accumulate::accumulate;
pub use evaluate::evaluate;
pub use interval::Interval;
pub use partial::{Bounds, Candidate, Cells, Group, Mean, Partial};
pub use sampling::Sampling;
pub use series::{Exemplar, Series};
pub use sum::Sum;

use std::collections::BTreeSet;

use takt_trace::{Column, Projection};
use takt_traceql::{Field, Function, Hint, MetricsQuery, Static};

/// One metrics query over one interval.
#[derive(Debug, Clone)]
pub struct MetricsPlan {
    query: MetricsQuery,
    interval: Interval,
    options: MetricsOptions,
}

/// How a metrics query is answered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MetricsOptions {
    /// Examples of spans at most, over all series.
    pub exemplars: usize,
    /// Groups at most (for `compare()`: values of an attribute); those with the smallest keys stay.
    pub max_groups: usize,
    /// Whether a span that was sampled with probability `p`, as its trace state tells, counts for `1 / p`.
    pub extrapolate: bool,
    /// Which part of the traces to look at, if not all; counts and sums are scaled up.
    pub sample: Option<f64>,
}

/// Why a metrics query is not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("metrics group by {0} values not yet supported")]
    GroupBy(usize),
    #[error("the interval must end after its start and have at least one step and at most 2^24")]
    Interval,
    #[error(transparent)]
    Pipeline(#[from] crate::search::Refusal),
}

/// Which part of the traces `sample=true` looks at.
const SAMPLE: f64 = 0.1;

impl MetricsOptions {
    /// With what a query's hints ask for: `exemplars` as a number (not more than before) or a bool,
    /// `sample` as a ratio or a bool, `extrapolate` as a bool. Hints of other types mean nothing.
    #[must_use]
    pub fn with_hints(mut self, hints: &[Hint]) -> Self {
        for hint in hints {
            match (hint.name.as_str(), &hint.value) {
                ("exemplars", Static::Bool(false)) => self.exemplars = 0,
                ("exemplars", Static::Int(most)) => {
                    let most = usize::try_from(*most).unwrap_or(0);
                    self.exemplars = self.exemplars.min(most);
                }
                ("extrapolate", Static::Bool(flag)) => self.extrapolate = *flag,
                ("sample", Static::Bool(flag)) => self.sample = flag.then_some(SAMPLE),
                ("sample", Static::Float(ratio)) if *ratio > 0.0 && *ratio < 1.0 => {
                    self.sample = Some(*ratio);
                }
                _ => {}
            }
        }
        self
    }
}

impl MetricsPlan {
    /// # Errors
    /// When the query groups by more fields than Tempo can, or the interval has no or too many steps.
    pub fn new(
        query: &MetricsQuery,
        interval: Interval,
        options: MetricsOptions,
    ) -> Result<Self, Refusal> {
        if query.by.len() > most_fields(&query.function) {
            return Err(Refusal::GroupBy(query.by.len()));
        }
        matching::check(&query.pipeline)?;
        if !interval.is_usable() {
            return Err(Refusal::Interval);
        }
        Ok(Self {
            query: query.clone(),
            interval,
            options,
        })
    }

    /// What [`accumulate`](accumulate()) reads.
    #[must_use]
    pub fn columns(&self) -> Projection {
        if let Function::Compare(_) = self.query.function {
            return Projection::All;
        }
        let mut columns =
            matching::columns(&self.query.pipeline).union(Projection::only([Column::Start]));
        let mut fields = self.fields();
        if self.exemplars() > 0 {
            columns = columns.union(Projection::only([Column::SpanId]));
            fields = self.touched();
        }
        for field in fields {
            columns = columns.union(crate::tag_columns(field, None));
        }
        if self.options.extrapolate {
            columns = columns.union(Projection::only([Column::Rest]));
        }
        columns
    }

    /// Whether no span matches, whatever the spans are.
    #[must_use]
    pub fn never_matches(&self) -> bool {
        matching::never(&self.query.pipeline)
    }

    #[must_use]
    pub fn interval(&self) -> Interval {
        self.interval
    }

    /// What no spans contribute: the start of merging.
    #[must_use]
    pub fn empty(&self) -> Partial {
        Partial {
            bounds: self.bounds(),
            ..Partial::default()
        }
    }

    /// What spans are grouped by and measured of them.
    fn fields(&self) -> Vec<&Field> {
        let by = self.query.by.iter();
        by.chain(measured(&self.query.function)).collect()
    }

    /// What an example is shown with: all that the query touches, each once.
    fn touched(&self) -> Vec<&Field> {
        let mut touched = self.fields();
        touched::for_each_field(&self.query.pipeline, &mut |field| touched.push(field));
        touched.retain(|field| touched::is_shown(field));
        let mut seen = BTreeSet::new();
        touched.retain(|field| seen.insert(*field));
        touched
    }

    fn bounds(&self) -> Bounds {
        let most = self.options.max_groups.max(1);
        let (groups, groups_per_head) = match &self.query.function {
            // Of each attribute the totals, and so many values.
            Function::Compare(compare) => (
                usize::MAX,
                Some(most.max(compare.top as usize).saturating_add(1)),
            ),
            _ => (most, None),
        };
        Bounds {
            groups,
            groups_per_head,
            exemplars_per_slot: self.slots().1,
        }
    }

    /// In how many parts of the interval examples are looked for, and how many in each.
    fn slots(&self) -> (usize, usize) {
        let most = self.exemplars();
        let slots = (most / 2).clamp(1, self.interval.steps());
        (slots, (most / slots).max(usize::from(most > 0)))
    }

    /// How many examples may be shown.
    fn exemplars(&self) -> usize {
        match self.query.function {
            Function::Compare(_) => 0,
            _ if self.interval.is_instant() => 0,
            _ => self.options.exemplars,
        }
    }

    /// Whether spans weigh what their trace state tells; extremes do not change with that.
    fn weighs(&self) -> bool {
        let extremes = matches!(
            self.query.function,
            Function::MinOverTime(_) | Function::MaxOverTime(_)
        );
        self.options.extrapolate && !extremes
    }

    /// By what counts and sums are multiplied.
    fn scale(&self) -> f64 {
        self.sample().map_or(1.0, |ratio| 1.0 / ratio)
    }

    fn sample(&self) -> Option<f64> {
        self.options
            .sample
            .filter(|ratio| *ratio > 0.0 && *ratio < 1.0)
    }
}

/// How many fields a query may group by; buckets and averages take the place of one.
fn most_fields(function: &Function) -> usize {
    match function {
        Function::Rate
        | Function::CountOverTime
        | Function::MinOverTime(_)
        | Function::MaxOverTime(_)
        | Function::SumOverTime(_) => 5,
        Function::AvgOverTime(_)
        | Function::QuantileOverTime(..)
        | Function::HistogramOverTime(_) => 4,
        Function::Compare(_) => 0,
    }
}

/// The field that is measured, where one is.
fn measured(function: &Function) -> Option<&Field> {
    match function {
        Function::Rate | Function::CountOverTime | Function::Compare(_) => None,
        Function::MinOverTime(field)
        | Function::MaxOverTime(field)
        | Function::AvgOverTime(field)
        | Function::SumOverTime(field)
        | Function::QuantileOverTime(field, _)
        | Function::HistogramOverTime(field) => Some(field),
    }
}
