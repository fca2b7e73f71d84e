//! The one value by which a span is grouped or measured, where it has several.

use takt_traceql::{Field, Pipeline, Spansets, Stage};

use crate::find::{Search, spot};
use crate::plan::{Child, Node, plan};
use crate::row::Spot;
use crate::value::Val;

/// Events and links: the first one that satisfies what the filter asks of one alone.
pub(super) struct First {
    same: Vec<(Child, Vec<Node>)>,
}

impl First {
    pub(super) fn new(pipeline: &Pipeline) -> Self {
        let mut same = Vec::new();
        if let [Stage::Spansets(Spansets::Filter(filter))] = pipeline.stages.as_slice() {
            collect(plan(filter), &mut same);
        }
        Self { same }
    }

    /// Calls `emit` with the first value of the field, if there is one.
    pub(super) fn value(
        &self,
        search: &Search<'_>,
        field: &Field,
        row: u32,
        emit: &mut dyn FnMut(Val<'_>),
    ) {
        let mut found = false;
        search
            .reader
            .field(field, self.place(search, field, row), &mut |value| {
                if !found {
                    found = true;
                    emit(value);
                }
            });
    }

    fn place(&self, search: &Search<'_>, field: &Field, row: u32) -> Spot {
        let conditions =
            Child::of(field).and_then(|child| self.same.iter().find(|(of, _)| *of == child));
        let Some((child, conditions)) = conditions else {
            return Spot::span(row);
        };
        let mut places = match child {
            Child::Event => search.columns.events_of(row),
            Child::Link => search.columns.links_of(row),
        }
        .map(|at| spot(*child, row, at));
        places
            .find(|at| conditions.iter().all(|node| search.holds_at(node, *at)))
            .unwrap_or_else(|| Spot::span(row))
    }
}

fn collect(node: Node, same: &mut Vec<(Child, Vec<Node>)>) {
    match node {
        Node::Same(child, conditions) => same.push((child, conditions)),
        Node::And(nodes) => nodes.into_iter().for_each(|node| collect(node, same)),
        Node::Const(_) | Node::Leaf(_) | Node::Or(_) | Node::Not(_) | Node::Rows(_) => {}
    }
}
