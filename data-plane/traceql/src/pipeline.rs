//! Tokens to what stands outside of braces.
//!
//! Spansets, scalars and metrics share their operators and their parentheses, and only an operand tells
//! what an operator is: `>` is a child between spansets and a comparison between scalars. So they are
//! read alike, as [`Part`]s, and joined by what they are.

use crate::error::{Expected, ParseError};
use crate::names::{AGGREGATES, METRICS};
use crate::parser::Parser;
use crate::query::{
    MetricsExpr, MetricsQuery, Mode, Pipeline, Relation, Scalar, ScalarFilter, SpansetOp, Spansets,
    Stage,
};
use crate::token::{Lexeme, Token};
use crate::tree::{BinaryOp, Filter, Static};
use crate::warning::Logic;

/// What a piece of text outside of braces turned out to be.
#[derive(Debug)]
pub(crate) enum Part {
    /// Literals, calculated.
    Number(Static),
    /// Aggregates, and literals beside them.
    Scalar(Scalar),
    /// `({ } | count())`: can be read, and not run.
    ScalarPipeline,
    Spansets(Spansets),
    /// A stage that makes no spansets. No operator joins it.
    Stage(Stage),
    /// Several stages without parentheses. No operator joins them.
    Pipeline(Pipeline),
    Metrics(MetricsExpr),
}

/// An operator between two parts.
#[derive(Clone, Copy)]
enum Join {
    Spansets(SpansetOp),
    Arithmetic(BinaryOp),
    Comparison(BinaryOp),
}

impl Parser<'_> {
    /// Stages with `|` between them.
    pub(crate) fn pipeline(&mut self) -> Result<Part, ParseError> {
        if self.at_word("coalesce") {
            return Err(self.unexpected_instead_of("something to coalesce"));
        }
        let mut stages = match self.parts()? {
            Part::Spansets(spansets) => vec![Stage::Spansets(spansets)],
            Part::Stage(stage) => vec![stage],
            Part::Metrics(expr) => return self.second_stages(expr).map(Part::Metrics),
            other => return Ok(other),
        };
        while self.peek().token == Token::Pipe && !self.second_is_word("order") {
            self.count()?;
            self.advance();
            let start = self.peek();
            if start.token == Token::Word && METRICS.contains(&start.text) {
                let (function, by) = self.metrics_function()?;
                let pipeline = Pipeline { stages };
                let query = MetricsQuery {
                    pipeline,
                    function,
                    by,
                };
                let expr = MetricsExpr::Query(query);
                return self.second_stages(expr).map(Part::Metrics);
            }
            match self.parts()? {
                Part::Spansets(spansets) => stages.push(Stage::Spansets(spansets)),
                Part::Stage(stage) => stages.push(stage),
                Part::Scalar(_) => return Ok(Part::ScalarPipeline),
                Part::Number(_) => return Err(self.unexpected_instead_of("a comparison")),
                Part::ScalarPipeline | Part::Pipeline(_) | Part::Metrics(_) => {
                    return Err(self.unexpected_at(start, Expected::Any("a stage")));
                }
            }
        }
        Ok(match <[Stage; 1]>::try_from(stages) {
            Ok([Stage::Spansets(spansets)]) => Part::Spansets(spansets),
            Ok([stage]) => Part::Pipeline(Pipeline {
                stages: vec![stage],
            }),
            Err(stages) => Part::Pipeline(Pipeline { stages }),
        })
    }

    /// Parts with operators between them.
    pub(crate) fn parts(&mut self) -> Result<Part, ParseError> {
        self.nested(|parser| parser.parts_above(0))
    }

    pub(crate) fn parts_above(&mut self, power: u8) -> Result<Part, ParseError> {
        let mut left = self.part()?;
        let mut logic = Logic::default();
        while let Some(join) = Join::of(self.peek(), &left) {
            let (left_power, right_power) = join.powers();
            if left_power < power {
                break;
            }
            self.count()?;
            let operator = self.advance();
            logic.saw(operator.token);
            let start = self.peek();
            if matches!(join, Join::Spansets(_)) && !starts_spansets(start.token) {
                return Err(self.unexpected(&["{", "("]));
            }
            let right = self.nested(|parser| parser.parts_above(right_power))?;
            left = match join {
                Join::Spansets(op) => self.relate(op, left, start, right)?,
                Join::Arithmetic(op) => self.calculate(op, operator, left, start, right)?,
                Join::Comparison(op) => self.compare(op, left, start, right)?,
            };
        }
        if let Part::Spansets(spansets) = &left {
            self.warnings.judge(&logic, spansets);
        }
        Ok(left)
    }

    fn part(&mut self) -> Result<Part, ParseError> {
        let next = self.peek();
        match next.token {
            Token::OpenBrace => self.filter().map(|f| Part::Spansets(Spansets::Filter(f))),
            Token::Not if self.peek_second().token == Token::OpenBrace => {
                self.advance();
                self.filter().map(|f| Part::Spansets(Spansets::Without(f)))
            }
            Token::OpenParen => self.part_in_parentheses(),
            Token::Integer | Token::Float | Token::Duration | Token::Sub => self.number(),
            Token::Word => match next.text {
                "minInt" | "maxInt" => self.number(),
                "by" => {
                    self.advance();
                    let key = self.parenthesised(Self::expression)?;
                    Ok(Part::Stage(Stage::By(key)))
                }
                "select" => {
                    self.advance();
                    let fields = self.parenthesised(Self::fields)?;
                    Ok(Part::Stage(Stage::Select(fields)))
                }
                "coalesce" => {
                    self.advance();
                    self.parenthesised(|_| Ok(()))?;
                    Ok(Part::Stage(Stage::Coalesce))
                }
                word if AGGREGATES.contains(&word) => self.aggregate(),
                _ => Err(self.unexpected_instead_of(PART)),
            },
            _ => Err(self.unexpected_instead_of(PART)),
        }
    }

    fn part_in_parentheses(&mut self) -> Result<Part, ParseError> {
        self.advance();
        let inner = self.nested(Self::pipeline)?;
        if !self.eat(Token::CloseParen) {
            return Err(self.unexpected(&[")", "|"]));
        }
        Ok(match inner {
            Part::Pipeline(pipeline) => Part::Spansets(Spansets::Pipeline(Box::new(pipeline))),
            other => other,
        })
    }

    /// `{ … }`
    pub(crate) fn filter(&mut self) -> Result<Filter, ParseError> {
        self.expect(Token::OpenBrace, "{")?;
        if self.eat(Token::CloseBrace) {
            return Ok(Filter::default());
        }
        let expr = self.expression()?;
        if !self.eat(Token::CloseBrace) {
            return Err(self.unexpected_instead_of("an operator or `}`"));
        }
        Ok(Filter { expr: Some(expr) })
    }

    fn relate(
        &self,
        op: SpansetOp,
        left: Part,
        start: Lexeme<'_>,
        right: Part,
    ) -> Result<Part, ParseError> {
        match (left, right) {
            (Part::Spansets(left), Part::Spansets(right)) => Ok(Part::Spansets(Spansets::Binary {
                op,
                left: Box::new(left),
                right: Box::new(right),
            })),
            _ => Err(self.unexpected_at(start, Expected::Any("spans, as `{ … }` gives them"))),
        }
    }

    fn compare(
        &self,
        op: BinaryOp,
        left: Part,
        start: Lexeme<'_>,
        right: Part,
    ) -> Result<Part, ParseError> {
        let pipelines = || ParseError::Unsupported("scalar filters of pipelines are".to_owned());
        match (left, right) {
            (Part::Number(_), Part::Number(_)) => {
                Err(self.unexpected_instead_of("an aggregate on one side of the comparison"))
            }
            (Part::ScalarPipeline, Part::ScalarPipeline | Part::Number(_) | Part::Scalar(_))
            | (Part::Number(_) | Part::Scalar(_), Part::ScalarPipeline) => Err(pipelines()),
            (left, right) => match (left.into_scalar(), right.into_scalar()) {
                (Some(left), Some(right)) => {
                    Ok(Part::Stage(Stage::Scalar(ScalarFilter { op, left, right })))
                }
                _ => Err(self.unexpected_at(start, Expected::Any("a number or an aggregate"))),
            },
        }
    }
}

const PART: &str =
    "spans (`{ … }`), an aggregate, `(`, or after a `|` a stage or a metrics function";

fn starts_spansets(token: Token) -> bool {
    matches!(token, Token::OpenBrace | Token::OpenParen | Token::Not)
}

impl Part {
    pub(crate) fn into_scalar(self) -> Option<Scalar> {
        match self {
            Self::Number(literal) => Some(Scalar::Static(literal)),
            Self::Scalar(scalar) => Some(scalar),
            Self::ScalarPipeline
            | Self::Spansets(_)
            | Self::Stage(_)
            | Self::Pipeline(_)
            | Self::Metrics(_) => None,
        }
    }
}

impl Join {
    /// What the token means after `left`, if it joins that with anything.
    fn of(lexeme: Lexeme<'_>, left: &Part) -> Option<Self> {
        match left {
            Part::Spansets(_) => spanset_op(lexeme).map(Self::Spansets),
            Part::Number(_) | Part::Scalar(_) | Part::ScalarPipeline => {
                let op = scalar_op(lexeme.token)?;
                Some(if op.is_comparison() {
                    Self::Comparison(op)
                } else {
                    Self::Arithmetic(op)
                })
            }
            Part::Metrics(_) => scalar_op(lexeme.token)
                .filter(|op| is_of_metrics(*op))
                .map(Self::Arithmetic),
            Part::Stage(_) | Part::Pipeline(_) => None,
        }
    }

    /// Binding power to the left and to the right, as inside of braces.
    fn powers(self) -> (u8, u8) {
        match self {
            Self::Spansets(SpansetOp::And | SpansetOp::Or) => (1, 2),
            Self::Spansets(SpansetOp::Structural { .. }) | Self::Comparison(_) => (3, 4),
            Self::Arithmetic(BinaryOp::Add | BinaryOp::Sub) => (5, 6),
            Self::Arithmetic(BinaryOp::Pow) => (12, 11),
            Self::Arithmetic(_) => (9, 10),
        }
    }
}

/// The arithmetic that series have.
pub(crate) fn is_of_metrics(op: BinaryOp) -> bool {
    matches!(
        op,
        BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div
    )
}

pub(crate) fn scalar_op(token: Token) -> Option<BinaryOp> {
    Some(match token {
        Token::Add => BinaryOp::Add,
        Token::Sub => BinaryOp::Sub,
        Token::Mul => BinaryOp::Mul,
        Token::Div => BinaryOp::Div,
        Token::Mod => BinaryOp::Mod,
        Token::Pow => BinaryOp::Pow,
        Token::Eq => BinaryOp::Eq,
        Token::Ne => BinaryOp::Ne,
        Token::Lt => BinaryOp::Lt,
        Token::Le => BinaryOp::Le,
        Token::Gt => BinaryOp::Gt,
        Token::Ge => BinaryOp::Ge,
        _ => return None,
    })
}

fn spanset_op(lexeme: Lexeme<'_>) -> Option<SpansetOp> {
    let (relation, mode) = match (lexeme.token, lexeme.text) {
        (Token::And, _) => return Some(SpansetOp::And),
        (Token::Or, _) => return Some(SpansetOp::Or),
        (Token::Gt, _) => (Relation::Child, Mode::Holds),
        (Token::Lt, _) => (Relation::Parent, Mode::Holds),
        (Token::NotMatch, _) => (Relation::Sibling, Mode::HoldsForNone),
        (Token::Structural, text) => structural(text),
        _ => return None,
    };
    Some(SpansetOp::Structural { relation, mode })
}

fn structural(text: &str) -> (Relation, Mode) {
    let (mode, relation) = match text.as_bytes() {
        [b'!', ..] => (Mode::HoldsForNone, &text[1..]),
        [b'&', ..] => (Mode::Union, &text[1..]),
        _ => (Mode::Holds, text),
    };
    let relation = match relation {
        ">" => Relation::Child,
        "<" => Relation::Parent,
        ">>" => Relation::Descendant,
        "<<" => Relation::Ancestor,
        _ => Relation::Sibling,
    };
    (relation, mode)
}
