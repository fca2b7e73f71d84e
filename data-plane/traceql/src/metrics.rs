//! Metrics functions and what follows them.

use crate::error::{Expected, ParseError, Problem};
use crate::expression;
use crate::parser::Parser;
use crate::pipeline::{Part, scalar_op};
use crate::query::{Compare, Function, MetricsExpr, SecondStage};
use crate::static_math;
use crate::token::Token;
use crate::tree::{BinaryOp, Expr, Field, Static};

/// How many values of an attribute `compare()` shows if the query does not say.
pub(crate) const DEFAULT_TOP: u32 = 10;

impl Parser<'_> {
    /// `rate()`, `quantile_over_time(duration, .9) by (name)`: the function and what it groups by.
    pub(crate) fn metrics_function(&mut self) -> Result<(Function, Vec<Field>), ParseError> {
        let name = self.advance().text;
        let function = self.parenthesised(|parser| parser.arguments(name))?;
        let groups = !matches!(function, Function::Compare(_)) && self.eat_word("by");
        let by = if groups {
            self.parenthesised(Self::fields)?
        } else {
            Vec::new()
        };
        Ok((function, by))
    }

    fn arguments(&mut self, function: &str) -> Result<Function, ParseError> {
        Ok(match function {
            "rate" => Function::Rate,
            "count_over_time" => Function::CountOverTime,
            "compare" => Function::Compare(self.comparison()?),
            "min_over_time" => Function::MinOverTime(self.field()?),
            "max_over_time" => Function::MaxOverTime(self.field()?),
            "avg_over_time" => Function::AvgOverTime(self.field()?),
            "sum_over_time" => Function::SumOverTime(self.field()?),
            "histogram_over_time" => Function::HistogramOverTime(self.field()?),
            _ => {
                let field = self.field()?;
                self.expect(Token::Comma, ",")?;
                Function::QuantileOverTime(field, self.quantiles()?)
            }
        })
    }

    fn quantiles(&mut self) -> Result<Vec<f64>, ParseError> {
        let mut quantiles = Vec::new();
        loop {
            let lexeme = self.peek();
            if !matches!(lexeme.token, Token::Integer | Token::Float) {
                return Err(self.unexpected(&["INTEGER", "FLOAT"]));
            }
            let number =
                expression::number(lexeme).and_then(|literal| static_math::float(&literal));
            let out_of_range = || Problem::OutOfRange(lexeme.text.to_owned());
            quantiles.push(number.ok_or_else(|| self.problem(lexeme, out_of_range()))?);
            self.advance();
            if !self.eat(Token::Comma) {
                return Ok(quantiles);
            }
        }
    }

    /// `{ … }, top, start, end`, of which the numbers may be left out: all, or the last two.
    fn comparison(&mut self) -> Result<Compare, ParseError> {
        let selection = self.filter()?;
        let mut top = DEFAULT_TOP;
        let mut window = None;
        if self.eat(Token::Comma) {
            top = u32::try_from(self.integer()?).unwrap_or(u32::MAX);
            if self.eat(Token::Comma) {
                let start = self.integer()?;
                self.expect(Token::Comma, ",")?;
                let end = self.integer()?;
                window = Some((start, end)).filter(|window| *window != (0, 0));
            }
        }
        Ok(Compare {
            selection,
            top,
            window,
        })
    }

    fn integer(&mut self) -> Result<u64, ParseError> {
        let lexeme = self.peek();
        if lexeme.token != Token::Integer {
            return Err(self.unexpected(&["INTEGER"]));
        }
        let number = match expression::number(lexeme) {
            Some(Static::Int(number)) => u64::try_from(number).ok(),
            _ => None,
        };
        let out_of_range = || Problem::OutOfRange(lexeme.text.to_owned());
        let number = number.ok_or_else(|| self.problem(lexeme, out_of_range()))?;
        self.advance();
        Ok(number)
    }

    /// `| topk(5)` and `> 10`, in any order, as many as there are.
    pub(crate) fn second_stages(&mut self, expr: MetricsExpr) -> Result<MetricsExpr, ParseError> {
        let mut expr = expr;
        while let Some(stage) = self.second_stage()? {
            expr = MetricsExpr::Then {
                of: Box::new(expr),
                stage,
            };
        }
        Ok(expr)
    }

    fn second_stage(&mut self) -> Result<Option<SecondStage>, ParseError> {
        let comparison = scalar_op(self.peek().token).filter(|op| op.is_comparison());
        if let Some(op) = comparison {
            self.count()?;
            self.advance();
            return self.threshold(op).map(Some);
        }
        if self.peek().token != Token::Pipe || self.second_is_word("order") {
            return Ok(None);
        }
        self.count()?;
        self.advance();
        let most = match self.peek().text {
            "topk" => SecondStage::TopK,
            "bottomk" => SecondStage::BottomK,
            _ => return Err(self.unexpected(&["topk", "bottomk"])),
        };
        self.advance();
        let limit = self.parenthesised(Self::integer)?;
        Ok(Some(most(u32::try_from(limit).unwrap_or(u32::MAX))))
    }

    /// The number that samples are compared with; durations count in seconds.
    fn threshold(&mut self, op: BinaryOp) -> Result<SecondStage, ParseError> {
        /// Binds tighter than a comparison, as arithmetic does.
        const ABOVE_COMPARISON: u8 = 4;
        let start = self.peek();
        let part = self.nested(|parser| parser.parts_above(ABOVE_COMPARISON))?;
        let Part::Number(literal) = part else {
            return Err(self.unexpected_at(start, Expected::Any("a number")));
        };
        let scale = match literal {
            Static::Duration(_) => 1e9,
            _ => 1.0,
        };
        let value = static_math::float(&literal).expect("a number part is a number") / scale;
        Ok(SecondStage::Compare { op, value })
    }

    /// One or more fields with commas between them.
    pub(crate) fn fields(&mut self) -> Result<Vec<Field>, ParseError> {
        let mut fields = vec![self.field()?];
        while self.eat(Token::Comma) {
            fields.push(self.field()?);
        }
        Ok(fields)
    }

    pub(crate) fn field(&mut self) -> Result<Field, ParseError> {
        let start = self.peek();
        match self.operand()? {
            Expr::Field(field) => Ok(field),
            _ => Err(self.unexpected_at(start, Expected::Any("an attribute or an intrinsic"))),
        }
    }
}
