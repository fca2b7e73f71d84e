//! Filters that follow each other become one: `{ .a } | { .b }` is `{ .a && .b }`, and after a
//! structural operator whose spans are those of its right side, that side's.

use std::mem;

use super::names_children;
use crate::query::{Mode, Pipeline, SpansetOp, Spansets, Stage};
use crate::tree::{BinaryOp, Expr, Filter};

/// Joins each filter with what stands before it, where that gives the same spans.
pub(super) fn filters(pipeline: &mut Pipeline) {
    let mut joined: Vec<Stage> = Vec::with_capacity(pipeline.stages.len());
    for stage in mem::take(&mut pipeline.stages) {
        match (joined.last_mut(), stage) {
            (Some(Stage::Spansets(before)), Stage::Spansets(Spansets::Filter(filter))) => {
                match last_filter(before) {
                    Some(before) if can_be_joined(before, &filter) => join(before, filter),
                    _ => joined.push(Stage::Spansets(Spansets::Filter(filter))),
                }
            }
            (_, stage) => joined.push(stage),
        }
    }
    pipeline.stages = joined;
}

/// The filter that all spans of the result have passed last.
fn last_filter(spansets: &mut Spansets) -> Option<&mut Filter> {
    match spansets {
        Spansets::Filter(filter) => Some(filter),
        Spansets::Binary {
            op:
                SpansetOp::Structural {
                    mode: Mode::Holds | Mode::HoldsForNone,
                    ..
                },
            right,
            ..
        } => last_filter(right),
        Spansets::Without(_) | Spansets::Pipeline(_) | Spansets::Binary { .. } => None,
    }
}

/// Of the first filter, later stages also ask which event it spoke of; so it is not mixed with others.
fn can_be_joined(before: &Filter, filter: &Filter) -> bool {
    !(names_children(before) || names_children(filter))
}

fn join(before: &mut Filter, filter: Filter) {
    before.expr = match (before.expr.take(), filter.expr) {
        (Some(left), Some(right)) => Some(Expr::binary(BinaryOp::And, left, right)),
        (left, right) => left.or(right),
    };
}
