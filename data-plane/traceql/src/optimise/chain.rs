//! Chains of `&&` or `||`, whose parentheses mean nothing.

use std::mem;

use crate::tree::{BinaryOp, Expr, Static};

/// The chain that `expr` is, taken out of it, as its operator and its operands from left to right.
pub(super) fn take(expr: &mut Expr) -> Option<(BinaryOp, Vec<Expr>)> {
    let Expr::Binary {
        op: op @ (BinaryOp::And | BinaryOp::Or),
        ..
    } = expr
    else {
        return None;
    };
    let op = *op;
    Some((
        op,
        operands(op, mem::replace(expr, Expr::Static(Static::Nil))),
    ))
}

/// What `expr` joins by `op`, from left to right: itself, if it joins nothing.
pub(super) fn operands(op: BinaryOp, expr: Expr) -> Vec<Expr> {
    let (mut found, mut open) = (Vec::new(), vec![expr]);
    while let Some(next) = open.pop() {
        match next {
            Expr::Binary {
                op: inner,
                left,
                right,
            } if inner == op => open.extend([*right, *left]),
            operand => found.push(operand),
        }
    }
    found
}

/// The chain of `operands`, of which there is at least one.
pub(super) fn of(op: BinaryOp, operands: Vec<Expr>) -> Expr {
    operands
        .into_iter()
        .reduce(|left, right| Expr::binary(op, left, right))
        .expect("a chain has operands")
}
