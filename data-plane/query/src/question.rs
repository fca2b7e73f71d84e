//! What a query asks of every place that holds spans, compiled once.

use takt_engine::{Interval, MetricsOptions, MetricsPlan, SearchOptions, SearchPlan, TagSearch};
use takt_model::{TimeRange, UnixNano};
use takt_trace::Projection;
use takt_traceql::{
    Body, Field, Filter, Function, Intrinsic, MetricsExpr, MetricsQuery, Pipeline, Query, Spansets,
    Stage, What,
};

use crate::failure::Failure;
use crate::params::Invalid;

/// A question, the same for every source.
#[derive(Debug)]
pub(crate) enum Question {
    Search(Search),
    /// A search of old clients.
    Tags(Tags),
    Metrics(Metrics),
}

/// Shows traces without spans.
#[derive(Debug)]
pub(crate) struct Tags {
    pub(crate) search: TagSearch,
    pub(crate) window: TimeRange,
    pub(crate) limit: usize,
}

#[derive(Debug)]
pub(crate) struct Search {
    /// Canonical TraceQL.
    pub(crate) text: String,
    pub(crate) pipeline: Pipeline,
    pub(crate) plan: SearchPlan,
    pub(crate) options: SearchOptions,
    pub(crate) window: TimeRange,
}

#[derive(Debug)]
pub(crate) struct Metrics {
    /// Canonical TraceQL.
    pub(crate) text: String,
    pub(crate) expr: MetricsExpr,
    /// One for each metrics query of the expression, from left to right.
    pub(crate) plans: Vec<MetricsPlan>,
    pub(crate) interval: Interval,
    pub(crate) options: MetricsOptions,
}

impl Search {
    pub(crate) fn new(
        query: &Query,
        window: TimeRange,
        options: SearchOptions,
    ) -> Result<Self, Failure> {
        let Body::Search(pipeline) = &query.body else {
            return Err(Invalid::rule(
                "this is a metrics query: ask /api/metrics/query_range or /api/metrics/query",
            )
            .into());
        };
        let plan = SearchPlan::new(pipeline);
        if let Some(refusal) = plan.refusal() {
            return Err(Invalid::rule(format!("invalid TraceQL query: {refusal}")).into());
        }
        Ok(Self {
            text: query.to_string(),
            pipeline: pipeline.clone(),
            plan,
            options,
            window,
        })
    }
}

impl Metrics {
    pub(crate) fn new(
        query: &Query,
        interval: Interval,
        options: MetricsOptions,
    ) -> Result<Self, Failure> {
        let Body::Metrics(expr) = &query.body else {
            return Err(Invalid::rule(
                "invalid TraceQL query: not a metrics query: end it with `| rate()` or another metrics function, or ask /api/search",
            )
            .into());
        };
        let mut plans = Vec::new();
        let mut refused = None;
        expr.for_each_query(
            &mut |query| match MetricsPlan::new(query, interval, options) {
                Ok(plan) => plans.push(plan),
                Err(refusal) => refused = Some(refusal),
            },
        );
        if let Some(refusal) = refused {
            return Err(Invalid::rule(format!("invalid TraceQL query: {refusal}")).into());
        }
        Ok(Self {
            text: query.to_string(),
            expr: expr.clone(),
            plans,
            interval,
            options,
        })
    }

    fn queries(&self) -> Vec<&MetricsQuery> {
        let mut queries = Vec::new();
        self.expr.for_each_query(&mut |query| queries.push(query));
        queries
    }
}

impl Question {
    /// The time that matching spans, or for a search their traces, have a part in.
    pub(crate) fn window(&self) -> TimeRange {
        match self {
            Self::Search(search) => search.window,
            Self::Tags(tags) => tags.window,
            Self::Metrics(metrics) => TimeRange {
                start: UnixNano(metrics.interval.start),
                end: UnixNano(metrics.interval.end),
            },
        }
    }

    pub(crate) fn never_matches(&self) -> bool {
        match self {
            Self::Search(search) => search.plan.never_matches(),
            Self::Tags(_) => false,
            Self::Metrics(metrics) => metrics.plans.iter().all(MetricsPlan::never_matches),
        }
    }

    /// Whether each span can be judged without the other spans of its trace. If not, a trace that lies in
    /// several places must be put together before it is asked.
    pub(crate) fn is_span_local(&self) -> bool {
        match self {
            Self::Tags(_) => true,
            // A page begins after a trace's place in the order, which only the whole trace knows.
            Self::Search(search) => {
                search.options.after.is_none() && pipeline_is_span_local(&search.pipeline)
            }
            Self::Metrics(metrics) => metrics.queries().iter().all(|query| {
                let function = match &query.function {
                    Function::Compare(compare) => filter_is_span_local(&compare.selection),
                    Function::MinOverTime(field)
                    | Function::MaxOverTime(field)
                    | Function::AvgOverTime(field)
                    | Function::SumOverTime(field)
                    | Function::QuantileOverTime(field, _)
                    | Function::HistogramOverTime(field) => field_is_span_local(field),
                    Function::Rate | Function::CountOverTime => true,
                };
                function
                    && query.by.iter().all(field_is_span_local)
                    && pipeline_is_span_local(&query.pipeline)
            }),
        }
    }

    /// Everything the question reads.
    pub(crate) fn columns(&self) -> Projection {
        match self {
            Self::Search(search) => search.plan.result_columns(),
            Self::Tags(tags) => takt_engine::tag_search_columns(&tags.search),
            Self::Metrics(metrics) => metrics
                .plans
                .iter()
                .map(MetricsPlan::columns)
                .reduce(Projection::union)
                .unwrap_or(Projection::All),
        }
    }
}

fn pipeline_is_span_local(pipeline: &Pipeline) -> bool {
    pipeline.stages.iter().all(|stage| match stage {
        Stage::Spansets(Spansets::Filter(filter)) => filter_is_span_local(filter),
        Stage::Select(fields) => fields.iter().all(field_is_span_local),
        Stage::Spansets(_) | Stage::Scalar(_) | Stage::By(_) | Stage::Coalesce => false,
    })
}

fn filter_is_span_local(filter: &Filter) -> bool {
    let mut local = true;
    if let Some(expr) = &filter.expr {
        expr.for_each_field(&mut |field| local &= field_is_span_local(field));
    }
    local
}

fn field_is_span_local(field: &Field) -> bool {
    !field.parent
        && match &field.what {
            What::Attribute(..) => true,
            What::Intrinsic(intrinsic) => !matches!(
                intrinsic,
                Intrinsic::ChildCount
                    | Intrinsic::NestedSetLeft
                    | Intrinsic::NestedSetRight
                    | Intrinsic::NestedSetParent
                    | Intrinsic::TraceDuration
                    | Intrinsic::TraceRootName
                    | Intrinsic::TraceRootService
            ),
        }
}
