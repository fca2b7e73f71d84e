//! Arithmetic on literals, by the rules by which queries calculate with values.

use crate::tree::{BinaryOp, Static};

/// `left op right`, or `None` where it has no value: operands that are no numbers, an integer divided
/// by zero, and results that no literal can state.
pub(crate) fn arithmetic(op: BinaryOp, left: &Static, right: &Static) -> Option<Static> {
    let duration = [left, right]
        .iter()
        .any(|operand| matches!(operand, Static::Duration(_)));
    match (integer(left), integer(right)) {
        (Some(left), Some(right)) => {
            let result = on_ints(op, left, right)?;
            if duration {
                Some(Static::Duration(result)).filter(|_| result != i64::MIN)
            } else {
                Some(Static::Int(result))
            }
        }
        _ => on_floats(op, float(left)?, float(right)?)
            .filter(|number| number.is_finite())
            .map(Static::Float),
    }
}

/// Nanoseconds of a duration count as an integer.
pub(crate) fn integer(literal: &Static) -> Option<i64> {
    match literal {
        Static::Int(number) | Static::Duration(number) => Some(*number),
        _ => None,
    }
}

/// A number of any type.
#[expect(
    clippy::cast_precision_loss,
    reason = "arithmetic with a float is done in floats"
)]
pub(crate) fn float(literal: &Static) -> Option<f64> {
    match literal {
        Static::Float(number) => Some(*number),
        other => integer(other).map(|number| number as f64),
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
            let power = float(&Static::Int(left))?.powf(float(&Static::Int(right))?);
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

/// The number with its sign turned, if it is one that has a turned one.
pub(crate) fn negate(literal: &Static) -> Option<Static> {
    match literal {
        Static::Int(number) => number.checked_neg().map(Static::Int),
        Static::Duration(nanos) => nanos.checked_neg().map(Static::Duration),
        Static::Float(number) => Some(Static::Float(-number)),
        _ => None,
    }
}
