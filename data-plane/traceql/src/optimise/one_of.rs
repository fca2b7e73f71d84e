//! Chains of comparisons of one field become one question: `.a = 1 || .a = 2`, `.a != 1 && .a != 2`,
//! `.a =~ "x" || .a =~ "y"`, `.a !~ "x" && .a !~ "y"`.

use super::{chain, names_children};
use crate::Pattern;
use crate::tree::{BinaryOp, Expr, Field, Filter, Scope, Static, What};

pub(super) fn filter(filter: &mut Filter) {
    if names_children(filter) {
        return;
    }
    if let Some(expr) = &mut filter.expr {
        chains(expr);
    }
}

/// Joins what belongs together in every chain of `expr`.
fn chains(expr: &mut Expr) {
    if let Some((op, mut operands)) = chain::take(expr) {
        operands.iter_mut().for_each(chains);
        *expr = chain::of(op, join(op, operands));
        return;
    }
    match expr {
        Expr::Binary { left, right, .. } => {
            chains(left);
            chains(right);
        }
        Expr::Unary { operand, .. }
        | Expr::Match { operand, .. }
        | Expr::Exists { operand, .. } => chains(operand),
        Expr::Static(_) | Expr::Field(_) | Expr::In { .. } => {}
    }
}

/// What an operand asks of a field.
enum Question {
    OneOf(Vec<Static>),
    Matches(Vec<Pattern>),
}

/// The operands with those of one field joined where the first of them stood.
fn join(op: BinaryOp, operands: Vec<Expr>) -> Vec<Expr> {
    let negated = op == BinaryOp::And;
    let mut places: Vec<Result<(Field, Question), Expr>> = Vec::new();
    for operand in operands {
        let (field, question) = match question(negated, operand) {
            Ok(asked) => asked,
            Err(other) => {
                places.push(Err(other));
                continue;
            }
        };
        let same = places.iter_mut().find_map(|place| match place {
            Ok((known, earlier)) if *known == field => earlier.same_kind(&question),
            _ => None,
        });
        match same {
            Some(earlier) => earlier.extend(question),
            None => places.push(Ok((field, question))),
        }
    }
    places
        .into_iter()
        .flat_map(|place| match place {
            Ok((field, question)) => question.ask(negated, &field),
            Err(other) => vec![other],
        })
        .collect()
}

/// The question that an operand of a chain asks, if it is one that can be joined with others.
fn question(negated: bool, operand: Expr) -> Result<(Field, Question), Expr> {
    let comparison = if negated { BinaryOp::Ne } else { BinaryOp::Eq };
    match operand {
        Expr::Binary { op, left, right } if op == comparison => match (*left, *right) {
            (Expr::Field(field), Expr::Static(value))
            | (Expr::Static(value), Expr::Field(field))
                if can_be_joined(negated, &field) =>
            {
                Ok((field, Question::OneOf(vec![value])))
            }
            (left, right) => Err(Expr::binary(op, left, right)),
        },
        Expr::In {
            negated: inner,
            field,
            values,
        } if inner == negated => Ok((field, Question::OneOf(values))),
        Expr::Match {
            negated: inner,
            operand,
            pattern,
        } if inner == negated => match *operand {
            Expr::Field(field) if can_be_joined(negated, &field) => {
                Ok((field, Question::Matches(vec![pattern])))
            }
            operand => Err(Expr::Match {
                negated,
                operand: Box::new(operand),
                pattern,
            }),
        },
        other => Err(other),
    }
}

/// An attribute without scope may have several values, of several events. Then one of them may differ
/// from `x` and another from `y`, while none differs from both.
fn can_be_joined(negated: bool, field: &Field) -> bool {
    !negated || !matches!(field.what, What::Attribute(Scope::Any, _))
}

impl Question {
    fn same_kind(&mut self, other: &Self) -> Option<&mut Self> {
        match (&*self, other) {
            (Self::OneOf(_), Self::OneOf(_)) | (Self::Matches(_), Self::Matches(_)) => Some(self),
            (Self::OneOf(_), Self::Matches(_)) | (Self::Matches(_), Self::OneOf(_)) => None,
        }
    }

    fn extend(&mut self, other: Self) {
        match (self, other) {
            (Self::OneOf(values), Self::OneOf(more)) => {
                for value in more {
                    if !values.contains(&value) {
                        values.push(value);
                    }
                }
            }
            (Self::Matches(patterns), Self::Matches(more)) => patterns.extend(more),
            (Self::OneOf(_), Self::Matches(_)) | (Self::Matches(_), Self::OneOf(_)) => {}
        }
    }

    /// The question as one condition, or as several if their patterns are too large together.
    fn ask(self, negated: bool, field: &Field) -> Vec<Expr> {
        let matching = |pattern| Expr::Match {
            negated,
            operand: Box::new(Expr::Field(field.clone())),
            pattern,
        };
        match self {
            Self::OneOf(values) if values.len() == 1 => vec![Expr::chain(negated, field, &values)],
            Self::OneOf(values) => vec![Expr::In {
                negated,
                field: field.clone(),
                values,
            }],
            Self::Matches(patterns) => match either(&patterns) {
                Some(pattern) => vec![matching(pattern)],
                None => patterns.into_iter().map(matching).collect(),
            },
        }
    }
}

/// A pattern that matches where any of several does.
fn either(patterns: &[Pattern]) -> Option<Pattern> {
    if let [pattern] = patterns {
        return Some(pattern.clone());
    }
    let alternatives: Vec<String> = patterns
        .iter()
        .map(|pattern| format!("(?:{})", pattern.as_str()))
        .collect();
    Pattern::new(&alternatives.join("|")).ok()
}
