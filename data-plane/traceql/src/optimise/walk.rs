//! Every filter of a query, and every pipeline.

use crate::query::{Body, Function, MetricsExpr, MetricsQuery, Pipeline, Query, Spansets, Stage};
use crate::tree::Filter;

/// Calls `pass` with every filter.
pub(super) fn filters(query: &mut Query, pass: &dyn Fn(&mut Filter)) {
    each(query, &mut |part| match part {
        Part::Filter(filter) => pass(filter),
        Part::Pipeline(_) => {}
    });
}

/// Calls `pass` with every pipeline, inner ones first. Parentheses around spansets alone are taken off.
pub(super) fn pipelines(query: &mut Query, pass: &dyn Fn(&mut Pipeline)) {
    each(query, &mut |part| match part {
        Part::Filter(_) => {}
        Part::Pipeline(pipeline) => pass(pipeline),
    });
}

enum Part<'q> {
    Filter(&'q mut Filter),
    Pipeline(&'q mut Pipeline),
}

type Visit<'v> = &'v mut dyn FnMut(Part<'_>);

fn each(query: &mut Query, visit: Visit<'_>) {
    match &mut query.body {
        Body::Search(pipeline) => stages(pipeline, visit),
        Body::Metrics(expr) => metrics(expr, visit),
    }
}

fn metrics(expr: &mut MetricsExpr, visit: Visit<'_>) {
    match expr {
        MetricsExpr::Number(_) => {}
        MetricsExpr::Query(MetricsQuery {
            pipeline, function, ..
        }) => {
            stages(pipeline, visit);
            if let Function::Compare(compare) = function {
                visit(Part::Filter(&mut compare.selection));
            }
        }
        MetricsExpr::Binary { left, right, .. } => {
            metrics(left, visit);
            metrics(right, visit);
        }
        MetricsExpr::Then { of, .. } => metrics(of, visit),
    }
}

fn stages(pipeline: &mut Pipeline, visit: Visit<'_>) {
    for stage in &mut pipeline.stages {
        match stage {
            Stage::Spansets(operand) => spansets(operand, visit),
            Stage::Scalar(_) | Stage::By(_) | Stage::Coalesce | Stage::Select(_) => {}
        }
    }
    visit(Part::Pipeline(pipeline));
}

fn spansets(operand: &mut Spansets, visit: Visit<'_>) {
    match operand {
        Spansets::Filter(filter) | Spansets::Without(filter) => visit(Part::Filter(filter)),
        Spansets::Binary { left, right, .. } => {
            spansets(left, visit);
            spansets(right, visit);
        }
        Spansets::Pipeline(pipeline) => {
            stages(pipeline, visit);
            if let [Stage::Spansets(_)] = pipeline.stages.as_slice()
                && let Some(Stage::Spansets(alone)) = pipeline.stages.pop()
            {
                *operand = alone;
            }
        }
    }
}
