//! The canonical text of a tree. Everything but literals and fields stands in parentheses when it is
//! an operand, so no reader needs to know precedences.

use std::fmt::{self, Display, Write};

mod query;

use crate::attribute;
use crate::duration::format_duration;
use crate::tree::{Expr, Field, Filter, Scope, Static, UnaryOp, What};

impl Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.expr {
            None => f.write_str("{ }"),
            Some(expr) => write!(f, "{{ {expr} }}"),
        }
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Static(literal) => write!(f, "{literal}"),
            Self::Field(field) => write!(f, "{field}"),
            Self::Unary { op, operand } => {
                let sign = match op {
                    UnaryOp::Neg => '-',
                    UnaryOp::Not => '!',
                };
                f.write_char(sign)?;
                write_operand(f, operand)
            }
            Self::Binary { op, left, right } => {
                write_operand(f, left)?;
                write!(f, " {} ", op.symbol())?;
                write_operand(f, right)
            }
            Self::Match {
                negated,
                operand,
                pattern,
            } => {
                let op = if *negated { "!~" } else { "=~" };
                write_operand(f, operand)?;
                write!(f, " {op} {}", Text(pattern.as_str()))
            }
            Self::In {
                negated,
                field,
                values,
            } => Self::chain(*negated, field, values).fmt(f),
            Self::Exists { negated, operand } => {
                let op = if *negated { "=" } else { "!=" };
                write_operand(f, operand)?;
                write!(f, " {op} nil")
            }
        }
    }
}

/// Calls itself by way of `fmt` and not of `write!`, which takes far more of the stack.
fn write_operand(f: &mut fmt::Formatter<'_>, operand: &Expr) -> fmt::Result {
    match operand {
        Expr::Static(_) | Expr::Field(_) => operand.fmt(f),
        compound => {
            f.write_char('(')?;
            compound.fmt(f)?;
            f.write_char(')')
        }
    }
}

impl Display for Static {
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

impl Display for Text<'_> {
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

impl Display for Field {
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
