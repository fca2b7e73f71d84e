//! Which columns a filter needs.

use std::collections::BTreeSet;

use takt_trace::{Column, Projection};
use takt_traceql::{Field, Filter, Intrinsic, Relation, Scope, What};

use crate::TagSearch;
use crate::pipeline::{Operand, Step, for_each_aggregate, measured};
use crate::plan::{Node, plan};
use crate::shown::Shown;

/// What a filter alone reads, as in the tag functions.
#[must_use]
pub fn predicate_columns(filter: &Filter) -> Projection {
    let mut columns = BTreeSet::new();
    add_node(&plan(filter), &mut columns);
    Projection::Only(columns)
}

/// What the steps of a pipeline read.
pub(crate) fn of_steps(steps: &[Step]) -> Projection {
    let mut columns = BTreeSet::new();
    add_steps(steps, &mut columns);
    Projection::Only(columns)
}

/// What the spans that a pipeline found are shown with.
pub(crate) fn of_results(shown: &Shown) -> Projection {
    let mut columns = BTreeSet::new();
    shown.for_each_field(&mut |field| add(field, &mut columns));
    Projection::Only(columns).union(of_heads())
}

/// What the head of a trace in an answer is made of.
fn of_heads() -> Projection {
    Projection::only([
        Column::SpanId,
        Column::Start,
        Column::Duration,
        Column::Kind,
        Column::Name,
        Column::Status,
        Column::Resource,
    ])
}

/// What [`crate::tag_values`] reads of one field, with a filter.
#[must_use]
pub fn tag_columns(field: &Field, filter: Option<&Filter>) -> Projection {
    let mut columns = BTreeSet::new();
    add(field, &mut columns);
    let own = Projection::Only(columns);
    match filter {
        Some(filter) => own.union(predicate_columns(filter)),
        None => own,
    }
}

/// What [`crate::find_by_tags`] and then [`crate::whole_traces`] read.
#[must_use]
pub fn tag_search_columns(search: &TagSearch) -> Projection {
    let keys = search.tags.iter().map(|(key, _)| Column::Attr(key.clone()));
    of_heads().union(Projection::only(keys))
}

fn add_steps(steps: &[Step], columns: &mut BTreeSet<Column>) {
    for step in steps {
        match step {
            Step::Spans(operand) => add_operand(operand, columns),
            Step::Scalar(filter) => {
                for side in [&filter.left, &filter.right] {
                    for_each_aggregate(side, &mut |aggregate| {
                        if let Some(expr) = measured(aggregate) {
                            expr.for_each_field(&mut |field| add(field, columns));
                        }
                    });
                }
            }
            Step::By(expr) => expr.for_each_field(&mut |field| add(field, columns)),
            Step::Coalesce => {}
        }
    }
}

fn add_operand(operand: &Operand, columns: &mut BTreeSet<Column>) {
    match operand {
        Operand::Filter(node) | Operand::Without(node) => add_node(node, columns),
        Operand::Steps(steps) => add_steps(steps, columns),
        Operand::And { operands, without } => {
            operands.iter().for_each(|o| add_operand(o, columns));
            without.iter().for_each(|node| add_node(node, columns));
        }
        Operand::Or(operands) => operands.iter().for_each(|o| add_operand(o, columns)),
        Operand::Structural {
            relation, sides, ..
        } => {
            columns.insert(Column::Parent);
            if *relation == Relation::Sibling {
                columns.insert(Column::ParentId);
            }
            add_operand(&sides.0, columns);
            add_operand(&sides.1, columns);
        }
    }
}

fn add_node(node: &Node, columns: &mut BTreeSet<Column>) {
    match node {
        Node::Const(_) => {}
        Node::Leaf(leaf) if leaf.asks_for_roots() => {
            columns.insert(Column::ParentId);
            if leaf.field.parent {
                columns.insert(Column::Parent);
            }
        }
        Node::Leaf(leaf) => add(&leaf.field, columns),
        Node::Same(_, nodes) | Node::And(nodes) | Node::Or(nodes) => {
            nodes.iter().for_each(|node| add_node(node, columns));
        }
        Node::Not(node) => add_node(node, columns),
        Node::Rows(expr) => expr.for_each_field(&mut |field| add(field, columns)),
    }
}

fn add(field: &Field, columns: &mut BTreeSet<Column>) {
    if field.parent {
        columns.insert(Column::Parent);
    }
    match &field.what {
        What::Attribute(scope, key) => add_attribute(*scope, key, columns),
        What::Intrinsic(intrinsic) => columns.extend(of_intrinsic(*intrinsic).iter().cloned()),
    }
}

fn add_attribute(scope: Scope, key: &str, columns: &mut BTreeSet<Column>) {
    let key = || key.to_owned();
    match scope {
        Scope::Any => columns.extend([
            Column::Attr(key()),
            Column::Resource,
            Column::Scope,
            Column::Events,
            Column::EventAttr(key()),
            Column::Links,
            Column::LinkAttr(key()),
        ]),
        Scope::Span => columns.extend([Column::Attr(key())]),
        Scope::Resource => columns.extend([Column::Resource]),
        Scope::Instrumentation => columns.extend([Column::Scope]),
        Scope::Event => columns.extend([Column::Events, Column::EventAttr(key())]),
        Scope::Link => columns.extend([Column::Links, Column::LinkAttr(key())]),
    }
}

fn of_intrinsic(intrinsic: Intrinsic) -> &'static [Column] {
    match intrinsic {
        Intrinsic::Duration => &[Column::Duration],
        Intrinsic::Name | Intrinsic::TraceRootName => &[Column::Name],
        Intrinsic::Status => &[Column::Status],
        Intrinsic::StatusMessage => &[Column::StatusMessage],
        Intrinsic::Kind => &[Column::Kind],
        Intrinsic::SpanId => &[Column::SpanId],
        Intrinsic::ParentId => &[Column::ParentId],
        Intrinsic::ChildCount
        | Intrinsic::NestedSetLeft
        | Intrinsic::NestedSetRight
        | Intrinsic::NestedSetParent => &[Column::Parent, Column::ParentId, Column::SpanId],
        Intrinsic::TraceId | Intrinsic::TraceDuration => &[],
        Intrinsic::TraceRootService => &[Column::Resource],
        Intrinsic::EventName => &[Column::Events],
        Intrinsic::EventTimeSinceStart => &[Column::Events, Column::Start],
        Intrinsic::LinkTraceId | Intrinsic::LinkSpanId => &[Column::Links],
        Intrinsic::InstrumentationName | Intrinsic::InstrumentationVersion => &[Column::Scope],
    }
}
