//! A planned filter to the rows that match it.

use takt_model::UnixNano;
use takt_trace::SpanColumns;

use crate::bitmap::Bitmap;
use crate::guard::{Guard, Scope, Stopped};
use crate::leaf::indexes;
use crate::plan::{Child, Node};
use crate::row::{Reader, Spot};

/// One run over one set of columns.
pub(crate) struct Search<'a> {
    pub(crate) columns: &'a SpanColumns,
    pub(crate) reader: Reader<'a>,
    pub(crate) guard: Guard<'a>,
}

impl<'a> Search<'a> {
    pub(crate) fn new(columns: &'a SpanColumns, scope: &Scope<'a>) -> Self {
        Self {
            columns,
            reader: Reader::new(columns),
            guard: Guard::new(scope),
        }
    }

    /// The traces that overlap the window and are to be evaluated here.
    pub(crate) fn traces(&self, scope: &Scope<'_>) -> Result<Bitmap, Stopped> {
        self.guard.check()?;
        let traces = &self.columns.traces;
        let mut inside = Bitmap::none(traces.len());
        self.guard.each(indexes(traces.len()), |trace| {
            let (start, end) = (traces.start[trace as usize], traces.end[trace as usize]);
            if scope.window.overlaps(UnixNano(start), UnixNano(end)) {
                inside.insert(trace);
            }
        })?;
        if let Some(skip) = scope.skip {
            inside.subtract(skip);
        }
        Ok(inside)
    }

    /// The rows of those traces.
    pub(crate) fn candidates(&self, scope: &Scope<'_>) -> Result<Bitmap, Stopped> {
        self.gather(&self.columns.trace, &self.traces(scope)?)
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

/// Conditions that one event, or one link, satisfies together.
#[derive(Debug, Clone)]
pub(crate) struct Same {
    child: Child,
    conditions: Vec<Node>,
}

impl Same {
    /// Those that a filter makes.
    pub(crate) fn of(node: &Node) -> Vec<Self> {
        let Node::And(nodes) = node else {
            return Vec::new();
        };
        let same = |node: &Node| match node {
            Node::Same(child, conditions) => Some(Self {
                child: *child,
                conditions: conditions.clone(),
            }),
            _ => None,
        };
        nodes.iter().filter_map(same).collect()
    }
}

impl Search<'_> {
    /// The span with the first event and the first link that satisfy the conditions on those.
    pub(crate) fn in_question(&self, same: &[Same], row: u32) -> Spot {
        let mut at = Spot::span(row);
        for Same { child, conditions } in same {
            let mut children = match child {
                Child::Event => self.columns.events_of(row),
                Child::Link => self.columns.links_of(row),
            };
            let found = children.find(|found| {
                let at = spot(*child, row, *found);
                conditions.iter().all(|node| self.holds_at(node, at))
            });
            match child {
                Child::Event => at.event = at.event.or(found),
                Child::Link => at.link = at.link.or(found),
            }
        }
        at
    }
}

fn spot(child: Child, span: u32, at: u32) -> Spot {
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
