//! The typed tree of a spanset filter.

use crate::Pattern;

/// One spanset filter: `{ }` matches every span.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filter {
    pub expr: Option<Expr>,
}

/// A field expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    Static(Static),
    Field(Field),
    Unary {
        op: UnaryOp,
        operand: Box<Expr>,
    },
    Binary {
        op: BinaryOp,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// `operand =~ "pattern"`, or `!~` when negated.
    Match {
        negated: bool,
        operand: Box<Expr>,
        pattern: Pattern,
    },
    /// The field equals one of the values, or when negated differs from each of them. No text has this
    /// form; [`optimise`](crate::optimise()) makes it of a chain, as which it is printed.
    In {
        negated: bool,
        field: Field,
        /// At least one.
        values: Vec<Static>,
    },
    /// `operand != nil`, or `operand = nil` when negated.
    Exists {
        negated: bool,
        operand: Box<Expr>,
    },
}

/// A literal.
#[derive(Debug, Clone, PartialEq)]
pub enum Static {
    Nil,
    Int(i64),
    Float(f64),
    String(String),
    Bool(bool),
    /// Nanoseconds.
    Duration(i64),
    Status(Status),
    Kind(Kind),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnaryOp {
    Neg,
    Not,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    And,
    Or,
}

/// What a span is asked for: an attribute or an intrinsic, of itself or of its parent span.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Field {
    pub parent: bool,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    Attribute(Scope, String),
    Intrinsic(Intrinsic),
}

/// Where an attribute is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// `.x`: the span first, then its resource, events, links and instrumentation scope.
    Any,
    Span,
    Resource,
    Event,
    Link,
    Instrumentation,
}

/// Status in TraceQL's own order, which counts when it is compared with an integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    Error = 0,
    Ok = 1,
    Unset = 2,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Unspecified = 0,
    Internal = 1,
    Server = 2,
    Client = 3,
    Producer = 4,
    Consumer = 5,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Intrinsic {
    Duration,
    Name,
    Status,
    StatusMessage,
    Kind,
    ChildCount,
    SpanId,
    ParentId,
    NestedSetLeft,
    NestedSetRight,
    NestedSetParent,
    TraceId,
    TraceRootName,
    TraceRootService,
    TraceDuration,
    EventName,
    EventTimeSinceStart,
    LinkTraceId,
    LinkSpanId,
    InstrumentationName,
    InstrumentationVersion,
}

impl Intrinsic {
    pub const ALL: [Self; 21] = [
        Self::Duration,
        Self::Name,
        Self::Status,
        Self::StatusMessage,
        Self::Kind,
        Self::ChildCount,
        Self::SpanId,
        Self::ParentId,
        Self::NestedSetLeft,
        Self::NestedSetRight,
        Self::NestedSetParent,
        Self::TraceId,
        Self::TraceRootName,
        Self::TraceRootService,
        Self::TraceDuration,
        Self::EventName,
        Self::EventTimeSinceStart,
        Self::LinkTraceId,
        Self::LinkSpanId,
        Self::InstrumentationName,
        Self::InstrumentationVersion,
    ];

    /// The canonical name, which is also its key in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Duration => "duration",
            Self::Name => "name",
            Self::Status => "status",
            Self::StatusMessage => "statusMessage",
            Self::Kind => "kind",
            Self::ChildCount => "span:childCount",
            Self::SpanId => "span:id",
            Self::ParentId => "span:parentID",
            Self::NestedSetLeft => "nestedSetLeft",
            Self::NestedSetRight => "nestedSetRight",
            Self::NestedSetParent => "nestedSetParent",
            Self::TraceId => "trace:id",
            Self::TraceRootName => "rootName",
            Self::TraceRootService => "rootServiceName",
            Self::TraceDuration => "traceDuration",
            Self::EventName => "event:name",
            Self::EventTimeSinceStart => "event:timeSinceStart",
            Self::LinkTraceId => "link:traceID",
            Self::LinkSpanId => "link:spanID",
            Self::InstrumentationName => "instrumentation:name",
            Self::InstrumentationVersion => "instrumentation:version",
        }
    }

    /// Whether it tells of the trace as a whole.
    #[must_use]
    pub const fn is_of_trace(self) -> bool {
        matches!(
            self,
            Self::TraceId | Self::TraceRootName | Self::TraceRootService | Self::TraceDuration
        )
    }
}

/// The intrinsics that the tag-name API lists, under every name they have.
pub const INTRINSIC_TAGS: [&str; 25] = [
    "duration",
    "event:name",
    "event:timeSinceStart",
    "instrumentation:name",
    "instrumentation:version",
    "kind",
    "link:spanID",
    "link:traceID",
    "name",
    "rootName",
    "rootServiceName",
    "span:duration",
    "span:id",
    "span:kind",
    "span:name",
    "span:parentID",
    "span:status",
    "span:statusMessage",
    "status",
    "statusMessage",
    "trace:duration",
    "trace:id",
    "trace:rootName",
    "trace:rootService",
    "traceDuration",
];

impl Field {
    #[must_use]
    pub const fn intrinsic(intrinsic: Intrinsic) -> Self {
        Self {
            parent: false,
            what: What::Intrinsic(intrinsic),
        }
    }

    #[must_use]
    pub fn attribute(scope: Scope, key: impl Into<String>) -> Self {
        Self {
            parent: false,
            what: What::Attribute(scope, key.into()),
        }
    }
}

impl Status {
    pub const ALL: [Self; 3] = [Self::Error, Self::Ok, Self::Unset];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Ok => "ok",
            Self::Unset => "unset",
        }
    }
}

impl Kind {
    pub const ALL: [Self; 6] = [
        Self::Unspecified,
        Self::Internal,
        Self::Server,
        Self::Client,
        Self::Producer,
        Self::Consumer,
    ];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Internal => "internal",
            Self::Server => "server",
            Self::Client => "client",
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        }
    }
}

impl BinaryOp {
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Mod => "%",
            Self::Pow => "^",
            Self::Eq => "=",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
            Self::And => "&&",
            Self::Or => "||",
        }
    }

    /// The comparison that holds with the operands exchanged.
    #[must_use]
    pub const fn flipped(self) -> Self {
        match self {
            Self::Lt => Self::Gt,
            Self::Le => Self::Ge,
            Self::Gt => Self::Lt,
            Self::Ge => Self::Le,
            other => other,
        }
    }

    #[must_use]
    pub const fn is_arithmetic(self) -> bool {
        matches!(
            self,
            Self::Add | Self::Sub | Self::Mul | Self::Div | Self::Mod | Self::Pow
        )
    }

    #[must_use]
    pub const fn is_logical(self) -> bool {
        matches!(self, Self::And | Self::Or)
    }

    #[must_use]
    pub const fn is_comparison(self) -> bool {
        !self.is_arithmetic() && !self.is_logical()
    }
}

impl Expr {
    pub(crate) fn unary(op: UnaryOp, operand: Self) -> Self {
        Self::Unary {
            op,
            operand: Box::new(operand),
        }
    }

    pub(crate) fn binary(op: BinaryOp, left: Self, right: Self) -> Self {
        Self::Binary {
            op,
            left: Box::new(left),
            right: Box::new(right),
        }
    }

    /// The chain of comparisons that an [`Expr::In`] stands for.
    #[must_use]
    pub fn chain(negated: bool, field: &Field, values: &[Static]) -> Self {
        let (op, link) = if negated {
            (BinaryOp::Ne, BinaryOp::And)
        } else {
            (BinaryOp::Eq, BinaryOp::Or)
        };
        values
            .iter()
            .map(|value| {
                let value = Self::Static(value.clone());
                Self::binary(op, Self::Field(field.clone()), value)
            })
            .reduce(|left, right| Self::binary(link, left, right))
            .unwrap_or(Self::Static(Static::Bool(negated)))
    }

    /// Calls `visit` with every field the expression names, from left to right.
    pub fn for_each_field<'a>(&'a self, visit: &mut impl FnMut(&'a Field)) {
        match self {
            Self::Static(_) => {}
            Self::Field(field) | Self::In { field, .. } => visit(field),
            Self::Unary { operand, .. }
            | Self::Match { operand, .. }
            | Self::Exists { operand, .. } => operand.for_each_field(visit),
            Self::Binary { left, right, .. } => {
                left.for_each_field(visit);
                right.for_each_field(visit);
            }
        }
    }
}
