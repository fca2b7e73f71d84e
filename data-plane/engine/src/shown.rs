//! What of a found span an answer shows: the values that the query touched.

use takt_trace::Value;
use takt_traceql::{
    Expr, Field, Filter, Intrinsic, Pipeline, Scalar, Spansets, Stage, Static, UnaryOp, What,
};

use crate::array;
use crate::find::{Same, Search};
use crate::hit::SpanHit;
use crate::pipeline::{for_each_aggregate, measured};
use crate::plan::{Leaf, Node, bare, condition, plan};
use crate::row::Spot;
use crate::value::{Test, Val, shown};

/// What the query touched, in its order.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    fields: Vec<ShownField>,
    same: Vec<Same>,
}

/// A field is shown with the first of its values that the query asked for.
#[derive(Debug, Clone)]
struct ShownField {
    field: Field,
    /// Any of these makes a value one that was asked for.
    tests: Vec<Test>,
    /// The query asked for spans that lack it.
    nil: bool,
}

impl Shown {
    pub(crate) fn of(pipeline: &Pipeline) -> Self {
        let mut shown = Self {
            fields: Vec::new(),
            same: Vec::new(),
        };
        shown.add_pipeline(pipeline);
        shown.fields.retain(|shown| !is_hidden(&shown.field));
        shown
    }

    /// Calls `visit` with every field that is shown or decides what is.
    pub(crate) fn for_each_field(&self, visit: &mut impl FnMut(&Field)) {
        self.fields.iter().for_each(|shown| visit(&shown.field));
    }

    fn add_pipeline(&mut self, pipeline: &Pipeline) {
        for stage in &pipeline.stages {
            match stage {
                Stage::Spansets(spansets) => self.add_spansets(spansets),
                Stage::Scalar(filter) => {
                    self.add_scalar(&filter.left);
                    self.add_scalar(&filter.right);
                }
                Stage::By(expr) => {
                    self.add_all(expr);
                    // Spans without the value are a group, and shown as what they are.
                    if let Expr::Field(field) = expr {
                        self.entry(field).nil = true;
                    }
                }
                Stage::Coalesce => {}
                Stage::Select(fields) => fields.iter().for_each(|field| self.add_whole(field)),
            }
        }
    }

    fn add_spansets(&mut self, spansets: &Spansets) {
        match spansets {
            Spansets::Filter(filter) => self.add_filter(filter),
            // No span that matches it is ever shown.
            Spansets::Without(_) => {}
            Spansets::Pipeline(pipeline) => self.add_pipeline(pipeline),
            Spansets::Binary { left, right, .. } => {
                self.add_spansets(left);
                self.add_spansets(right);
            }
        }
    }

    fn add_filter(&mut self, filter: &Filter) {
        if let Some(expr) = &filter.expr {
            self.add(expr);
        }
        self.same.extend(Same::of(&plan(filter)));
    }

    fn add_scalar(&mut self, scalar: &Scalar) {
        for_each_aggregate(scalar, &mut |aggregate| {
            if let Some(expr) = measured(aggregate) {
                self.add_all(expr);
            }
        });
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
        expr.for_each_field(&mut |field| self.add_whole(field));
    }

    /// Adds a field with whatever value it has.
    fn add_whole(&mut self, field: &Field) {
        self.leaf(Leaf {
            field: field.clone(),
            test: Test::Exists,
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

    pub(crate) fn span(&self, search: &Search<'_>, row: u32) -> SpanHit {
        let columns = search.columns;
        let mut hit = SpanHit {
            span_id: columns.span_id[row as usize],
            start: columns.start[row as usize],
            duration: columns.duration[row as usize],
            name: None,
            attributes: Vec::new(),
        };
        let at = search.in_question(&self.same, row);
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
            return passes.then(|| shown(value));
        };
        if whole {
            return Some(shown(value));
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
