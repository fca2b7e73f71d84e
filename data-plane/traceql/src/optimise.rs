//! Rewrites that make a query cheaper to answer and leave its answer alone.
//!
//! Each pass is a walk of its own over the filters of a typed tree. What they all keep to:
//! - An answer shows the attributes that a query touched, so no pass takes a field away.
//! - `by(…)` and aggregates are shown as they were written, so only filters are rewritten.
//! - Conditions on events (or links) that are all joined by `&&` speak of one event. Whether they are is
//!   read off the whole filter, so a filter that names events or links stays as it is.

use crate::query::Query;
use crate::tree::{Expr, Field, Filter, Intrinsic, Scope, What};

mod chain;
mod contradiction;
mod fold;
mod join;
mod one_of;
mod walk;

/// The query with the passes run over it, in order.
#[must_use]
pub fn optimise(mut query: Query) -> Query {
    walk::filters(&mut query, &fold::filter);
    walk::pipelines(&mut query, &join::filters);
    // What was joined may hold literals side by side now.
    walk::filters(&mut query, &fold::filter);
    walk::filters(&mut query, &one_of::filter);
    query
}

/// Whether events or links are named.
fn names_children(filter: &Filter) -> bool {
    let mut found = false;
    if let Some(expr) = &filter.expr {
        expr.for_each_field(&mut |field| found |= is_of_child(field));
    }
    found
}

fn is_of_child(field: &Field) -> bool {
    matches!(
        field.what,
        What::Attribute(Scope::Event | Scope::Link, _)
            | What::Intrinsic(
                Intrinsic::EventName
                    | Intrinsic::EventTimeSinceStart
                    | Intrinsic::LinkTraceId
                    | Intrinsic::LinkSpanId
            )
    )
}

/// Whether it is a field below any number of `!`. As a condition that is no plain bool: one that is
/// missing is neither true nor false.
fn is_bare(expr: &Expr) -> bool {
    match expr {
        Expr::Field(_) => true,
        Expr::Unary { operand, .. } => is_bare(operand),
        Expr::Static(_)
        | Expr::Binary { .. }
        | Expr::Match { .. }
        | Expr::In { .. }
        | Expr::Exists { .. } => false,
    }
}

#[cfg(test)]
mod tests;
