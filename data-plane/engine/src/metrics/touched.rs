//! The fields a pipeline names.

use takt_traceql::{Aggregate, Field, Intrinsic, Pipeline, Scalar, Spansets, Stage, What};

pub(super) fn for_each_field<'a>(pipeline: &'a Pipeline, visit: &mut impl FnMut(&'a Field)) {
    for stage in &pipeline.stages {
        match stage {
            Stage::Spansets(spansets) => of_spansets(spansets, visit),
            Stage::Scalar(filter) => {
                of_scalar(&filter.left, visit);
                of_scalar(&filter.right, visit);
            }
            Stage::By(expr) => expr.for_each_field(visit),
            Stage::Coalesce => {}
            Stage::Select(fields) => fields.iter().for_each(&mut *visit),
        }
    }
}

fn of_spansets<'a>(spansets: &'a Spansets, visit: &mut impl FnMut(&'a Field)) {
    match spansets {
        Spansets::Filter(filter) | Spansets::Without(filter) => {
            if let Some(expr) = &filter.expr {
                expr.for_each_field(visit);
            }
        }
        Spansets::Pipeline(pipeline) => for_each_field(pipeline, visit),
        Spansets::Binary { left, right, .. } => {
            of_spansets(left, visit);
            of_spansets(right, visit);
        }
    }
}

fn of_scalar<'a>(scalar: &'a Scalar, visit: &mut impl FnMut(&'a Field)) {
    match scalar {
        Scalar::Static(_) | Scalar::Aggregate(Aggregate::Count) => {}
        Scalar::Aggregate(
            Aggregate::Max(expr)
            | Aggregate::Min(expr)
            | Aggregate::Avg(expr)
            | Aggregate::Sum(expr),
        ) => expr.for_each_field(visit),
        Scalar::Binary { left, right, .. } => {
            of_scalar(left, visit);
            of_scalar(right, visit);
        }
    }
}

/// Whether an example shows it: not the numbers of a tree's shape, which say nothing on their own and
/// cost a walk through the trace, and not the trace's id, which it has anyway.
pub(super) fn is_shown(field: &Field) -> bool {
    !matches!(
        field.what,
        What::Intrinsic(
            Intrinsic::TraceId
                | Intrinsic::NestedSetLeft
                | Intrinsic::NestedSetRight
                | Intrinsic::NestedSetParent
                | Intrinsic::ChildCount
        )
    )
}
