//! Values: how they compare, what arithmetic does with them, how an answer shows them.

use std::cmp::Ordering;

use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value};
use prost::Message as _;
use takt_traceql::{BinaryOp, Kind, Static, Status, format_duration};

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Int(i64),
    Float(f64),
    Text(String),
    Bool(bool),
    /// Nanoseconds.
    Duration(i64),
    Status(Status),
    Kind(Kind),
    /// An array, or something that cannot be compared.
    Other(AnyValue),
}

impl Value {
    #[must_use]
    pub fn of_any(value: &AnyValue) -> Self {
        match &value.value {
            Some(any_value::Value::StringValue(text)) => Self::Text(text.clone()),
            Some(any_value::Value::IntValue(number)) => Self::Int(*number),
            Some(any_value::Value::DoubleValue(number)) => Self::Float(*number),
            Some(any_value::Value::BoolValue(flag)) => Self::Bool(*flag),
            _ => Self::Other(value.clone()),
        }
    }

    /// Nil is no value.
    #[must_use]
    pub fn of_literal(literal: &Static) -> Option<Self> {
        Some(match literal {
            Static::Nil => return None,
            Static::Int(number) => Self::Int(*number),
            Static::Float(number) => Self::Float(*number),
            Static::String(text) => Self::Text(text.clone()),
            Static::Bool(flag) => Self::Bool(*flag),
            Static::Duration(nanos) => Self::Duration(*nanos),
            Static::Status(status) => Self::Status(*status),
            Static::Kind(kind) => Self::Kind(*kind),
        })
    }

    /// As answers show it: durations, statuses and kinds as text.
    #[must_use]
    pub fn shown(&self) -> Self {
        match self {
            Self::Duration(nanos) => Self::Text(format_duration(*nanos)),
            Self::Status(status) => Self::Text(status.name().to_owned()),
            Self::Kind(kind) => Self::Text(kind.name().to_owned()),
            other => other.clone(),
        }
    }

    /// Type and value: what makes two values one group.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Int(number) => format!("int {number}"),
            Self::Float(number) => format!("float {:016x} ({number})", number.to_bits()),
            Self::Text(text) => format!("text {text}"),
            Self::Bool(flag) => format!("bool {flag}"),
            Self::Duration(nanos) => format!("duration {nanos}"),
            Self::Status(status) => format!("status {}", status.name()),
            Self::Kind(kind) => format!("kind {}", kind.name()),
            Self::Other(value) => format!("other {:?}", value.encode_to_vec()),
        }
    }

    /// The scalar elements of an array; `None` for what is no array.
    #[must_use]
    pub fn elements(&self) -> Option<Vec<Self>> {
        let Self::Other(AnyValue {
            value: Some(any_value::Value::ArrayValue(array)),
        }) = self
        else {
            return None;
        };
        let scalars = array.values.iter().map(Self::of_any);
        Some(scalars.filter(|v| !matches!(v, Self::Other(_))).collect())
    }

    /// Whether it is an int, a float or a duration (of floats, not the one that is none).
    #[must_use]
    pub fn is_number(&self) -> bool {
        self.as_float().is_some_and(|number| !number.is_nan())
    }

    /// A number as a float; durations count in nanoseconds.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "floats are what is wanted")]
    pub fn as_float(&self) -> Option<f64> {
        match self {
            Self::Int(number) | Self::Duration(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            _ => None,
        }
    }
}

/// `left op right` for a comparison. Values of different types compare to false, even by `!=`.
#[must_use]
pub(crate) fn compare(op: BinaryOp, left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Other(_), Value::Other(_)) => false,
        (Value::Other(_), _) => over_elements(left, op == BinaryOp::Ne, |element| {
            compare(op, element, right)
        }),
        (_, Value::Other(_)) => over_elements(right, op == BinaryOp::Ne, |element| {
            compare(op, left, element)
        }),
        _ => compare_scalars(op, left, right),
    }
}

/// Whether any element of an array passes, or with `all` every one of at least one.
pub(crate) fn over_elements(array: &Value, all: bool, passes: impl Fn(&Value) -> bool) -> bool {
    let elements = array.elements().unwrap_or_default();
    if all {
        !elements.is_empty() && elements.iter().all(passes)
    } else {
        elements.iter().any(passes)
    }
}

fn compare_scalars(op: BinaryOp, left: &Value, right: &Value) -> bool {
    let has_order = match (left, right) {
        (Value::Text(_), Value::Text(_)) => true,
        (Value::Bool(_), Value::Bool(_))
        | (Value::Kind(_), Value::Kind(_))
        | (Value::Status(_), Value::Status(_) | Value::Int(_))
        | (Value::Int(_), Value::Status(_)) => false,
        _ if left.as_float().is_some() && right.as_float().is_some() => true,
        _ => return false,
    };
    let order = order(left, right);
    match op {
        BinaryOp::Eq => order == Some(Ordering::Equal),
        // Not a number differs from everything.
        BinaryOp::Ne => order != Some(Ordering::Equal),
        _ if !has_order => false,
        BinaryOp::Lt => order == Some(Ordering::Less),
        BinaryOp::Le => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        BinaryOp::Gt => order == Some(Ordering::Greater),
        BinaryOp::Ge => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        _ => false,
    }
}

/// How two values of comparable types stand to each other; `None` if one is not a number.
pub(crate) fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Text(left), Value::Text(right)) => Some(left.as_bytes().cmp(right.as_bytes())),
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        (Value::Kind(left), Value::Kind(right)) => Some(left.cmp(right)),
        (Value::Status(left), Value::Status(right)) => Some(left.cmp(right)),
        (Value::Status(status), Value::Int(number)) => Some((*status as i64).cmp(number)),
        (Value::Int(number), Value::Status(status)) => Some(number.cmp(&(*status as i64))),
        (Value::Int(left) | Value::Duration(left), Value::Int(right) | Value::Duration(right)) => {
            Some(left.cmp(right))
        }
        (Value::Int(left) | Value::Duration(left), Value::Float(right)) => {
            int_to_float(*left, *right)
        }
        (Value::Float(left), Value::Int(right) | Value::Duration(right)) => {
            int_to_float(*right, *left).map(Ordering::reverse)
        }
        (Value::Float(left), Value::Float(right)) => left.partial_cmp(right),
        _ => None,
    }
}

/// Exactly, also where a float cannot hold the integer.
fn int_to_float(int: i64, float: f64) -> Option<Ordering> {
    if float.is_nan() {
        return None;
    }
    // 2^63 and beyond is out of reach on both sides; every whole float within fits 128 bits.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "saturates, far from any i64"
    )]
    let whole = float.floor() as i128;
    let below = i128::from(int).cmp(&whole);
    Some(below.then(if float.fract() == 0.0 {
        Ordering::Equal
    } else {
        Ordering::Less
    }))
}

/// `left op right` for arithmetic; nothing where operands are no numbers or the result is none. With a duration the result is a duration, unless a float takes part.
#[must_use]
pub(crate) fn arithmetic(op: BinaryOp, left: &Value, right: &Value) -> Option<Value> {
    if let (Value::Int(x) | Value::Duration(x), Value::Int(y) | Value::Duration(y)) = (left, right)
    {
        let result = match op {
            BinaryOp::Add => x.wrapping_add(*y),
            BinaryOp::Sub => x.wrapping_sub(*y),
            BinaryOp::Mul => x.wrapping_mul(*y),
            BinaryOp::Div if *y == 0 => return None,
            BinaryOp::Div => x.wrapping_div(*y),
            BinaryOp::Mod if *y == 0 => return None,
            BinaryOp::Mod => x.wrapping_rem(*y),
            #[expect(clippy::cast_possible_truncation, reason = "a power saturates")]
            _ => left.as_float()?.powf(right.as_float()?) as i64,
        };
        return Some(match (left, right) {
            (Value::Int(_), Value::Int(_)) => Value::Int(result),
            _ => Value::Duration(result),
        });
    }
    let (x, y) = (left.as_float()?, right.as_float()?);
    let result = match op {
        BinaryOp::Add => x + y,
        BinaryOp::Sub => x - y,
        BinaryOp::Mul => x * y,
        BinaryOp::Div => x / y,
        BinaryOp::Mod => x % y,
        _ => x.powf(y),
    };
    Some(Value::Float(result)).filter(Value::is_number)
}
