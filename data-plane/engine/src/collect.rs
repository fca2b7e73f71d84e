//! Hits to what a search answers: traces, newest first, with some spans and what the query touched of them.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use takt_model::{SpanId, TraceId};
use takt_trace::{SpanColumns, Value};
use takt_traceql::{Expr, Field, Filter, Intrinsic, Static, UnaryOp, What, format_duration};

use crate::array;
use crate::find::{Hits, Search, spot};
use crate::plan::{Child, Leaf, Node, bare, condition, plan};
use crate::row::Spot;
use crate::value::{Test, Val};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CollectOptions {
    /// How many traces at most.
    pub limit: usize,
    /// How many spans of each trace at most; 0 for all.
    pub spans_per_set: usize,
}

/// A trace with matching spans.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceHit {
    pub trace: TraceId,
    /// Nanoseconds since the Unix epoch, of the whole trace as far as these columns know it.
    pub start: u64,
    pub end: u64,
    /// How many spans match; `spans` may be fewer.
    pub matched: u32,
    /// In the order of their start.
    pub spans: Vec<SpanHit>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct SpanHit {
    pub span_id: SpanId,
    pub start: u64,
    pub duration: u64,
    /// Only if the query touched it.
    pub name: Option<String>,
    /// What else the query touched, in its order: by bare attribute name or name of the intrinsic.
    pub attributes: Vec<(String, Value)>,
}

/// The answer to a search: newest trace start first, ties by trace id.
///
/// `columns` must have what [`crate::result_columns`] names. A span that came twice (same id, kind
/// and times in one trace) counts once.
#[must_use]
pub fn collect(
    columns: &SpanColumns,
    filter: &Filter,
    hits: &Hits,
    options: &CollectOptions,
) -> Vec<TraceHit> {
    let search = Search::new(columns, &|| true);
    let shown = Shown::of(filter);
    let mut traces: Vec<&(u32, Vec<u32>)> = hits.traces.iter().collect();
    newest(columns, &mut traces, options.limit, |(trace, _)| *trace);
    traces
        .into_iter()
        .map(|(trace, rows)| {
            let rows = in_order(columns, rows);
            let shown_rows = match options.spans_per_set {
                0 => rows.len(),
                most => rows.len().min(most),
            };
            TraceHit {
                matched: u32::try_from(rows.len()).expect("rows are u32 by construction"),
                spans: rows[..shown_rows]
                    .iter()
                    .map(|row| shown.span(&search, *row))
                    .collect(),
                ..head(columns, *trace)
            }
        })
        .collect()
}

/// The same for traces that match as a whole: no spans are shown.
#[must_use]
pub fn collect_traces(columns: &SpanColumns, traces: &[u32], limit: usize) -> Vec<TraceHit> {
    let mut traces = traces.to_vec();
    newest(columns, &mut traces, limit, |trace| *trace);
    traces
        .into_iter()
        .map(|trace| head(columns, trace))
        .collect()
}

/// Sorts and cuts.
fn newest<T>(columns: &SpanColumns, traces: &mut Vec<T>, limit: usize, of: impl Fn(&T) -> u32) {
    traces.sort_unstable_by_key(|entry| {
        let trace = of(entry) as usize;
        (
            Reverse(columns.traces.start[trace]),
            columns.traces.id[trace],
        )
    });
    traces.truncate(limit);
}

fn head(columns: &SpanColumns, trace: u32) -> TraceHit {
    TraceHit {
        trace: columns.traces.id[trace as usize],
        start: columns.traces.start[trace as usize],
        end: columns.traces.end[trace as usize],
        matched: 0,
        spans: Vec::new(),
    }
}

/// The rows by start, without those that came twice.
fn in_order(columns: &SpanColumns, rows: &[u32]) -> Vec<u32> {
    let mut seen = BTreeSet::new();
    let mut rows: Vec<u32> = rows
        .iter()
        .copied()
        .filter(|row| {
            let row = *row as usize;
            let times = (columns.start[row], columns.duration[row]);
            seen.insert((columns.span_id[row], columns.kind[row], times))
        })
        .collect();
    rows.sort_unstable_by_key(|row| {
        let row = *row as usize;
        (columns.start[row], columns.span_id[row], columns.kind[row])
    });
    rows
}

/// What the query touched, in its order.
struct Shown {
    fields: Vec<ShownField>,
    /// The conditions that one event, or one link, satisfies together.
    same: Vec<(Child, Vec<Node>)>,
}

/// A field is shown with the first of its values that the query asked for.
struct ShownField {
    field: Field,
    /// Any of these makes a value one that was asked for.
    tests: Vec<Test>,
    /// The query asked for spans that lack it.
    nil: bool,
}

impl Shown {
    fn of(filter: &Filter) -> Self {
        let mut shown = Self {
            fields: Vec::new(),
            same: Vec::new(),
        };
        if let Some(expr) = &filter.expr {
            shown.add(expr);
        }
        if let Node::And(nodes) = plan(filter) {
            for node in nodes {
                if let Node::Same(child, conditions) = node {
                    shown.same.push((child, conditions));
                }
            }
        }
        shown.fields.retain(|shown| !is_hidden(&shown.field));
        shown
    }

    /// Adds what a condition touches.
    fn add(&mut self, expr: &Expr) {
        match expr {
            Expr::Binary { op, left, right } if op.is_logical() => {
                self.add(left);
                self.add(right);
                return;
            }
            Expr::Unary {
                op: UnaryOp::Not,
                operand,
            } if bare(expr).is_none() => return self.add_all(operand),
            _ => {}
        }
        match condition(expr) {
            Node::Leaf(leaf) => self.leaf(leaf),
            Node::Not(inner) => match *inner {
                Node::Leaf(Leaf {
                    field,
                    test: Test::Exists,
                }) => self.entry(&field).nil = true,
                _ => self.add_all(expr),
            },
            Node::Const(_) | Node::Same(..) | Node::And(_) | Node::Or(_) | Node::Rows(_) => {
                self.add_all(expr);
            }
        }
    }

    /// Adds every field with whatever value it has.
    fn add_all(&mut self, expr: &Expr) {
        expr.for_each_field(&mut |field| {
            self.leaf(Leaf {
                field: field.clone(),
                test: Test::Exists,
            });
        });
    }

    fn leaf(&mut self, leaf: Leaf) {
        self.entry(&leaf.field).tests.push(leaf.test);
    }

    fn entry(&mut self, field: &Field) -> &mut ShownField {
        let known = self.fields.iter().position(|shown| shown.field == *field);
        let at = known.unwrap_or_else(|| {
            self.fields.push(ShownField {
                field: field.clone(),
                tests: Vec::new(),
                nil: false,
            });
            self.fields.len() - 1
        });
        &mut self.fields[at]
    }

    fn span(&self, search: &Search<'_>, row: u32) -> SpanHit {
        let columns = search.columns;
        let mut hit = SpanHit {
            span_id: columns.span_id[row as usize],
            start: columns.start[row as usize],
            duration: columns.duration[row as usize],
            name: None,
            attributes: Vec::new(),
        };
        let at = self.spot(search, row);
        for shown in &self.fields {
            let Some(value) = shown.value(search, at) else {
                continue;
            };
            match (&shown.field, value) {
                (name, Value::String(text)) if *name == Field::intrinsic(Intrinsic::Name) => {
                    hit.name = Some(text);
                }
                (field, value) => {
                    let attribute = (key(field), value);
                    if !hit.attributes.contains(&attribute) {
                        hit.attributes.push(attribute);
                    }
                }
            }
        }
        hit
    }

    /// The span with the event and the link that satisfied the conditions on those.
    fn spot(&self, search: &Search<'_>, row: u32) -> Spot {
        let mut at = Spot::span(row);
        for (child, conditions) in &self.same {
            let mut children = match child {
                Child::Event => search.columns.events_of(row),
                Child::Link => search.columns.links_of(row),
            };
            let found = children.find(|found| {
                let at = spot(*child, row, *found);
                conditions.iter().all(|node| search.holds_at(node, at))
            });
            match child {
                Child::Event => at.event = found,
                Child::Link => at.link = found,
            }
        }
        at
    }
}

impl ShownField {
    fn value(&self, search: &Search<'_>, at: Spot) -> Option<Value> {
        let (mut found, mut missing) = (None, true);
        search.reader.field(&self.field, at, &mut |value| {
            missing = false;
            if found.is_none() {
                found = self.asked_for(value);
            }
        });
        if missing && self.nil {
            return Some(Value::String(Static::Nil.to_string()));
        }
        found
    }

    /// The part of a value that the query asked for: of an array only the elements that passed.
    fn asked_for(&self, value: Val<'_>) -> Option<Value> {
        let whole = self
            .tests
            .iter()
            .any(|test| test.wants_all() && test.holds(value));
        let Val::Other(encoded) = value else {
            let passes = self.tests.iter().any(|test| test.holds(value));
            return passes.then(|| shown_value(value));
        };
        if whole {
            return Some(shown_value(value));
        }
        let mut elements = array::elements(encoded)?;
        elements.retain(|element| {
            let element = array::borrow(element);
            self.tests.iter().any(|test| test.holds(element))
        });
        match elements.len() {
            0 => None,
            1 => elements.pop(),
            _ => Some(array::encode(elements)),
        }
    }
}

fn shown_value(value: Val<'_>) -> Value {
    match value {
        Val::Int(number) => Value::Int(number),
        Val::Float(number) => Value::Float(number),
        Val::Str(text) => Value::String(text.to_owned()),
        Val::Bool(flag) => Value::Bool(flag),
        Val::Duration(nanos) => Value::String(format_duration(nanos)),
        Val::Status(status) => Value::String(status.name().to_owned()),
        Val::Kind(kind) => Value::String(kind.name().to_owned()),
        Val::Other(encoded) => Value::Other(encoded.to_vec()),
    }
}

/// What stands elsewhere in the answer, for the span or for its trace.
fn is_hidden(field: &Field) -> bool {
    match field.what {
        What::Attribute(..) => false,
        What::Intrinsic(intrinsic) => {
            let elsewhere = matches!(intrinsic, Intrinsic::Duration | Intrinsic::SpanId);
            !field.parent && (elsewhere || intrinsic.is_of_trace())
        }
    }
}

fn key(field: &Field) -> String {
    let name = match &field.what {
        What::Attribute(_, key) => key,
        What::Intrinsic(intrinsic) => intrinsic.name(),
    };
    if field.parent {
        format!("parent.{name}")
    } else {
        name.to_owned()
    }
}
