//! Types: which operands fit which operators.

use crate::error::ParseError;
use crate::tree::{BinaryOp, Expr, Field, Filter, Intrinsic, Scope, Static, UnaryOp, What};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Nil,
    Int,
    Float,
    String,
    Bool,
    Duration,
    Status,
    Kind,
    /// Known only when a span is looked at.
    Any,
}

impl Type {
    pub(super) fn is_numeric(self) -> bool {
        matches!(self, Self::Int | Self::Float | Self::Duration)
    }

    fn fits(self, other: Self) -> bool {
        self == other
            || (self.is_numeric() && other.is_numeric())
            || [self, other]
                .iter()
                .any(|t| matches!(t, Self::Any | Self::Nil))
    }

    fn allows(self, op: BinaryOp) -> bool {
        match self {
            Self::Any => true,
            Self::Bool => op.is_logical() || matches!(op, BinaryOp::Eq | BinaryOp::Ne),
            Self::Int | Self::Float | Self::Duration => op.is_arithmetic() || op.is_comparison(),
            Self::String => op.is_comparison(),
            Self::Status | Self::Kind | Self::Nil => matches!(op, BinaryOp::Eq | BinaryOp::Ne),
        }
    }
}

pub(super) fn filter(filter: &Filter) -> Result<(), ParseError> {
    filter.expr.as_ref().map_or(Ok(()), condition)
}

/// Whether `expr` is sound and says yes or no.
pub(crate) fn condition(expr: &Expr) -> Result<(), ParseError> {
    match type_of(expr)? {
        Type::Bool | Type::Any => Ok(()),
        _ => Err(ParseError::Invalid(format!(
            "span filter field expressions must resolve to a boolean: {expr}"
        ))),
    }
}

/// Calls itself for every operand of a long chain, so what each of them is judged by stands elsewhere.
pub(super) fn type_of(expr: &Expr) -> Result<Type, ParseError> {
    match expr {
        Expr::Static(literal) => Ok(type_of_static(literal)),
        Expr::Field(field) => Ok(type_of_field(field)),
        Expr::Unary { op, operand } => {
            let operand = type_of(operand)?;
            of_unary(*op, operand).ok_or_else(|| illegal(expr))
        }
        Expr::Binary { op, left, right } => {
            let (left, right) = (type_of(left)?, type_of(right)?);
            of_binary(*op, left, right, expr)
        }
        Expr::Match { operand, .. } => match type_of(operand)? {
            Type::String | Type::Any => Ok(Type::Bool),
            _ => Err(illegal(expr)),
        },
        Expr::In {
            negated,
            field,
            values,
        } => of_question(*negated, field, values),
        Expr::Exists { negated, operand } => {
            type_of(operand)?;
            if let (true, Expr::Field(field)) = (*negated, operand.as_ref()) {
                can_be_nil(field)?;
            }
            Ok(Type::Bool)
        }
    }
}

fn of_unary(op: UnaryOp, operand: Type) -> Option<Type> {
    match (op, operand) {
        (UnaryOp::Neg, Type::Any) => Some(Type::Float),
        (UnaryOp::Neg, operand) if operand.is_numeric() => Some(operand),
        (UnaryOp::Not, Type::Bool | Type::Any) => Some(Type::Bool),
        _ => None,
    }
}

fn of_binary(op: BinaryOp, left: Type, right: Type, whole: &Expr) -> Result<Type, ParseError> {
    if !left.fits(right) {
        return Err(ParseError::Invalid(format!(
            "binary operations must operate on the same type: {whole}"
        )));
    }
    if !left.allows(op) || !right.allows(op) {
        return Err(illegal(whole));
    }
    Ok(match op {
        op if !op.is_arithmetic() => Type::Bool,
        _ if left == right && left.is_numeric() => left,
        _ => Type::Float,
    })
}

/// A long list is no deep tree, so each value is judged by itself.
fn of_question(negated: bool, field: &Field, values: &[Static]) -> Result<Type, ParseError> {
    for value in values {
        type_of(&Expr::chain(negated, field, std::slice::from_ref(value)))?;
    }
    Ok(Type::Bool)
}

/// Refuses `= nil` on what every span has.
fn can_be_nil(field: &Field) -> Result<(), ParseError> {
    if field.parent {
        // A span without a parent has none of its intrinsics.
        return Ok(());
    }
    match &field.what {
        What::Intrinsic(intrinsic) => Err(ParseError::Invalid(format!(
            "{}=nil is not valid because intrinsics cannot be nil",
            intrinsic.name()
        ))),
        What::Attribute(Scope::Resource, key) if key == "service.name" => Err(ParseError::Invalid(
            "resource.service.name=nil is not valid because resource.service.name cannot be nil"
                .to_owned(),
        )),
        What::Attribute(..) => Ok(()),
    }
}

fn illegal(expr: &Expr) -> ParseError {
    ParseError::Invalid(format!("illegal operation for the given types: {expr}"))
}

fn type_of_static(literal: &Static) -> Type {
    match literal {
        Static::Nil => Type::Nil,
        Static::Int(_) => Type::Int,
        Static::Float(_) => Type::Float,
        Static::String(_) => Type::String,
        Static::Bool(_) => Type::Bool,
        Static::Duration(_) => Type::Duration,
        Static::Status(_) => Type::Status,
        Static::Kind(_) => Type::Kind,
    }
}

fn type_of_field(field: &Field) -> Type {
    let What::Intrinsic(intrinsic) = field.what else {
        return Type::Any;
    };
    match intrinsic {
        Intrinsic::Duration | Intrinsic::TraceDuration | Intrinsic::EventTimeSinceStart => {
            Type::Duration
        }
        Intrinsic::Status => Type::Status,
        Intrinsic::Kind => Type::Kind,
        Intrinsic::ChildCount
        | Intrinsic::NestedSetLeft
        | Intrinsic::NestedSetRight
        | Intrinsic::NestedSetParent => Type::Int,
        Intrinsic::Name
        | Intrinsic::StatusMessage
        | Intrinsic::SpanId
        | Intrinsic::ParentId
        | Intrinsic::TraceId
        | Intrinsic::TraceRootName
        | Intrinsic::TraceRootService
        | Intrinsic::EventName
        | Intrinsic::LinkTraceId
        | Intrinsic::LinkSpanId
        | Intrinsic::InstrumentationName
        | Intrinsic::InstrumentationVersion => Type::String,
    }
}
