//! The one value by which a span is grouped or measured, where it has several.

use takt_traceql::{Field, Filter, Pipeline, Scope, Spansets, Stage, What};

use crate::find::{Search, spot};
use crate::plan::{Child, Node, plan};
use crate::row::Spot;
use crate::value::Val;

/// Events and links: the first one that satisfies what the first filter asks of one alone.
pub(super) struct First {
    same: Vec<(Child, Vec<Node>)>,
}

impl First {
    pub(super) fn new(pipeline: &Pipeline) -> Self {
        let mut same = Vec::new();
        if let Some(filter) = first_filter(pipeline) {
            collect(plan(filter), &mut same);
        }
        Self { same }
    }

    /// The first value of the field that is a number: a duration in nanoseconds, an integer or a float.
    pub(super) fn number(
        &self,
        search: &Search<'_>,
        field: &Field,
        row: u32,
    ) -> Option<Val<'static>> {
        let mut found = None;
        let at = self.place(search, field, row);
        search.reader.field(field, at, &mut |value| {
            let number = match value {
                Val::Int(number) => Val::Int(number),
                Val::Duration(nanos) => Val::Duration(nanos),
                Val::Float(number) => Val::Float(number),
                _ => return,
            };
            found = found.or(Some(number));
        });
        found
    }

    /// Calls `emit` with the value that the row is grouped by, if there is one: the first of the field,
    /// where a field without a scope is that of the span, or else of the resource, and no other.
    pub(super) fn value(
        &self,
        search: &Search<'_>,
        field: &Field,
        row: u32,
        emit: &mut dyn FnMut(Val<'_>),
    ) {
        let mut found = false;
        let mut read = |field: &Field| {
            let at = self.place(search, field, row);
            search.reader.field(field, at, &mut |value| {
                if !found {
                    found = true;
                    emit(value);
                }
            });
        };
        match &field.what {
            What::Attribute(Scope::Any, key) => {
                for scope in [Scope::Span, Scope::Resource] {
                    read(&Field {
                        parent: field.parent,
                        what: What::Attribute(scope, key.clone()),
                    });
                }
            }
            What::Attribute(..) | What::Intrinsic(_) => read(field),
        }
    }

    fn place(&self, search: &Search<'_>, field: &Field, row: u32) -> Spot {
        let mut place = Spot::span(row);
        let anywhere = !field.parent && matches!(field.what, What::Attribute(Scope::Any, _));
        for (child, conditions) in &self.same {
            if !anywhere && Child::of(field) != Some(*child) {
                continue;
            }
            let children = match child {
                Child::Event => search.columns.events_of(row),
                Child::Link => search.columns.links_of(row),
            };
            let holds = |at: &u32| {
                let place = spot(*child, row, *at);
                conditions.iter().all(|node| search.holds_at(node, place))
            };
            let found = { children }.find(holds);
            match child {
                Child::Event => place.event = found,
                Child::Link => place.link = found,
            }
        }
        place
    }
}

/// The filter a pipeline begins with: what it asks of one event or link is what the query is about.
fn first_filter(pipeline: &Pipeline) -> Option<&Filter> {
    match pipeline.stages.first()? {
        Stage::Spansets(Spansets::Filter(filter)) => Some(filter),
        Stage::Spansets(Spansets::Pipeline(inner)) => first_filter(inner),
        _ => None,
    }
}

fn collect(node: Node, same: &mut Vec<(Child, Vec<Node>)>) {
    match node {
        Node::Same(child, conditions) => same.push((child, conditions)),
        Node::And(nodes) => nodes.into_iter().for_each(|node| collect(node, same)),
        Node::Const(_) | Node::Leaf(_) | Node::Or(_) | Node::Not(_) | Node::Rows(_) => {}
    }
}
