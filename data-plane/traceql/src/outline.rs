//! The shape of a whole query: one spanset filter, or something of the language that cannot be run yet.
//!
//! The rest of the language is only recognised here, not built: pipelines, operators between
//! spansets, aggregates, metrics, hints.

use crate::error::ParseError;
use crate::parser::Parser;
use crate::token::Token;
use crate::tree::{Expr, Filter};

pub(crate) const AGGREGATES: [&str; 5] = ["count", "avg", "max", "min", "sum"];
pub(crate) const METRICS: [&str; 9] = [
    "rate",
    "count_over_time",
    "min_over_time",
    "max_over_time",
    "avg_over_time",
    "sum_over_time",
    "quantile_over_time",
    "histogram_over_time",
    "compare",
];

const BETWEEN_SPANSETS: &str = "operators between spansets";
const PIPELINES: &str = "pipelines of spansets";
const STAGES: &str = "`by`, `coalesce` and `select`";
const SCALARS: &str = "aggregates and scalar filters";
const METRIC_QUERIES: &str = "metrics queries";
const HINTS: &str = "query hints";

/// What a part of a query turned out to be.
enum Shape {
    Filter(Filter),
    /// TraceQL, but of a kind that cannot be run yet.
    Unsupported(&'static str),
}

impl Shape {
    /// Whatever it was, it is now part of something that cannot be run.
    fn within(self, feature: &'static str) -> Self {
        match self {
            Self::Filter(_) => Self::Unsupported(feature),
            // A metrics query stays one, whatever stands around it.
            Self::Unsupported(METRIC_QUERIES) => Self::Unsupported(METRIC_QUERIES),
            Self::Unsupported(_) => Self::Unsupported(feature),
        }
    }
}

pub(crate) fn query(parser: &mut Parser<'_>) -> Result<Filter, ParseError> {
    let mut shape = pipeline(parser)?;
    if parser.eat_word("with") {
        hints(parser)?;
        shape = shape.within(HINTS);
    }
    if parser.peek().token != Token::End {
        return Err(parser.unexpected(&[]));
    }
    match shape {
        Shape::Filter(filter) => Ok(filter),
        Shape::Unsupported(feature) => Err(ParseError::Unsupported(feature)),
    }
}

/// Stages with `|` between them; after a metrics stage also comparisons and arithmetic.
fn pipeline(parser: &mut Parser<'_>) -> Result<Shape, ParseError> {
    let mut shape = stage(parser)?;
    loop {
        match parser.peek().token {
            Token::Pipe => {
                parser.count()?;
                parser.advance();
                let next = stage(parser)?;
                shape = shape.within(match next {
                    Shape::Filter(_) => PIPELINES,
                    Shape::Unsupported(feature) => feature,
                });
            }
            token if is_comparison(token) || is_arithmetic(token) => {
                if matches!(shape, Shape::Filter(_)) {
                    return Err(parser.unexpected(&[]));
                }
                parser.advance();
                scalar(parser)?;
            }
            _ => return Ok(shape),
        }
    }
}

fn stage(parser: &mut Parser<'_>) -> Result<Shape, ParseError> {
    let next = parser.peek();
    match next.token {
        Token::OpenBrace | Token::OpenParen => spansets(parser, 0),
        Token::Integer | Token::Float | Token::Duration | Token::Sub => scalar_filter(parser),
        Token::Word => match next.text {
            "by" => {
                parser.advance();
                parenthesised(parser, |parser| fields(parser, 1))?;
                Ok(Shape::Unsupported(STAGES))
            }
            "select" => {
                parser.advance();
                parenthesised(parser, |parser| fields(parser, usize::MAX))?;
                Ok(Shape::Unsupported(STAGES))
            }
            "coalesce" => {
                parser.advance();
                parenthesised(parser, |_| Ok(()))?;
                Ok(Shape::Unsupported(STAGES))
            }
            "topk" | "bottomk" => {
                parser.advance();
                parenthesised(parser, |parser| parser.expect(Token::Integer, "INTEGER"))?;
                Ok(Shape::Unsupported(METRIC_QUERIES))
            }
            word if AGGREGATES.contains(&word) => scalar_filter(parser),
            word if METRICS.contains(&word) => metrics(parser),
            _ => Err(parser.unexpected(&[])),
        },
        _ => Err(parser.unexpected(&[])),
    }
}

/// Filters and parenthesised pipelines with operators between them.
fn spansets(parser: &mut Parser<'_>, power: u8) -> Result<Shape, ParseError> {
    let mut shape = spanset(parser)?;
    loop {
        let (left, right) = match parser.peek().token {
            Token::And | Token::Or => (1, 2),
            Token::Gt | Token::Lt | Token::NotMatch | Token::Structural => (3, 4),
            _ => return Ok(shape),
        };
        if left < power || (starts_scalar(parser) && !matches!(shape, Shape::Filter(_))) {
            return Ok(shape);
        }
        parser.count()?;
        parser.advance();
        spansets(parser, right)?;
        shape = shape.within(BETWEEN_SPANSETS);
    }
}

/// Whether a number follows the operator that is next, as in `({ } | rate()) > 10`.
fn starts_scalar(parser: &Parser<'_>) -> bool {
    matches!(
        parser.peek_second().token,
        Token::Integer | Token::Float | Token::Duration | Token::Sub
    )
}

fn spanset(parser: &mut Parser<'_>) -> Result<Shape, ParseError> {
    match parser.peek().token {
        Token::OpenBrace => filter(parser).map(Shape::Filter),
        Token::OpenParen => {
            parser.advance();
            let inner = parser.nested(pipeline)?;
            if parser.eat(Token::CloseParen) {
                Ok(inner)
            } else {
                Err(parser.unexpected(&[]))
            }
        }
        _ => Err(parser.unexpected(&[])),
    }
}

fn filter(parser: &mut Parser<'_>) -> Result<Filter, ParseError> {
    parser.expect(Token::OpenBrace, "{")?;
    if parser.eat(Token::CloseBrace) {
        return Ok(Filter::default());
    }
    let expr = parser.expression()?;
    if !parser.eat(Token::CloseBrace) {
        return Err(parser.unexpected(&[]));
    }
    Ok(Filter { expr: Some(expr) })
}

/// `scalar CMP scalar`, or arithmetic over parenthesised metrics queries.
fn scalar_filter(parser: &mut Parser<'_>) -> Result<Shape, ParseError> {
    let mut queries = scalar(parser)?;
    if is_comparison(parser.peek().token) {
        parser.advance();
        scalar(parser)?;
    } else if !queries {
        return Err(parser.unexpected(&[]));
    } else {
        queries = true;
    }
    Ok(Shape::Unsupported(if queries {
        METRIC_QUERIES
    } else {
        SCALARS
    }))
}

/// Numbers and aggregates with arithmetic. Returns whether a query in parentheses is among them.
fn scalar(parser: &mut Parser<'_>) -> Result<bool, ParseError> {
    let mut queries = scalar_operand(parser)?;
    while is_arithmetic(parser.peek().token) {
        parser.count()?;
        parser.advance();
        queries |= scalar_operand(parser)?;
    }
    Ok(queries)
}

fn scalar_operand(parser: &mut Parser<'_>) -> Result<bool, ParseError> {
    let next = parser.peek();
    match next.token {
        Token::Integer | Token::Float | Token::Duration => {
            parser.advance();
            Ok(false)
        }
        Token::Sub => {
            parser.advance();
            parser.nested(scalar_operand)
        }
        Token::OpenParen => {
            parser.advance();
            let is_query = matches!(parser.peek().token, Token::OpenBrace | Token::OpenParen);
            if is_query {
                parser.nested(pipeline)?;
            } else {
                parser.nested(scalar)?;
            }
            parser.expect(Token::CloseParen, ")")?;
            Ok(is_query)
        }
        Token::Word if AGGREGATES.contains(&next.text) => {
            parser.advance();
            let arguments = usize::from(next.text != "count");
            parenthesised(parser, |parser| fields(parser, arguments))?;
            Ok(false)
        }
        _ => Err(parser.unexpected(&[])),
    }
}

fn metrics(parser: &mut Parser<'_>) -> Result<Shape, ParseError> {
    let name = parser.advance().text;
    parenthesised(parser, |parser| match name {
        "rate" | "count_over_time" => Ok(()),
        "compare" => {
            filter(parser)?;
            numbers(parser)
        }
        _ => {
            fields(parser, 1)?;
            numbers(parser)
        }
    })?;
    if parser.eat_word("by") {
        parenthesised(parser, |parser| fields(parser, usize::MAX))?;
    }
    Ok(Shape::Unsupported(METRIC_QUERIES))
}

fn parenthesised(
    parser: &mut Parser<'_>,
    inside: impl FnOnce(&mut Parser<'_>) -> Result<(), ParseError>,
) -> Result<(), ParseError> {
    parser.expect(Token::OpenParen, "(")?;
    inside(parser)?;
    parser.expect(Token::CloseParen, ")")
}

/// Up to `most` field expressions with commas between them; none only if `most` is 0.
fn fields(parser: &mut Parser<'_>, most: usize) -> Result<(), ParseError> {
    for i in 0..most {
        if i > 0 && !parser.eat(Token::Comma) {
            break;
        }
        parser.expression()?;
    }
    Ok(())
}

fn numbers(parser: &mut Parser<'_>) -> Result<(), ParseError> {
    while parser.eat(Token::Comma) {
        scalar(parser)?;
    }
    Ok(())
}

/// `(name = literal, …)`
fn hints(parser: &mut Parser<'_>) -> Result<(), ParseError> {
    parenthesised(parser, |parser| {
        loop {
            parser.expect(Token::Word, "IDENTIFIER")?;
            parser.expect(Token::Eq, "=")?;
            let value = parser.operand()?;
            if !matches!(value, Expr::Static(_)) {
                return Err(parser.unexpected(&[]));
            }
            if !parser.eat(Token::Comma) {
                return Ok(());
            }
        }
    })
}

fn is_comparison(token: Token) -> bool {
    matches!(
        token,
        Token::Eq | Token::Ne | Token::Lt | Token::Le | Token::Gt | Token::Ge
    )
}

fn is_arithmetic(token: Token) -> bool {
    matches!(token, Token::Add | Token::Sub | Token::Mul | Token::Div)
}
