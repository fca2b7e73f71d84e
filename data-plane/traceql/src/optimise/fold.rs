//! What literals alone decide is decided here.

use std::cmp::Ordering;
use std::mem;

use super::{chain, is_bare, names_children};
use crate::static_math;
use crate::tree::{BinaryOp, Expr, Filter, Static, UnaryOp};

/// Calculates the literals of a filter. One that holds for every span becomes `{ }`.
pub(super) fn filter(filter: &mut Filter) {
    if names_children(filter) {
        return;
    }
    if let Some(expr) = &mut filter.expr {
        constants(expr);
        if is_true(expr) {
            filter.expr = None;
        }
    }
}

/// Replaces every part of `expr` that names no field by its value, where it has one, and takes what
/// decides nothing out of chains.
pub(super) fn constants(expr: &mut Expr) {
    if let Some((op, operands)) = chain::take(expr) {
        *expr = chain::of(op, what_decides(op, operands));
        return;
    }
    match expr {
        Expr::Static(_) | Expr::Field(_) | Expr::In { .. } => return,
        Expr::Unary { operand, .. }
        | Expr::Match { operand, .. }
        | Expr::Exists { operand, .. } => constants(operand),
        Expr::Binary { left, right, .. } => {
            constants(left);
            constants(right);
        }
    }
    if let Some(value) = value(expr) {
        *expr = Expr::Static(value);
    } else if let Some(part) = below_double_not(expr) {
        *expr = part;
    }
}

/// The operands of a chain of `op`, calculated, without `true` for `&&` and `false` for `||`. The
/// opposite stays once, as the operands beside it name fields.
fn what_decides(op: BinaryOp, operands: Vec<Expr>) -> Vec<Expr> {
    let literal = |flag| Expr::Static(Static::Bool(flag));
    let (neutral, decisive) = (literal(op == BinaryOp::And), literal(op != BinaryOp::And));
    let mut kept: Vec<Expr> = Vec::with_capacity(operands.len());
    let mut starts_neutral = None;
    let mut has_decisive = false;
    for mut operand in operands {
        constants(&mut operand);
        // What stood below `!!`, or beside what was dropped, may be a chain of the same kind.
        for operand in chain::operands(op, operand) {
            if operand == neutral {
                starts_neutral.get_or_insert(kept.is_empty());
            } else if operand != decisive || !mem::replace(&mut has_decisive, true) {
                kept.push(operand);
            }
        }
    }
    let is_condition = match kept.as_slice() {
        [] => false,
        [alone] => !is_bare(alone),
        _ => true,
    };
    match starts_neutral {
        Some(true) if !is_condition => kept.insert(0, neutral),
        Some(false) if !is_condition => kept.push(neutral),
        _ => {}
    }
    kept
}

pub(super) fn is_true(expr: &Expr) -> bool {
    matches!(expr, Expr::Static(Static::Bool(true)))
}

/// The value of an expression whose operands are literals.
fn value(expr: &Expr) -> Option<Static> {
    match expr {
        Expr::Unary { op, operand } => match (op, literal(operand)?) {
            (UnaryOp::Not, Static::Bool(flag)) => Some(Static::Bool(!flag)),
            (UnaryOp::Not, _) => None,
            (UnaryOp::Neg, number) => static_math::negate(number),
        },
        Expr::Binary { op, left, right } => {
            let (left, right) = (literal(left)?, literal(right)?);
            match (op, left, right) {
                (op, left, right) if op.is_arithmetic() => {
                    static_math::arithmetic(*op, left, right)
                }
                (op, left, right) => holds(*op, left, right).map(Static::Bool),
            }
        }
        Expr::Match {
            negated,
            operand,
            pattern,
        } => match literal(operand)? {
            Static::String(text) => Some(Static::Bool(pattern.is_match(text) != *negated)),
            _ => None,
        },
        Expr::Exists { negated, operand } => literal(operand)
            .filter(|literal| **literal != Static::Nil)
            .map(|_| Static::Bool(!negated)),
        Expr::Static(_) | Expr::Field(_) | Expr::In { .. } => None,
    }
}

fn literal(expr: &Expr) -> Option<&Static> {
    match expr {
        Expr::Static(literal) => Some(literal),
        _ => None,
    }
}

/// Whether a comparison of literals holds, where no conversion is needed to tell.
fn holds(op: BinaryOp, left: &Static, right: &Static) -> Option<bool> {
    let order = match (left, right) {
        (Static::String(left), Static::String(right)) => left.cmp(right),
        (Static::Float(left), Static::Float(right)) => left.partial_cmp(right)?,
        (Static::Bool(_), Static::Bool(_))
        | (Static::Status(_), Static::Status(_))
        | (Static::Kind(_), Static::Kind(_))
            if matches!(op, BinaryOp::Eq | BinaryOp::Ne) =>
        {
            return Some((left == right) == (op == BinaryOp::Eq));
        }
        _ => static_math::integer(left)?.cmp(&static_math::integer(right)?),
    };
    match op {
        BinaryOp::Eq => Some(order == Ordering::Equal),
        BinaryOp::Ne => Some(order != Ordering::Equal),
        BinaryOp::Lt => Some(order == Ordering::Less),
        BinaryOp::Le => Some(order != Ordering::Greater),
        BinaryOp::Gt => Some(order == Ordering::Greater),
        BinaryOp::Ge => Some(order != Ordering::Less),
        _ => None,
    }
}

/// The operand of a double `!`.
fn below_double_not(expr: &mut Expr) -> Option<Expr> {
    let Expr::Unary {
        op: UnaryOp::Not,
        operand,
    } = expr
    else {
        return None;
    };
    let Expr::Unary {
        op: UnaryOp::Not,
        operand,
    } = operand.as_mut()
    else {
        return None;
    };
    (!is_bare(operand)).then(|| mem::replace(operand.as_mut(), Expr::Static(Static::Nil)))
}
