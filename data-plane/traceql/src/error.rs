//! Why a text is not a query Takt can run.

use std::fmt;

mod explain;

/// Why a query is refused, in the words of Tempo where Tempo refuses it too.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Not TraceQL. `line` and `column` count from 1, columns in characters.
    #[error("parse error at line {line}, col {column}: {problem}")]
    Syntax {
        line: usize,
        column: usize,
        problem: Problem,
    },
    /// TraceQL by its syntax, but the types do not fit.
    #[error("{0}")]
    Invalid(String),
    #[error("invalid regex: {pattern}")]
    Regex {
        /// As a literal.
        pattern: String,
        cause: String,
    },
    /// TraceQL by its syntax, but nobody can run it.
    #[error("{0} not yet supported")]
    Unsupported(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    Unexpected {
        token: String,
        expected: Expected,
    },
    UnknownIdentifier(String),
    /// A literal that does not fit its type, or arithmetic that leaves it.
    OutOfRange(String),
    DivisionByZero,
    DurationInArithmetic,
    DurationInMetrics,
    /// More than a query may have of something.
    TooMuch(&'static str),
}

/// What could have stood where the error is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// Exactly these tokens; the first line of the error names them if there are at most four.
    Tokens(Vec<&'static str>),
    /// Too many to name: a description, for [`ParseError::explain`].
    Any(&'static str),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unexpected { token, expected } => {
                write!(f, "syntax error: unexpected {token}")?;
                match expected {
                    Expected::Tokens(tokens) if tokens.len() <= 4 => {
                        write!(f, ", expecting {}", tokens.join(" or "))
                    }
                    Expected::Tokens(_) | Expected::Any(_) => Ok(()),
                }
            }
            Self::UnknownIdentifier(name) => write!(f, "unknown identifier: {name}"),
            Self::OutOfRange(literal) => write!(f, "literal `{literal}` is out of range"),
            Self::DivisionByZero => f.write_str("division by zero"),
            Self::DurationInArithmetic => {
                f.write_str("duration cannot be used in scalar arithmetic")
            }
            Self::DurationInMetrics => {
                f.write_str("duration cannot be used as a scalar operand in metric arithmetic")
            }
            Self::TooMuch(what) => f.write_str(what),
        }
    }
}
