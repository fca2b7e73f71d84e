//! Numbers and aggregates outside of braces. Literals are calculated while they are read.

use crate::error::{Expected, ParseError, Problem};
use crate::expression;
use crate::parser::Parser;
use crate::pipeline::{Part, is_of_metrics};
use crate::query::{Aggregate, MetricsExpr, Scalar};
use crate::static_math;
use crate::token::{Lexeme, Token};
use crate::tree::{BinaryOp, Static};

/// `-` binds tighter than anything between two operands.
const NEG_POWER: u8 = 13;

impl Parser<'_> {
    /// A literal, with signs before it.
    pub(crate) fn number(&mut self) -> Result<Part, ParseError> {
        let lexeme = self.advance();
        let number = match (lexeme.token, lexeme.text) {
            (Token::Sub, _) => {
                let start = self.peek();
                let operand = self.nested(|parser| parser.parts_above(NEG_POWER))?;
                let Part::Number(number) = operand else {
                    return Err(self.unexpected_at(start, Expected::Any("a number")));
                };
                static_math::negate(&number)
            }
            (Token::Word, "minInt") => Some(Static::Int(i64::MIN)),
            (Token::Word, _) => Some(Static::Int(i64::MAX)),
            _ => expression::number(lexeme),
        };
        let out_of_range = || self.problem(lexeme, Problem::OutOfRange(lexeme.text.to_owned()));
        number.map(Part::Number).ok_or_else(out_of_range)
    }

    /// `count()`, `max(expression)`
    pub(crate) fn aggregate(&mut self) -> Result<Part, ParseError> {
        let of = match self.advance().text {
            "count" => {
                self.parenthesised(|_| Ok(()))?;
                return Ok(Part::Scalar(Scalar::Aggregate(Aggregate::Count)));
            }
            "max" => Aggregate::Max,
            "min" => Aggregate::Min,
            "avg" => Aggregate::Avg,
            _ => Aggregate::Sum,
        };
        let operand = self.parenthesised(Self::expression)?;
        Ok(Part::Scalar(Scalar::Aggregate(of(operand))))
    }

    /// `left op right`, where `operator` and `start` of the right side say where a refusal points to.
    pub(crate) fn calculate(
        &self,
        op: BinaryOp,
        operator: Lexeme<'_>,
        left: Part,
        start: Lexeme<'_>,
        right: Part,
    ) -> Result<Part, ParseError> {
        match (left, right) {
            (Part::Number(left), Part::Number(right)) => fold(op, &left, &right)
                .map(Part::Number)
                .map_err(|problem| self.problem(operator, problem)),
            (
                left @ (Part::Number(_) | Part::Metrics(_)),
                right @ (Part::Number(_) | Part::Metrics(_)),
            ) => {
                if !is_of_metrics(op) {
                    let wanted = Expected::Any("`+`, `-`, `*` or `/`, which series have");
                    return Err(self.unexpected_at(operator, wanted));
                }
                let operand = |part| {
                    into_metrics(part)
                        .ok_or_else(|| self.problem(operator, Problem::DurationInMetrics))
                };
                Ok(Part::Metrics(MetricsExpr::Binary {
                    op,
                    left: Box::new(operand(left)?),
                    right: Box::new(operand(right)?),
                }))
            }
            (Part::ScalarPipeline, Part::ScalarPipeline) => Ok(Part::ScalarPipeline),
            (left, right) => match (left.into_scalar(), right.into_scalar()) {
                (Some(left), Some(right)) => Ok(Part::Scalar(Scalar::Binary {
                    op,
                    left: Box::new(left),
                    right: Box::new(right),
                })),
                _ => Err(self.unexpected_at(start, Expected::Any("a number or an aggregate"))),
            },
        }
    }
}

/// A number or metrics as metrics; a duration is none.
fn into_metrics(part: Part) -> Option<MetricsExpr> {
    match part {
        Part::Metrics(expr) => Some(expr),
        Part::Number(Static::Duration(_)) => None,
        Part::Number(literal) => static_math::float(&literal).map(MetricsExpr::Number),
        _ => None,
    }
}

/// The value of `left op right`.
fn fold(op: BinaryOp, left: &Static, right: &Static) -> Result<Static, Problem> {
    let duration = |literal: &Static| matches!(literal, Static::Duration(_));
    if duration(left) || duration(right) {
        return Err(Problem::DurationInArithmetic);
    }
    static_math::arithmetic(op, left, right).ok_or_else(|| match right {
        Static::Int(0) => Problem::DivisionByZero,
        _ => Problem::OutOfRange(format!("{left} {} {right}", op.symbol())),
    })
}
