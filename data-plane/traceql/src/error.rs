//! Why a text is not a query Takt can run.

use std::fmt;

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
    /// TraceQL, but this version cannot run it.
    #[error("{0} are not supported yet")]
    Unsupported(&'static str),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    Unexpected {
        token: String,
        /// Named only if there are at most four.
        expected: Vec<&'static str>,
    },
    UnknownIdentifier(String),
    /// A literal that does not fit its type.
    OutOfRange(String),
    TooDeep,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unexpected { token, expected } => {
                write!(f, "syntax error: unexpected {token}")?;
                for (i, token) in expected.iter().enumerate() {
                    write!(f, "{} {token}", if i == 0 { ", expecting" } else { " or" })?;
                }
                Ok(())
            }
            Self::UnknownIdentifier(name) => write!(f, "unknown identifier: {name}"),
            Self::OutOfRange(literal) => write!(f, "literal `{literal}` is out of range"),
            Self::TooDeep => f.write_str("the expression is too deep or too long"),
        }
    }
}
