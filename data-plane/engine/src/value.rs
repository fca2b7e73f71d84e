//! Values while a query runs: how they compare and what arithmetic does with them.

use std::cmp::Ordering;

use takt_trace::{Value, ValueRef};
use takt_traceql::{BinaryOp, Kind, Pattern, Static, Status, format_duration};

use crate::array;

/// One value of a field. A missing field has none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Val<'a> {
    Int(i64),
    Float(f64),
    Str(&'a str),
    Bool(bool),
    Duration(i64),
    Status(Status),
    Kind(Kind),
    /// An encoded OTLP `AnyValue`: an array, or what cannot be compared.
    Other(&'a [u8]),
}

impl<'a> From<ValueRef<'a>> for Val<'a> {
    fn from(value: ValueRef<'a>) -> Self {
        match value {
            ValueRef::String(text) => Self::Str(text),
            ValueRef::Int(number) => Self::Int(number),
            ValueRef::Float(number) => Self::Float(number),
            ValueRef::Bool(flag) => Self::Bool(flag),
            ValueRef::Other(bytes) => Self::Other(bytes),
        }
    }
}

/// A literal as a value; nil is none.
pub(crate) fn of_static(literal: &Static) -> Option<Val<'_>> {
    Some(match literal {
        Static::Nil => return None,
        Static::Int(number) => Val::Int(*number),
        Static::Float(number) => Val::Float(*number),
        Static::String(text) => Val::Str(text),
        Static::Bool(flag) => Val::Bool(*flag),
        Static::Duration(nanos) => Val::Duration(*nanos),
        Static::Status(status) => Val::Status(*status),
        Static::Kind(kind) => Val::Kind(*kind),
    })
}

/// OTLP's status code in TraceQL's words.
pub(crate) fn status(code: u8) -> Status {
    match code {
        2 => Status::Error,
        1 => Status::Ok,
        _ => Status::Unset,
    }
}

/// OTLP's span kind in TraceQL's words.
pub(crate) fn kind(code: u8) -> Kind {
    Kind::ALL
        .get(usize::from(code))
        .copied()
        .unwrap_or(Kind::Unspecified)
}

/// A value as answers show it: durations, status and kind as text.
pub(crate) fn shown(value: Val<'_>) -> Value {
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

/// A number of any type without what it borrows; nothing for what is none, the float called "not a number"
/// included.
pub(crate) fn as_number(value: Val<'_>) -> Option<Val<'static>> {
    match value {
        Val::Int(number) => Some(Val::Int(number)),
        Val::Duration(nanos) => Some(Val::Duration(nanos)),
        Val::Float(number) => (!number.is_nan()).then_some(Val::Float(number)),
        Val::Str(_) | Val::Bool(_) | Val::Status(_) | Val::Kind(_) | Val::Other(_) => None,
    }
}

/// What a leaf asks of its field's value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Test {
    Compare(BinaryOp, Static),
    Match {
        negated: bool,
        pattern: Pattern,
    },
    /// Equal to one of them, or when negated different from each.
    OneOf {
        negated: bool,
        literals: Vec<Static>,
    },
    /// A bare attribute as a condition: it is this bool, and no array.
    Is(bool),
    Exists,
}

impl Test {
    pub(crate) fn holds(&self, value: Val<'_>) -> bool {
        match self {
            Self::Compare(op, literal) => {
                of_static(literal).is_some_and(|literal| compare(*op, value, literal))
            }
            Self::Match { negated, pattern } => matches(value, pattern, *negated),
            Self::OneOf { negated, literals } => one_of(value, literals, *negated),
            Self::Is(flag) => value == Val::Bool(*flag),
            Self::Exists => true,
        }
    }

    /// Whether an array must satisfy it with all its elements.
    pub(crate) fn wants_all(&self) -> bool {
        match self {
            Self::Compare(op, _) => *op == BinaryOp::Ne,
            Self::Match { negated, .. } | Self::OneOf { negated, .. } => *negated,
            Self::Is(_) => false,
            Self::Exists => true,
        }
    }
}

/// `value =~ pattern`, or `!~` when negated. Only strings can match or fail to.
pub(crate) fn matches(value: Val<'_>, pattern: &Pattern, negated: bool) -> bool {
    match value {
        Val::Str(text) => pattern.is_match(text) != negated,
        Val::Other(bytes) => over_elements(bytes, negated, |element| match element {
            Val::Str(text) => pattern.is_match(text) != negated,
            _ => false,
        }),
        _ => false,
    }
}

/// `value = literal || …`, or `value != literal && …` when negated.
pub(crate) fn one_of(value: Val<'_>, literals: &[Static], negated: bool) -> bool {
    let mut literals = literals.iter().filter_map(of_static);
    if negated {
        literals.all(|literal| compare(BinaryOp::Ne, value, literal))
    } else {
        literals.any(|literal| compare(BinaryOp::Eq, value, literal))
    }
}

/// `left op right` for a comparison. Values of different types compare to false, even by `!=`.
pub(crate) fn compare(op: BinaryOp, left: Val<'_>, right: Val<'_>) -> bool {
    match (left, right) {
        (Val::Other(_), Val::Other(_)) => false,
        (Val::Other(bytes), _) => over_elements(bytes, op == BinaryOp::Ne, |element| {
            compare(op, element, right)
        }),
        (_, Val::Other(bytes)) => over_elements(bytes, op == BinaryOp::Ne, |element| {
            compare(op, left, element)
        }),
        (Val::Str(left), Val::Str(right)) => decide(op, Some(left.cmp(right))),
        (Val::Bool(left), Val::Bool(right)) => equal_or_not(op, left == right),
        (Val::Kind(left), Val::Kind(right)) => equal_or_not(op, left == right),
        (Val::Status(left), Val::Status(right)) => equal_or_not(op, left == right),
        (Val::Status(status), Val::Int(number)) | (Val::Int(number), Val::Status(status)) => {
            equal_or_not(op, status as i64 == number)
        }
        _ => match (number(left), number(right)) {
            (Some(left), Some(right)) if op != BinaryOp::Ne => decide(op, order(left, right)),
            // Not a number differs from everything.
            (Some(left), Some(right)) => order(left, right) != Some(Ordering::Equal),
            _ => false,
        },
    }
}

/// Whether any element passes, or with `all` every one of at least one.
fn over_elements(encoded: &[u8], all: bool, passes: impl Fn(Val<'_>) -> bool) -> bool {
    let Some(elements) = array::elements(encoded) else {
        return false;
    };
    let mut verdicts = elements
        .iter()
        .map(|element| passes(array::borrow(element)));
    if all {
        !elements.is_empty() && verdicts.all(|v| v)
    } else {
        verdicts.any(|v| v)
    }
}

fn equal_or_not(op: BinaryOp, equal: bool) -> bool {
    match op {
        BinaryOp::Eq => equal,
        BinaryOp::Ne => !equal,
        _ => false,
    }
}

fn decide(op: BinaryOp, order: Option<Ordering>) -> bool {
    let Some(order) = order else { return false };
    match op {
        BinaryOp::Eq => order.is_eq(),
        BinaryOp::Ne => order.is_ne(),
        BinaryOp::Lt => order.is_lt(),
        BinaryOp::Le => order.is_le(),
        BinaryOp::Gt => order.is_gt(),
        BinaryOp::Ge => order.is_ge(),
        BinaryOp::Add
        | BinaryOp::Sub
        | BinaryOp::Mul
        | BinaryOp::Div
        | BinaryOp::Mod
        | BinaryOp::Pow
        | BinaryOp::And
        | BinaryOp::Or => false,
    }
}

/// A number of any type; durations count in nanoseconds.
#[derive(Clone, Copy)]
enum Number {
    Int(i64),
    Float(f64),
}

fn number(value: Val<'_>) -> Option<Number> {
    match value {
        Val::Int(number) | Val::Duration(number) => Some(Number::Int(number)),
        Val::Float(number) => Some(Number::Float(number)),
        Val::Str(_) | Val::Bool(_) | Val::Status(_) | Val::Kind(_) | Val::Other(_) => None,
    }
}

fn order(left: Number, right: Number) -> Option<Ordering> {
    match (left, right) {
        (Number::Int(left), Number::Int(right)) => Some(left.cmp(&right)),
        (Number::Float(left), Number::Float(right)) => left.partial_cmp(&right),
        (Number::Int(left), Number::Float(right)) => order_exactly(left, right),
        (Number::Float(left), Number::Int(right)) => {
            order_exactly(right, left).map(Ordering::reverse)
        }
    }
}

/// Compares without rounding the integer to a float.
fn order_exactly(int: i64, float: f64) -> Option<Ordering> {
    const TWO_63: f64 = 9_223_372_036_854_775_808.0;
    if float.is_nan() {
        return None;
    }
    if float >= TWO_63 {
        return Some(Ordering::Less);
    }
    if float < -TWO_63 {
        return Some(Ordering::Greater);
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the whole part is in range"
    )]
    let whole = float.trunc() as i64;
    Some(int.cmp(&whole).then_with(|| {
        0.0.partial_cmp(&float.fract())
            .expect("a finite float has a fraction")
    }))
}

/// `left op right` for arithmetic; `None` where operands are no numbers or the result is none, as of an
/// integer divided by zero.
pub(crate) fn arithmetic(op: BinaryOp, left: Val<'_>, right: Val<'_>) -> Option<Val<'static>> {
    let duration = matches!(left, Val::Duration(_)) || matches!(right, Val::Duration(_));
    match (number(left)?, number(right)?) {
        (Number::Int(left), Number::Int(right)) => {
            let result = on_ints(op, left, right)?;
            Some(if duration {
                Val::Duration(result)
            } else {
                Val::Int(result)
            })
        }
        (left, right) => {
            let result = on_floats(op, as_float(left), as_float(right))?;
            (!result.is_nan()).then_some(Val::Float(result))
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "arithmetic with a float is done in floats"
)]
fn as_float(number: Number) -> f64 {
    match number {
        Number::Int(number) => number as f64,
        Number::Float(number) => number,
    }
}

fn on_ints(op: BinaryOp, left: i64, right: i64) -> Option<i64> {
    match op {
        BinaryOp::Add => Some(left.wrapping_add(right)),
        BinaryOp::Sub => Some(left.wrapping_sub(right)),
        BinaryOp::Mul => Some(left.wrapping_mul(right)),
        BinaryOp::Div => (right != 0).then(|| left.wrapping_div(right)),
        BinaryOp::Mod => (right != 0).then(|| left.wrapping_rem(right)),
        BinaryOp::Pow => {
            let power = as_float(Number::Int(left)).powf(as_float(Number::Int(right)));
            #[expect(clippy::cast_possible_truncation, reason = "saturates, as documented")]
            Some(power as i64)
        }
        _ => None,
    }
}

fn on_floats(op: BinaryOp, left: f64, right: f64) -> Option<f64> {
    match op {
        BinaryOp::Add => Some(left + right),
        BinaryOp::Sub => Some(left - right),
        BinaryOp::Mul => Some(left * right),
        BinaryOp::Div => Some(left / right),
        BinaryOp::Mod => Some(left % right),
        BinaryOp::Pow => Some(left.powf(right)),
        _ => None,
    }
}

pub(crate) fn negate(value: Val<'_>) -> Option<Val<'static>> {
    match value {
        Val::Int(number) => Some(Val::Int(number.wrapping_neg())),
        Val::Duration(nanos) => Some(Val::Duration(nanos.wrapping_neg())),
        Val::Float(number) => Some(Val::Float(-number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_and_floats_compare_without_rounding() {
        let big = (1i64 << 53) + 1;
        #[expect(clippy::cast_precision_loss, reason = "the loss is the point")]
        let rounded = big as f64;
        assert!(compare(BinaryOp::Gt, Val::Int(big), Val::Float(rounded)));
        assert!(compare(BinaryOp::Eq, Val::Float(5.0), Val::Int(5)));
        assert!(compare(BinaryOp::Lt, Val::Int(-5), Val::Float(-4.5)));
        assert!(compare(BinaryOp::Gt, Val::Int(-5), Val::Float(-5.5)));
        assert!(compare(BinaryOp::Lt, Val::Int(i64::MAX), Val::Float(1e19)));
        assert!(compare(BinaryOp::Eq, Val::Duration(1_000), Val::Int(1_000)));
        assert!(compare(BinaryOp::Ne, Val::Int(1), Val::Float(f64::NAN)));
        assert!(!compare(BinaryOp::Eq, Val::Int(1), Val::Float(f64::NAN)));
    }

    #[test]
    fn different_types_are_neither_equal_nor_different() {
        assert!(!compare(BinaryOp::Ne, Val::Str("1"), Val::Int(1)));
        assert!(!compare(BinaryOp::Lt, Val::Bool(false), Val::Bool(true)));
        assert!(compare(
            BinaryOp::Eq,
            Val::Int(2),
            Val::Status(Status::Unset)
        ));
    }

    #[test]
    fn one_of_many_is_a_chain_of_comparisons() {
        let literals = [Static::Int(1), Static::Int(2)];
        for (value, equal, different) in [
            (Val::Int(2), true, false),
            (Val::Float(3.0), false, true),
            (Val::Str("1"), false, false),
        ] {
            assert_eq!(one_of(value, &literals, false), equal);
            assert_eq!(one_of(value, &literals, true), different);
        }
        let mixed = [Static::Int(1), Static::String("x".to_owned())];
        assert!(one_of(Val::Str("x"), &mixed, false));
        assert!(!one_of(Val::Str("y"), &mixed, true));
    }

    #[test]
    fn arithmetic_without_a_number_as_its_result_gives_nothing() {
        assert_eq!(arithmetic(BinaryOp::Div, Val::Int(1), Val::Int(0)), None);
        assert_eq!(
            arithmetic(BinaryOp::Mod, Val::Float(1.5), Val::Int(0)),
            None
        );
        assert_eq!(
            arithmetic(BinaryOp::Div, Val::Float(1.5), Val::Int(0)),
            Some(Val::Float(f64::INFINITY))
        );
        assert_eq!(
            arithmetic(BinaryOp::Pow, Val::Int(2), Val::Int(3)),
            Some(Val::Int(8))
        );
        assert_eq!(
            arithmetic(BinaryOp::Div, Val::Int(7), Val::Int(2)),
            Some(Val::Int(3))
        );
    }
}
