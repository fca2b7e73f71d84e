//! The search by tags that was there before TraceQL: `tags=k=v …`.

use std::time::Duration;

use takt_model::TimeRange;
use takt_trace::SpanColumns;
use takt_traceql::{BinaryOp, Field, Intrinsic, Pattern, Scope, Static, Status};

use crate::bitmap::Bitmap;
use crate::find::Search;
use crate::guard::{self, Stopped};
use crate::plan::{Leaf, Node};
use crate::value::Test;

/// All tags must be found somewhere in the trace, not all on one span.
///
/// - `name`, `root.name`, `service.name`, `root.service.name` are found within the text (case counts).
/// - `status.code` is `unset`, `ok` or `error`; any other text means `unset`. `error=true` means `status.code=error`.
/// - Any other tag equals a string attribute of a resource or span exactly. Numbers and bools never match.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TagSearch {
    pub tags: Vec<(String, String)>,
    /// Of the trace.
    pub min_duration: Option<Duration>,
    pub max_duration: Option<Duration>,
}

/// The ordinals of the traces that match, ascending. `columns` must have what
/// [`crate::tag_search_columns`] names.
///
/// # Errors
/// When `keep_going` says no.
pub fn find_by_tags(
    columns: &SpanColumns,
    tags: &TagSearch,
    window: TimeRange,
    keep_going: &dyn Fn() -> bool,
) -> Result<Vec<u32>, Stopped> {
    let evaluation = guard::Scope::new(window, keep_going);
    let search = Search::new(columns, &evaluation);
    let mut traces = search.traces(&evaluation)?;
    traces = search.filter(&traces, |trace| {
        let at = trace as usize;
        let nanos = columns.traces.end[at].saturating_sub(columns.traces.start[at]);
        let duration = Duration::from_nanos(nanos);
        tags.min_duration.is_none_or(|min| duration >= min)
            && tags.max_duration.is_none_or(|max| duration <= max)
    })?;
    let all = Bitmap::all(columns.len());
    for (tag, value) in &tags.tags {
        let rows = search.node(&condition(tag, value), &all)?;
        let mut having = Bitmap::none(traces.len());
        search.guard.each(rows.iter(), |row| {
            having.insert(columns.trace[row as usize]);
        })?;
        traces.and(&having);
    }
    Ok(traces.iter().collect())
}

fn condition(tag: &str, value: &str) -> Node {
    let within = |field| {
        let pattern = Pattern::new(&format!(".*{}.*", regex::escape(value)))
            .expect("an escaped text is a regular expression");
        leaf(
            field,
            Test::Match {
                negated: false,
                pattern,
            },
        )
    };
    let exactly = |field| {
        leaf(
            field,
            Test::Compare(BinaryOp::Eq, Static::String(value.to_owned())),
        )
    };
    let status = |status| {
        leaf(
            Field::intrinsic(Intrinsic::Status),
            Test::Compare(BinaryOp::Eq, Static::Status(status)),
        )
    };
    match (tag, value) {
        ("name", _) => within(Field::intrinsic(Intrinsic::Name)),
        ("root.name", _) => within(Field::intrinsic(Intrinsic::TraceRootName)),
        ("root.service.name", _) => within(Field::intrinsic(Intrinsic::TraceRootService)),
        ("service.name", _) => within(Field::attribute(Scope::Resource, tag)),
        ("status.code", "error") | ("error", "true") => status(Status::Error),
        ("status.code", "ok") => status(Status::Ok),
        ("status.code", _) => status(Status::Unset),
        _ => Node::Or(vec![
            exactly(Field::attribute(Scope::Resource, tag)),
            exactly(Field::attribute(Scope::Span, tag)),
        ]),
    }
}

fn leaf(field: Field, test: Test) -> Node {
    Node::Leaf(Leaf { field, test })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_taken_literally() {
        let Node::Leaf(Leaf {
            test: Test::Match { pattern, .. },
            ..
        }) = condition("name", "a.b(c")
        else {
            panic!("`name` is matched within")
        };
        assert!(pattern.is_match("x a.b(c y"));
        assert!(!pattern.is_match("axb(c"));
    }
}
