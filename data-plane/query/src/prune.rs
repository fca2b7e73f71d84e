//! Whether a row group can hold a span that matches, by the block's index alone. False is certain.

use takt_block::{Counted, Error, Intrinsic as Stored, Opened, Scope as Place};
use takt_trace::Value;
use takt_traceql::{
    BinaryOp, Expr, Field, Filter, Intrinsic, Kind, Mode, Pipeline, Scope, SpansetOp, Spansets,
    Stage, Static, Status, What,
};

use crate::question::Question;

/// Whether a row group can hold a trace (a span, for metrics) that answers the question.
///
/// # Errors
/// When the index is damaged.
pub(crate) fn may_answer(
    opened: &Opened,
    group: usize,
    question: &Question,
) -> Result<bool, Error> {
    match question {
        Question::Search(search) => may_pass(opened, group, &search.pipeline),
        Question::Tags(_) => Ok(true),
        Question::Metrics(metrics) => {
            let mut may = false;
            let mut broken = None;
            metrics.expr.for_each_query(
                &mut |query| match may_pass(opened, group, &query.pipeline) {
                    Ok(passes) => may |= passes,
                    Err(error) => broken = Some(error),
                },
            );
            broken.map_or(Ok(may), Err)
        }
    }
}

/// A trace lies in one row group, whole; so every stage must find something in the same group.
fn may_pass(opened: &Opened, group: usize, pipeline: &Pipeline) -> Result<bool, Error> {
    for stage in &pipeline.stages {
        if let Stage::Spansets(spansets) = stage
            && !may_hold(opened, group, spansets)?
        {
            return Ok(false);
        }
    }
    Ok(true)
}

fn may_hold(opened: &Opened, group: usize, spansets: &Spansets) -> Result<bool, Error> {
    Ok(match spansets {
        Spansets::Filter(filter) => may_match(opened, group, filter)?,
        Spansets::Without(_) => true,
        Spansets::Pipeline(pipeline) => may_pass(opened, group, pipeline)?,
        Spansets::Binary { op, left, right } => match op {
            SpansetOp::Or => may_hold(opened, group, left)? || may_hold(opened, group, right)?,
            // Without any span on the left, the relation holds for none.
            SpansetOp::Structural {
                mode: Mode::HoldsForNone,
                ..
            } => may_hold(opened, group, right)?,
            SpansetOp::And
            | SpansetOp::Structural {
                mode: Mode::Holds | Mode::Union,
                ..
            } => may_hold(opened, group, left)? && may_hold(opened, group, right)?,
        },
    })
}

/// # Errors
/// When the index is damaged.
pub(crate) fn may_match(opened: &Opened, group: usize, filter: &Filter) -> Result<bool, Error> {
    filter
        .expr
        .as_ref()
        .map_or(Ok(true), |expr| Group { opened, group }.may(expr))
}

struct Group<'a> {
    opened: &'a Opened,
    group: usize,
}

impl Group<'_> {
    fn may(&self, expr: &Expr) -> Result<bool, Error> {
        match expr {
            Expr::Static(value) => Ok(*value != Static::Bool(false)),
            Expr::Binary {
                op: BinaryOp::And,
                left,
                right,
            } => Ok(self.may(left)? && self.may(right)?),
            Expr::Binary {
                op: BinaryOp::Or,
                left,
                right,
            } => Ok(self.may(left)? || self.may(right)?),
            Expr::Binary { op, left, right } if op.is_comparison() => match (&**left, &**right) {
                (Expr::Field(field), Expr::Static(value)) => self.may_compare(*op, field, value),
                (Expr::Static(value), Expr::Field(field)) => {
                    self.may_compare(mirrored(*op), field, value)
                }
                _ => Ok(true),
            },
            Expr::Match {
                negated: false,
                operand,
                pattern,
            } => match &**operand {
                Expr::Field(field) => self.has(
                    field,
                    &|value| matches!(value, Value::String(text) if pattern.is_match(text)),
                ),
                _ => Ok(true),
            },
            Expr::In {
                negated: false,
                field,
                values,
            } => {
                for value in values {
                    if self.may_compare(BinaryOp::Eq, field, value)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Expr::In {
                negated: true,
                field,
                ..
            } => self.has(field, &|_| true),
            Expr::Match {
                negated: true,
                operand,
                ..
            }
            | Expr::Exists {
                negated: false,
                operand,
            } => match &**operand {
                Expr::Field(field) => self.has(field, &|_| true),
                _ => Ok(true),
            },
            Expr::Binary { .. }
            | Expr::Unary { .. }
            | Expr::Exists { negated: true, .. }
            | Expr::Field(_) => Ok(true),
        }
    }

    /// A comparison with a missing attribute is false, even `!=`; so at least some value must be there.
    fn may_compare(&self, op: BinaryOp, field: &Field, literal: &Static) -> Result<bool, Error> {
        if *field == Field::intrinsic(Intrinsic::Duration) {
            return Ok(self.may_last(op, literal));
        }
        match (op, literal) {
            (BinaryOp::Eq, Static::Nil) => Ok(true),
            (BinaryOp::Eq, _) => self.has(field, &|value| may_equal(value, literal)),
            _ => self.has(field, &|_| true),
        }
    }

    fn may_last(&self, op: BinaryOp, literal: &Static) -> bool {
        let longest = i64::try_from(self.opened.group_duration_max(self.group)).unwrap_or(i64::MAX);
        match (op, literal) {
            (BinaryOp::Gt, Static::Duration(least)) => longest > *least,
            (BinaryOp::Ge | BinaryOp::Eq, Static::Duration(least)) => longest >= *least,
            _ => true,
        }
    }

    /// Whether some value of the field in this group passes, as far as the index knows the values.
    fn has(&self, field: &Field, passes: &dyn Fn(&Value) -> bool) -> Result<bool, Error> {
        if field.parent {
            return Ok(true);
        }
        let here = |counted: &Counted| {
            counted
                .groups
                .get(self.group)
                .is_some_and(|count| *count > 0)
                && passes(&counted.value)
        };
        match &field.what {
            What::Attribute(scope, key) => {
                for place in places(*scope) {
                    let values = self.opened.values(*place, key)?;
                    if values.is_none_or(|values| values.into_iter().any(here)) {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            What::Intrinsic(intrinsic) => {
                let Some(stored) = stored(*intrinsic) else {
                    return Ok(true);
                };
                let values = self.opened.intrinsic(stored)?;
                Ok(values.is_none_or(|values| values.iter().any(here)))
            }
        }
    }
}

fn mirrored(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Lt => BinaryOp::Gt,
        BinaryOp::Le => BinaryOp::Ge,
        BinaryOp::Gt => BinaryOp::Lt,
        BinaryOp::Ge => BinaryOp::Le,
        same => same,
    }
}

pub(crate) fn places(scope: Scope) -> &'static [Place] {
    match scope {
        Scope::Any => &Place::ALL,
        Scope::Span => &[Place::Span],
        Scope::Resource => &[Place::Resource],
        Scope::Event => &[Place::Event],
        Scope::Link => &[Place::Link],
        Scope::Instrumentation => &[Place::Instrumentation],
    }
}

/// What the index keeps the values of.
fn stored(intrinsic: Intrinsic) -> Option<Stored> {
    match intrinsic {
        Intrinsic::Name => Some(Stored::Name),
        Intrinsic::Status => Some(Stored::Status),
        Intrinsic::Kind => Some(Stored::Kind),
        Intrinsic::EventName => Some(Stored::EventName),
        Intrinsic::InstrumentationName => Some(Stored::ScopeName),
        Intrinsic::InstrumentationVersion => Some(Stored::ScopeVersion),
        _ => None,
    }
}

/// Whether a stored value may equal the literal; numbers of different types are compared roughly.
#[expect(
    clippy::cast_precision_loss,
    reason = "equal numbers stay equal when rounded"
)]
fn may_equal(value: &Value, literal: &Static) -> bool {
    match (value, literal) {
        (Value::String(text), Static::String(wanted)) => text == wanted,
        (Value::Bool(flag), Static::Bool(wanted)) => flag == wanted,
        // The index keeps OTLP's numbers for these two.
        (Value::Int(code), Static::Status(wanted)) => *code == otlp_status(*wanted),
        (Value::Int(code), Static::Kind(wanted)) => *code == otlp_kind(*wanted),
        (Value::Int(number), Static::Int(wanted) | Static::Duration(wanted)) => number == wanted,
        (Value::Int(number), Static::Float(wanted)) => (*number as f64) == *wanted,
        (Value::Float(number), Static::Int(wanted) | Static::Duration(wanted)) => {
            *number == (*wanted as f64)
        }
        (Value::Float(number), Static::Float(wanted)) => number == wanted,
        (Value::Other(_), _) => true,
        _ => false,
    }
}

fn otlp_status(status: Status) -> i64 {
    match status {
        Status::Unset => 0,
        Status::Ok => 1,
        Status::Error => 2,
    }
}

fn otlp_kind(kind: Kind) -> i64 {
    match kind {
        Kind::Unspecified => 0,
        Kind::Internal => 1,
        Kind::Server => 2,
        Kind::Client => 3,
        Kind::Producer => 4,
        Kind::Consumer => 5,
    }
}
