//! Tokens to tree: a Pratt parser for field expressions.

use crate::attribute;
use crate::duration::parse_duration;
use crate::error::{ParseError, Problem};
use crate::literal::{constant, integer, string};
use crate::outline;
use crate::pattern::Pattern;
use crate::token::{self, Lexeme, Token, lex};
use crate::tree::{BinaryOp, Expr, Field, Filter, Intrinsic, Static, UnaryOp};
use crate::validate;

/// How many operators one query may have. Bounds the recursion over the tree.
const MAX_OPERATORS: usize = 1_000;
/// How deep parentheses and prefixes may nest. Bounds the recursion of the parser.
const MAX_DEPTH: usize = 100;

/// Parses and validates a query of one spanset filter.
///
/// # Errors
/// When the query is no TraceQL, has types that do not fit, or asks for what this version cannot do.
pub fn parse(query: &str) -> Result<Filter, ParseError> {
    let lexemes = lex(query)?;
    let mut parser = Parser::new(query, &lexemes);
    let filter = outline::query(&mut parser)?;
    validate::filter(&filter)?;
    Ok(filter)
}

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

/// The intrinsic that a word names without a scope.
pub(crate) fn intrinsic(word: &str) -> Option<Intrinsic> {
    Some(match word {
        "duration" => Intrinsic::Duration,
        "name" => Intrinsic::Name,
        "status" => Intrinsic::Status,
        "statusMessage" => Intrinsic::StatusMessage,
        "kind" => Intrinsic::Kind,
        "rootName" => Intrinsic::TraceRootName,
        "rootServiceName" => Intrinsic::TraceRootService,
        "traceDuration" => Intrinsic::TraceDuration,
        "nestedSetLeft" => Intrinsic::NestedSetLeft,
        "nestedSetRight" => Intrinsic::NestedSetRight,
        "nestedSetParent" => Intrinsic::NestedSetParent,
        _ => return None,
    })
}

/// The intrinsics of each scope, in the order in which an error names them.
fn scoped_intrinsics(scope: &str) -> &'static [(&'static str, Intrinsic)] {
    match scope {
        "span:" => &[
            ("duration", Intrinsic::Duration),
            ("name", Intrinsic::Name),
            ("status", Intrinsic::Status),
            ("statusMessage", Intrinsic::StatusMessage),
            ("kind", Intrinsic::Kind),
            ("id", Intrinsic::SpanId),
            ("parentID", Intrinsic::ParentId),
            ("childCount", Intrinsic::ChildCount),
        ],
        "trace:" => &[
            ("duration", Intrinsic::TraceDuration),
            ("rootName", Intrinsic::TraceRootName),
            ("rootService", Intrinsic::TraceRootService),
            ("id", Intrinsic::TraceId),
        ],
        "event:" => &[
            ("name", Intrinsic::EventName),
            ("timeSinceStart", Intrinsic::EventTimeSinceStart),
        ],
        "link:" => &[
            ("traceID", Intrinsic::LinkTraceId),
            ("spanID", Intrinsic::LinkSpanId),
        ],
        _ => &[
            ("name", Intrinsic::InstrumentationName),
            ("version", Intrinsic::InstrumentationVersion),
        ],
    }
}

pub(crate) struct Parser<'a> {
    query: &'a str,
    lexemes: &'a [Lexeme<'a>],
    next: usize,
    operators: usize,
    depth: usize,
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

impl<'a> Parser<'a> {
    pub(crate) fn new(query: &'a str, lexemes: &'a [Lexeme<'a>]) -> Self {
        Self {
            query,
            lexemes,
            next: 0,
            operators: 0,
            depth: 0,
        }
    }

    pub(crate) fn peek(&self) -> Lexeme<'a> {
        self.lexemes[self.next.min(self.lexemes.len() - 1)]
    }

    pub(crate) fn peek_second(&self) -> Lexeme<'a> {
        self.lexemes[(self.next + 1).min(self.lexemes.len() - 1)]
    }

    pub(crate) fn advance(&mut self) -> Lexeme<'a> {
        let lexeme = self.peek();
        self.next += 1;
        lexeme
    }

    pub(crate) fn eat(&mut self, token: Token) -> bool {
        let found = self.peek().token == token;
        if found {
            self.next += 1;
        }
        found
    }

    pub(crate) fn eat_word(&mut self, word: &str) -> bool {
        let next = self.peek();
        let found = next.token == Token::Word && next.text == word;
        if found {
            self.next += 1;
        }
        found
    }

    pub(crate) fn expect(&mut self, token: Token, name: &'static str) -> Result<(), ParseError> {
        if self.eat(token) {
            Ok(())
        } else {
            Err(self.unexpected(&[name]))
        }
    }

    /// The error that the next token is not what may stand here.
    pub(crate) fn unexpected(&self, expected: &[&'static str]) -> ParseError {
        let found = self.peek();
        if found.token == Token::Word && token::describe(found) == "IDENTIFIER" {
            return self.problem(found, Problem::UnknownIdentifier(found.text.to_owned()));
        }
        token::unexpected(self.query, found.at, token::describe(found), expected)
    }

    fn problem(&self, at: Lexeme<'_>, problem: Problem) -> ParseError {
        token::syntax(self.query, at.at, problem)
    }

    /// Counts one operator.
    pub(crate) fn count(&mut self) -> Result<(), ParseError> {
        self.operators += 1;
        if self.operators > MAX_OPERATORS {
            return Err(self.problem(self.peek(), Problem::TooDeep));
        }
        Ok(())
    }

    /// Runs `inner` one level deeper.
    pub(crate) fn nested<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, ParseError>,
    ) -> Result<T, ParseError> {
        if self.depth == MAX_DEPTH {
            return Err(self.problem(self.peek(), Problem::TooDeep));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    /// A whole field expression.
    pub(crate) fn expression(&mut self) -> Result<Expr, ParseError> {
        self.nested(|parser| parser.expression_above(0))
    }

    fn expression_above(&mut self, power: u8) -> Result<Expr, ParseError> {
        let mut left = self.prefix()?;
        while let Some(infix) = Infix::of(self.peek().token) {
            let (left_power, right_power) = infix.powers();
            if left_power < power {
                break;
            }
            self.count()?;
            self.advance();
            let right = self.nested(|parser| parser.expression_above(right_power))?;
            left = combine(infix, left, right)?;
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
            Token::OpenParen => {
                self.advance();
                let inner = self.expression()?;
                if self.eat(Token::CloseParen) {
                    Ok(inner)
                } else {
                    // An operator could stand here too, so there is more to expect than can be named.
                    Err(self.unexpected(&[]))
                }
            }
            _ => self.operand(),
        }
    }

    /// A literal or a field.
    pub(crate) fn operand(&mut self) -> Result<Expr, ParseError> {
        let lexeme = self.peek();
        let out_of_range =
            |parser: &Self| parser.problem(lexeme, Problem::OutOfRange(lexeme.text.to_owned()));
        let expr = match lexeme.token {
            Token::Attribute => Expr::Field(attribute::field(lexeme.text)),
            Token::Quoted | Token::Raw => {
                let text = string(lexeme.text).ok_or_else(|| self.unexpected(&[]))?;
                Expr::Static(Static::String(text))
            }
            Token::Integer => {
                let number = integer(lexeme.text).ok_or_else(|| out_of_range(self))?;
                Expr::Static(Static::Int(number))
            }
            Token::Float => {
                let number = lexeme.text.parse().ok().filter(|n: &f64| n.is_finite());
                Expr::Static(Static::Float(number.ok_or_else(|| out_of_range(self))?))
            }
            Token::Duration => {
                let nanos = parse_duration(lexeme.text).ok_or_else(|| out_of_range(self))?;
                Expr::Static(Static::Duration(nanos))
            }
            Token::Word if lexeme.text == "parent" => {
                return Err(ParseError::Unsupported("conditions on `parent` itself"));
            }
            Token::Word => match (intrinsic(lexeme.text), constant(lexeme.text)) {
                (Some(intrinsic), _) => Expr::Field(Field::intrinsic(intrinsic)),
                (None, Some(constant)) => Expr::Static(constant),
                (None, None) => return Err(self.unexpected(&[])),
            },
            Token::Colon => return self.scoped_intrinsic(),
            Token::Dot => {
                self.advance();
                return Err(self.unexpected(&["IDENTIFIER"]));
            }
            _ => return Err(self.unexpected(&[])),
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
}

fn combine(infix: Infix, left: Expr, right: Expr) -> Result<Expr, ParseError> {
    let nil = |expr: &Expr| matches!(expr, Expr::Static(Static::Nil));
    match infix {
        Infix::Match { negated } => match right {
            Expr::Static(Static::String(text)) => Ok(Expr::Match {
                negated,
                operand: Box::new(left),
                pattern: Pattern::new(&text)
                    .map_err(|cause| ParseError::Invalid(format!("invalid regex: {cause}")))?,
            }),
            right => {
                let op = if negated { "!~" } else { "=~" };
                let text = format!("illegal operation for the given types: {left} {op} {right}");
                Err(ParseError::Invalid(text))
            }
        },
        Infix::Binary(op @ (BinaryOp::Eq | BinaryOp::Ne)) if nil(&left) || nil(&right) => {
            if nil(&left) && nil(&right) {
                return Ok(Expr::Static(Static::Bool(false)));
            }
            Ok(Expr::Exists {
                negated: op == BinaryOp::Eq,
                operand: Box::new(if nil(&left) { right } else { left }),
            })
        }
        Infix::Binary(op) => Ok(Expr::binary(op, left, right)),
    }
}

/// A negative number is a literal, not an operation.
fn negate(operand: Expr) -> Expr {
    match operand {
        Expr::Static(Static::Int(number)) if number != i64::MIN => {
            Expr::Static(Static::Int(-number))
        }
        Expr::Static(Static::Float(number)) => Expr::Static(Static::Float(-number)),
        Expr::Static(Static::Duration(nanos)) => Expr::Static(Static::Duration(-nanos)),
        operand => Expr::unary(UnaryOp::Neg, operand),
    }
}
