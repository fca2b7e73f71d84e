//! `q` of trace by id: the spans that match a filter, and as much of the tree around them as asked for.

use std::collections::{HashMap, VecDeque};

use takt_engine::{Scope, find};
use takt_model::{SpanId, TimeRange};
use takt_trace::decode::{DecodeLimits, Decoder};
use takt_trace::{SpanColumns, encode};
use takt_traceql::{
    Body, Field, Filter, Intrinsic, ParseError, Pipeline, Query, Spansets, Stage, What,
};

use crate::failure::Failure;

/// Which spans of a trace to keep.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SpanFilter {
    filter: Filter,
    /// How far above a match spans are kept; `None` is up to the root.
    pub(crate) ancestors: Depth,
    /// How far below.
    pub(crate) descendants: Depth,
}

/// A number of generations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    AtMost(u32),
    Unlimited,
}

impl Depth {
    pub(crate) const NONE: Self = Self::AtMost(0);

    fn reaches(self, generation: u32) -> bool {
        match self {
            Self::AtMost(most) => generation <= most,
            Self::Unlimited => true,
        }
    }
}

/// Why a text cannot filter the spans of one trace.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfit {
    #[error("failed to parse TraceQL spanset filter: {0}")]
    Query(ParseError),
    #[error("only a single TraceQL filter is supported: got {0}")]
    NotOneFilter(&'static str),
    #[error("intrinsic is not supported by this filter: \"{0}\"")]
    Intrinsic(&'static str),
    #[error("attribute scope is not supported by this filter: \"{0}\"")]
    Scope(String),
}

/// What is stored was cut to its limits when it came.
const KEEP_ALL: DecodeLimits = DecodeLimits {
    max_attribute_bytes: 0,
};

impl SpanFilter {
    /// Reads one spanset filter that asks of each span nothing but itself.
    pub(crate) fn parse(query: &str) -> Result<Self, Unfit> {
        let filter = one_filter(takt_traceql::parse(query).map_err(Unfit::Query)?)?;
        let mut unfit = None;
        if let Some(expr) = &filter.expr {
            expr.for_each_field(&mut |field| unfit = unfit.take().or_else(|| refusal(field)));
        }
        match unfit {
            Some(unfit) => Err(unfit),
            None => Ok(Self {
                filter,
                ancestors: Depth::NONE,
                descendants: Depth::NONE,
            }),
        }
    }

    /// The spans to keep of an assembled trace, or `None` when that is all of them.
    pub(crate) fn apply(
        &self,
        proto: &[u8],
        keep_going: &dyn Fn() -> bool,
    ) -> Result<Option<Vec<u8>>, Failure> {
        let mut columns = SpanColumns::default();
        Decoder::default()
            .append(&mut columns, proto, &KEEP_ALL)
            .map_err(|error| Failure::Internal(format!("stored spans do not decode: {error}")))?;
        let matching = find(
            &columns,
            &self.filter,
            &Scope::new(TimeRange::ALL, keep_going),
        )?;
        let mut kept = vec![false; columns.len()];
        let matched: Vec<u32> = matching.iter().collect();
        for row in &matched {
            kept[*row as usize] = true;
        }
        if self.ancestors != Depth::NONE {
            keep_around(
                &columns,
                &matched,
                self.ancestors,
                Towards::Parents,
                &mut kept,
            );
        }
        if self.descendants != Depth::NONE {
            keep_around(
                &columns,
                &matched,
                self.descendants,
                Towards::Children,
                &mut kept,
            );
        }
        if kept.iter().all(|kept| *kept) {
            return Ok(None);
        }
        let rows: Vec<u32> = (0..)
            .zip(&kept)
            .filter(|(_, kept)| **kept)
            .map(|(row, _)| row)
            .collect();
        Ok(Some(encode::trace_proto(&columns, &rows)))
    }
}

/// The filter that is the whole query; hints do no harm.
fn one_filter(query: Query) -> Result<Filter, Unfit> {
    let Body::Search(Pipeline { mut stages }) = query.body else {
        return Err(Unfit::NotOneFilter("a metrics query"));
    };
    if query.order.is_some() {
        return Err(Unfit::NotOneFilter("an order of traces"));
    }
    match (stages.pop(), stages.is_empty()) {
        (Some(Stage::Spansets(Spansets::Filter(filter))), true) => Ok(filter),
        (Some(Stage::Spansets(_)), true) => {
            Err(Unfit::NotOneFilter("a structural or aggregate query"))
        }
        _ => Err(Unfit::NotOneFilter("a multi-stage pipeline")),
    }
}

/// What needs more than the span at hand.
fn refusal(field: &Field) -> Option<Unfit> {
    if field.parent {
        return Some(Unfit::Scope(field.to_string()));
    }
    match field.what {
        What::Attribute(..) => None,
        What::Intrinsic(intrinsic) => match intrinsic {
            Intrinsic::ChildCount
            | Intrinsic::NestedSetLeft
            | Intrinsic::NestedSetRight
            | Intrinsic::NestedSetParent
            | Intrinsic::TraceId
            | Intrinsic::TraceRootName
            | Intrinsic::TraceRootService
            | Intrinsic::TraceDuration => Some(Unfit::Intrinsic(intrinsic.name())),
            Intrinsic::Duration
            | Intrinsic::Name
            | Intrinsic::Status
            | Intrinsic::StatusMessage
            | Intrinsic::Kind
            | Intrinsic::SpanId
            | Intrinsic::ParentId
            | Intrinsic::EventName
            | Intrinsic::EventTimeSinceStart
            | Intrinsic::LinkTraceId
            | Intrinsic::LinkSpanId
            | Intrinsic::InstrumentationName
            | Intrinsic::InstrumentationVersion => None,
        },
    }
}

#[derive(Debug, Clone, Copy)]
enum Towards {
    Parents,
    Children,
}

/// Keeps what is within `depth` generations of a match, breadth first, so that each span is reached by
/// its shortest way and cycles end. Spans go by their ids here: where two have the same, both are kin.
fn keep_around(
    columns: &SpanColumns,
    matched: &[u32],
    depth: Depth,
    towards: Towards,
    kept: &mut [bool],
) {
    let mut spans = HashMap::<SpanId, Vec<u32>>::new();
    for (row, id) in (0..).zip(match towards {
        Towards::Parents => &columns.span_id,
        Towards::Children => &columns.parent_id,
    }) {
        spans.entry(*id).or_default().push(row);
    }
    // A root names no parent, and a span without an id has no children.
    spans.remove(&SpanId::default());
    let next = match towards {
        Towards::Parents => &columns.parent_id,
        Towards::Children => &columns.span_id,
    };
    let mut queue: VecDeque<(SpanId, u32)> =
        matched.iter().map(|row| (next[*row as usize], 1)).collect();
    while let Some((id, generation)) = queue.pop_front() {
        if !depth.reaches(generation) {
            continue;
        }
        // Removed, so that every id is followed once, the first time on the shortest way.
        for row in spans.remove(&id).unwrap_or_default() {
            kept[row as usize] = true;
            queue.push_back((next[row as usize], generation + 1));
        }
    }
}

#[cfg(test)]
mod tests;
