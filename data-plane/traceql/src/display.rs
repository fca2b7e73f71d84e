//! The canonical text of a tree. Everything but literals and fields stands in parentheses when it is
//! an operand, so no reader needs to know precedences.

use std::fmt;

mod query;

use crate::attribute;
use crate::duration::format_duration;
use crate::tree::{Expr, Field, Filter, Scope, Static, UnaryOp, What};

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.expr {
            None => f.write_str("{ }"),
            Some(expr) => write!(f, "{{ {expr} }}"),
        }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Static(literal) => write!(f, "{literal}"),
            Self::Field(field) => write!(f, "{field}"),
            Self::Unary { op, operand } => {
                let sign = match op {
                    UnaryOp::Neg => '-',
                    UnaryOp::Not => '!',
                };
                write!(f, "{sign}{}", Operand(operand))
            }
            Self::Binary { op, left, right } => {
                write!(f, "{} {} {}", Operand(left), op.symbol(), Operand(right))
            }
            Self::Match {
                negated,
                operand,
                pattern,
            } => {
                let op = if *negated { "!~" } else { "=~" };
                write!(f, "{} {op} {}", Operand(operand), Text(pattern.as_str()))
            }
            Self::In {
                negated,
                field,
                values,
            } => write!(f, "{}", Self::chain(*negated, field, values)),
            Self::Exists { negated, operand } => {
                let op = if *negated { "=" } else { "!=" };
                write!(f, "{} {op} nil", Operand(operand))
            }
        }
    }
}

struct Operand<'a>(&'a Expr);

impl fmt::Display for Operand<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Expr::Static(_) | Expr::Field(_) => write!(f, "{}", self.0),
            compound => write!(f, "({compound})"),
        }
    }
}

impl fmt::Display for Static {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nil => f.write_str("nil"),
            Self::Int(i64::MIN) => f.write_str("minInt"),
            Self::Int(number) => write!(f, "{number}"),
            // Debug keeps the point or the exponent, so it stays a float.
            Self::Float(number) => write!(f, "{number:?}"),
            Self::String(text) => write!(f, "{}", Text(text)),
            Self::Bool(flag) => write!(f, "{flag}"),
            Self::Duration(nanos) => f.write_str(&format_duration(*nanos)),
            Self::Status(status) => f.write_str(status.name()),
            Self::Kind(kind) => f.write_str(kind.name()),
        }
    }
}

/// A string literal: between backquotes if that is possible, else with escapes.
struct Text<'a>(&'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Go drops carriage returns from raw strings, so they need the other form.
        if !self.0.contains(['`', '\r']) {
            return write!(f, "`{}`", self.0);
        }
        f.write_str("\"")?;
        for c in self.0.chars() {
            match c {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                _ => write!(f, "{c}")?,
            }
        }
        f.write_str("\"")
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scope, key) = match &self.what {
            What::Intrinsic(intrinsic) if self.parent => {
                return write!(f, "parent.{}", intrinsic.name());
            }
            What::Intrinsic(intrinsic) => return f.write_str(intrinsic.name()),
            What::Attribute(scope, key) => (*scope, attribute::quote(self, key)),
        };
        let scope = match (self.parent, scope) {
            (true, Scope::Any) => "parent.",
            (true, _) => &format!("parent.{}", prefix(scope)),
            (false, _) => prefix(scope),
        };
        write!(f, "{scope}{key}")
    }
}

fn prefix(scope: Scope) -> &'static str {
    match scope {
        Scope::Any => ".",
        Scope::Span => "span.",
        Scope::Resource => "resource.",
        Scope::Event => "event.",
        Scope::Link => "link.",
        Scope::Instrumentation => "instrumentation.",
    }
}
