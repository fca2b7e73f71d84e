//! Field expressions: what stands between braces, and in the parentheses of `by` and aggregates.

use std::mem;

use crate::attribute;
use crate::duration::parse_duration;
use crate::error::{ParseError, Problem};
use crate::literal::{constant, integer, string};
use crate::names::{intrinsic, is_keyword, scoped_intrinsics};
use crate::parser::Parser;
use crate::static_math;
use crate::token::{Lexeme, Token, lex};
use crate::tree::{BinaryOp, Expr, Field, Static, UnaryOp};
use crate::warning::Logic;

const OPERAND: &str = "an attribute (`span.…`, `resource.…`, `.…`), an intrinsic or a literal";

/// A text that is one field and nothing else.
pub(crate) fn parse_operand_alone(text: &str) -> Option<Field> {
    let lexemes = lex(text).ok()?;
    let mut parser = Parser::new(text, &lexemes);
    let expr = parser.operand().ok()?;
    match (expr, parser.peek().token) {
        (Expr::Field(field), Token::End) => Some(field),
        _ => None,
    }
}

/// What may stand between two operands.
#[derive(Clone, Copy)]
enum Infix {
    Binary(BinaryOp),
    Match { negated: bool },
}

/// `!` binds tighter than `+` and looser than `*`.
const NOT_POWER: u8 = 7;
/// `-` binds tighter than anything between two operands.
const NEG_POWER: u8 = 13;

impl Infix {
    fn of(token: Token) -> Option<Self> {
        Some(match token {
            Token::Add => Self::Binary(BinaryOp::Add),
            Token::Sub => Self::Binary(BinaryOp::Sub),
            Token::Mul => Self::Binary(BinaryOp::Mul),
            Token::Div => Self::Binary(BinaryOp::Div),
            Token::Mod => Self::Binary(BinaryOp::Mod),
            Token::Pow => Self::Binary(BinaryOp::Pow),
            Token::Eq => Self::Binary(BinaryOp::Eq),
            Token::Ne => Self::Binary(BinaryOp::Ne),
            Token::Lt => Self::Binary(BinaryOp::Lt),
            Token::Le => Self::Binary(BinaryOp::Le),
            Token::Gt => Self::Binary(BinaryOp::Gt),
            Token::Ge => Self::Binary(BinaryOp::Ge),
            Token::And => Self::Binary(BinaryOp::And),
            Token::Or => Self::Binary(BinaryOp::Or),
            Token::Match => Self::Match { negated: false },
            Token::NotMatch => Self::Match { negated: true },
            _ => return None,
        })
    }

    /// Binding power to the left and to the right. `&&` and `||` bind alike, as in Tempo.
    fn powers(self) -> (u8, u8) {
        match self {
            Self::Binary(BinaryOp::And | BinaryOp::Or) => (1, 2),
            Self::Binary(BinaryOp::Add | BinaryOp::Sub) => (5, 6),
            Self::Binary(BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod) => (9, 10),
            Self::Binary(BinaryOp::Pow) => (12, 11),
            Self::Binary(_) | Self::Match { .. } => (3, 4),
        }
    }
}

impl Parser<'_> {
    /// A whole field expression.
    pub(crate) fn expression(&mut self) -> Result<Expr, ParseError> {
        self.nested(|parser| parser.expression_above(0))
    }

    /// Operands and the operators between them that bind at least as tight as `power`.
    ///
    /// The parentheses that the first operand starts with are kept in a list and not on the stack: a
    /// long chain of operators is printed with as many of them, and must be read back.
    fn expression_above(&mut self, mut power: u8) -> Result<Expr, ParseError> {
        let mut outer = Vec::new();
        let mut logic = Logic::default();
        while self.peek().token == Token::OpenParen {
            self.open(outer.len())?;
            outer.push((mem::take(&mut power), mem::take(&mut logic)));
        }
        let mut left = self.prefix()?;
        loop {
            left = self.operators_above(power, &mut logic, left)?;
            self.warnings.judge(&logic, &left);
            let Some(around) = outer.pop() else {
                return Ok(left);
            };
            if !self.eat(Token::CloseParen) {
                return Err(self.unexpected_instead_of("an operator or `)`"));
            }
            (power, logic) = around;
        }
    }

    fn operators_above(
        &mut self,
        power: u8,
        logic: &mut Logic,
        mut left: Expr,
    ) -> Result<Expr, ParseError> {
        while let Some(infix) = Infix::of(self.peek().token) {
            let (left_power, right_power) = infix.powers();
            if left_power < power {
                break;
            }
            self.count()?;
            logic.saw(self.advance().token);
            let start = self.peek();
            let right = self.nested(|parser| parser.expression_above(right_power))?;
            left = self.combine(infix, left, start, right)?;
        }
        Ok(left)
    }

    fn prefix(&mut self) -> Result<Expr, ParseError> {
        match self.peek().token {
            Token::Not => {
                self.advance();
                let operand = self.nested(|parser| parser.expression_above(NOT_POWER))?;
                Ok(Expr::unary(UnaryOp::Not, operand))
            }
            Token::Sub => {
                self.advance();
                let operand = self.nested(|parser| parser.expression_above(NEG_POWER))?;
                Ok(negate(operand))
            }
            _ => self.operand(),
        }
    }

    /// A literal or a field.
    pub(crate) fn operand(&mut self) -> Result<Expr, ParseError> {
        let lexeme = self.peek();
        let expr = match lexeme.token {
            Token::Attribute => Expr::Field(attribute::field(lexeme.text)),
            Token::Quoted | Token::Raw => {
                let text = string(lexeme.text).ok_or_else(|| {
                    self.unexpected_instead_of("a string with escapes that Go knows")
                })?;
                Expr::Static(Static::String(text))
            }
            Token::Integer | Token::Float | Token::Duration => {
                Expr::Static(number(lexeme).ok_or_else(|| {
                    self.problem(lexeme, Problem::OutOfRange(lexeme.text.to_owned()))
                })?)
            }
            Token::Word if lexeme.text == "parent" => {
                return Err(ParseError::Unsupported("intrinsic (parent)".to_owned()));
            }
            Token::Word => match (intrinsic(lexeme.text), constant(lexeme.text)) {
                (Some(intrinsic), _) => Expr::Field(Field::intrinsic(intrinsic)),
                (None, Some(constant)) => Expr::Static(constant),
                (None, None) if is_keyword(lexeme.text) => {
                    return Err(self.unexpected_instead_of(OPERAND));
                }
                (None, None) => {
                    let name = lexeme.text.to_owned();
                    return Err(self.problem(lexeme, Problem::UnknownIdentifier(name)));
                }
            },
            Token::Colon => return self.scoped_intrinsic(),
            Token::Dot => {
                self.advance();
                return Err(self.unexpected(&["IDENTIFIER"]));
            }
            _ => return Err(self.unexpected_instead_of(OPERAND)),
        };
        self.advance();
        Ok(expr)
    }

    fn scoped_intrinsic(&mut self) -> Result<Expr, ParseError> {
        let known = scoped_intrinsics(self.advance().text);
        let found = self.peek();
        match known.iter().find(|(name, _)| *name == found.text) {
            Some((_, intrinsic)) => {
                self.advance();
                Ok(Expr::Field(Field::intrinsic(*intrinsic)))
            }
            None => {
                let expected: Vec<&'static str> = known.iter().map(|(name, _)| *name).collect();
                Err(self.unexpected(&expected))
            }
        }
    }

    fn combine(
        &mut self,
        infix: Infix,
        left: Expr,
        start: Lexeme<'_>,
        right: Expr,
    ) -> Result<Expr, ParseError> {
        match infix {
            Infix::Match { negated } => match right {
                Expr::Static(Static::String(text)) => Ok(Expr::Match {
                    negated,
                    operand: Box::new(left),
                    pattern: self.pattern(start, &text)?,
                }),
                right @ Expr::Field(_) => Err(ParseError::Invalid(format!(
                    "invalid type for =~ or !~: {right}"
                ))),
                right => {
                    let op = if negated { "!~" } else { "=~" };
                    Err(ParseError::Invalid(format!(
                        "illegal operation for the given types: {left} {op} {right}"
                    )))
                }
            },
            Infix::Binary(op @ (BinaryOp::Eq | BinaryOp::Ne)) => Ok(equality(op, left, right)),
            Infix::Binary(op) => Ok(Expr::binary(op, left, right)),
        }
    }
}

/// A comparison with `nil` asks whether there is a value.
fn equality(op: BinaryOp, left: Expr, right: Expr) -> Expr {
    let nil = |expr: &Expr| matches!(expr, Expr::Static(Static::Nil));
    let operand = match (nil(&left), nil(&right)) {
        (false, false) => return Expr::binary(op, left, right),
        (true, true) => return Expr::Static(Static::Bool(false)),
        (true, false) => right,
        (false, true) => left,
    };
    Expr::Exists {
        negated: op == BinaryOp::Eq,
        operand: Box::new(operand),
    }
}

/// The value of a number token, if it fits.
pub(crate) fn number(lexeme: Lexeme<'_>) -> Option<Static> {
    match lexeme.token {
        Token::Integer => integer(lexeme.text).map(Static::Int),
        Token::Duration => parse_duration(lexeme.text).map(Static::Duration),
        _ => {
            let number: f64 = lexeme.text.parse().ok()?;
            number.is_finite().then_some(Static::Float(number))
        }
    }
}

/// A negative number is a literal, not an operation.
fn negate(operand: Expr) -> Expr {
    match &operand {
        Expr::Static(literal) => match static_math::negate(literal) {
            Some(negative) => Expr::Static(negative),
            None => Expr::unary(UnaryOp::Neg, operand),
        },
        _ => Expr::unary(UnaryOp::Neg, operand),
    }
}
