//! A filter to the rows that match it.

use takt_model::{TimeRange, UnixNano};
use takt_trace::SpanColumns;
use takt_traceql::Filter;

use crate::bitmap::Bitmap;
use crate::guard::{Guard, Stopped};
use crate::leaf::indexes;
use crate::plan::{Child, Node, plan};
use crate::row::{Reader, Spot};

/// Rows that match, grouped by trace; traces by ordinal, rows ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hits {
    /// Trace ordinal and the rows of it that match.
    pub traces: Vec<(u32, Vec<u32>)>,
}

impl Hits {
    /// How many spans match.
    #[must_use]
    pub fn spans(&self) -> usize {
        self.traces.iter().map(|(_, rows)| rows.len()).sum()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.traces.is_empty()
    }
}

/// The spans that match `filter`, of traces that overlap `window`.
///
/// `columns` must have what [`crate::predicate_columns`] names.
///
/// # Errors
/// When `keep_going`, asked every so often, says no.
pub fn find(
    columns: &SpanColumns,
    filter: &Filter,
    window: TimeRange,
    keep_going: &dyn Fn() -> bool,
) -> Result<Hits, Stopped> {
    let rows = matching(columns, Some(filter), window, keep_going)?;
    Ok(by_trace(columns, &rows))
}

/// The rows that match `filter` (all, without one), of traces that overlap `window`.
pub(crate) fn matching(
    columns: &SpanColumns,
    filter: Option<&Filter>,
    window: TimeRange,
    keep_going: &dyn Fn() -> bool,
) -> Result<Bitmap, Stopped> {
    let search = Search::new(columns, keep_going);
    search.guard.check()?;
    let candidates = search.in_window(window)?;
    match filter {
        Some(filter) => search.node(&plan(filter), &candidates),
        None => Ok(candidates),
    }
}

fn by_trace(columns: &SpanColumns, rows: &Bitmap) -> Hits {
    let mut pairs: Vec<(u32, u32)> = rows
        .iter()
        .map(|row| (columns.trace[row as usize], row))
        .collect();
    if !pairs.is_sorted() {
        pairs.sort_unstable();
    }
    let traces = pairs
        .chunk_by(|a, b| a.0 == b.0)
        .map(|pairs| (pairs[0].0, pairs.iter().map(|(_, row)| *row).collect()))
        .collect();
    Hits { traces }
}

/// One run over one set of columns.
pub(crate) struct Search<'a> {
    pub(crate) columns: &'a SpanColumns,
    pub(crate) reader: Reader<'a>,
    pub(crate) guard: Guard<'a>,
}

impl<'a> Search<'a> {
    pub(crate) fn new(columns: &'a SpanColumns, keep_going: &'a dyn Fn() -> bool) -> Self {
        Self {
            columns,
            reader: Reader::new(columns),
            guard: Guard::new(keep_going),
        }
    }

    /// The traces that overlap `window`.
    pub(crate) fn traces_in(&self, window: TimeRange) -> Result<Bitmap, Stopped> {
        let traces = &self.columns.traces;
        let mut inside = Bitmap::none(traces.len());
        self.guard.each(indexes(traces.len()), |trace| {
            let (start, end) = (traces.start[trace as usize], traces.end[trace as usize]);
            if window.overlaps(UnixNano(start), UnixNano(end)) {
                inside.insert(trace);
            }
        })?;
        Ok(inside)
    }

    fn in_window(&self, window: TimeRange) -> Result<Bitmap, Stopped> {
        let traces = self.traces_in(window)?;
        if traces.is_full() {
            return Ok(Bitmap::all(self.columns.len()));
        }
        self.gather(&self.columns.trace, &traces)
    }

    /// The rows among `candidates` for which `node` holds.
    pub(crate) fn node(&self, node: &Node, candidates: &Bitmap) -> Result<Bitmap, Stopped> {
        match node {
            Node::Const(true) => Ok(candidates.clone()),
            Node::Const(false) => Ok(self.none()),
            Node::Leaf(leaf) => self.leaf(leaf, candidates),
            Node::Same(child, conditions) => self.same(*child, conditions, candidates),
            Node::And(nodes) => {
                let mut rows = candidates.clone();
                for node in nodes {
                    if rows.is_empty() {
                        break;
                    }
                    rows = self.node(node, &rows)?;
                }
                Ok(rows)
            }
            Node::Or(nodes) => {
                let mut rows = self.none();
                let mut open = candidates.clone();
                for node in nodes {
                    if open.is_empty() {
                        break;
                    }
                    let found = self.node(node, &open)?;
                    open.subtract(&found);
                    rows.or(&found);
                }
                Ok(rows)
            }
            Node::Not(node) => {
                let mut rows = candidates.clone();
                rows.subtract(&self.node(node, candidates)?);
                Ok(rows)
            }
            Node::Rows(expr) => {
                self.filter(candidates, |row| self.reader.holds(expr, Spot::span(row)))
            }
        }
    }

    /// The spans of which one event, or one link, satisfies all conditions.
    fn same(
        &self,
        child: Child,
        conditions: &[Node],
        candidates: &Bitmap,
    ) -> Result<Bitmap, Stopped> {
        let spans = match child {
            Child::Event => &self.columns.events.span,
            Child::Link => &self.columns.links.span,
        };
        let all = Bitmap::all(spans.len());
        let mut children = self.filter(&all, |at| candidates.has(spans[at as usize]))?;
        for condition in conditions {
            match condition {
                Node::Leaf(leaf) => children.and(&self.children(child, leaf)?),
                other => {
                    children = self.filter(&children, |at| {
                        self.holds_at(other, spot(child, spans[at as usize], at))
                    })?;
                }
            }
        }
        self.spans_of(spans, &children)
    }

    /// Whether `node` holds at one place, by looking at that place only.
    pub(crate) fn holds_at(&self, node: &Node, at: Spot) -> bool {
        match node {
            Node::Const(flag) => *flag,
            Node::Leaf(leaf) => {
                let mut holds = false;
                self.reader.field(&leaf.field, at, &mut |value| {
                    holds |= leaf.test.holds(value);
                });
                holds
            }
            Node::Same(_, nodes) | Node::And(nodes) => {
                nodes.iter().all(|node| self.holds_at(node, at))
            }
            Node::Or(nodes) => nodes.iter().any(|node| self.holds_at(node, at)),
            Node::Not(node) => !self.holds_at(node, at),
            Node::Rows(expr) => self.reader.holds(expr, at),
        }
    }
}

pub(crate) fn spot(child: Child, span: u32, at: u32) -> Spot {
    match child {
        Child::Event => Spot {
            span,
            event: Some(at),
            link: None,
        },
        Child::Link => Spot {
            span,
            event: None,
            link: Some(at),
        },
    }
}
