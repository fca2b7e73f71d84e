//! The one value by which a span is grouped or measured, where it has several.

use takt_traceql::{Field, Filter, Pipeline, Scope, Spansets, Stage, What};

use crate::find::{Same, Search};
use crate::plan::{Child, plan};
use crate::row::Spot;
use crate::value::{Val, as_number};

/// Events and links: the first one that satisfies what the first filter asks of one alone.
pub(super) struct First {
    same: Vec<Same>,
}

impl First {
    pub(super) fn new(pipeline: &Pipeline) -> Self {
        let filter = first_filter(pipeline);
        Self {
            same: filter.map_or_else(Vec::new, |filter| Same::of(&plan(filter))),
        }
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
            found = found.or_else(|| as_number(value));
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

    /// Looks for an event or a link only where the field may be one of it.
    fn place(&self, search: &Search<'_>, field: &Field, row: u32) -> Spot {
        let of_any = !field.parent && matches!(field.what, What::Attribute(Scope::Any, _));
        if of_any || Child::of(field).is_some() {
            search.in_question(&self.same, row)
        } else {
            Spot::span(row)
        }
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
