//! The typed tree of a whole query: spansets, pipelines, metrics.

use crate::tree::{BinaryOp, Expr, Field, Filter, Static};

/// A whole query.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    pub body: Body,
    /// How found traces are ordered; without it, newest start first.
    pub order: Option<Order>,
    /// As written, in order; unknown ones are kept and ignored by whoever runs the query.
    pub hints: Vec<Hint>,
}

/// What a query asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// Traces.
    Search(Pipeline),
    /// Series over time.
    Metrics(MetricsExpr),
}

/// `order by duration` or `order by start`, with `asc` or `desc` (which is what is meant without either).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    pub key: OrderKey,
    pub ascending: bool,
}

/// What of a trace as a whole an order looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderKey {
    Start,
    Duration,
}

/// `name = literal` within `with(…)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Hint {
    pub name: String,
    pub value: Static,
}

/// Stages with `|` between them. The first one makes spansets, the others change them.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    pub stages: Vec<Stage>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Stage {
    /// In first place: the spansets of the trace. Later: run over the spans of each spanset.
    Spansets(Spansets),
    /// Keeps spansets of which a comparison of aggregates holds.
    Scalar(ScalarFilter),
    /// Splits each spanset by the value of an expression; no value is a group too.
    By(Expr),
    /// Joins the spansets of a trace into one.
    Coalesce,
    /// Shows these fields of the found spans.
    Select(Vec<Field>),
}

/// An expression over sets of spans of one trace.
#[derive(Debug, Clone, PartialEq)]
pub enum Spansets {
    Filter(Filter),
    /// `!{ … }`: holds for traces of which no span matches. Under `&&` it adds no spans of its own;
    /// elsewhere it stands for all spans of the trace.
    Without(Filter),
    /// A pipeline in parentheses.
    Pipeline(Box<Pipeline>),
    Binary {
        op: SpansetOp,
        left: Box<Spansets>,
        right: Box<Spansets>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpansetOp {
    /// Both sides, if neither is empty.
    And,
    /// Both sides, if either is not empty.
    Or,
    Structural {
        relation: Relation,
        mode: Mode,
    },
}

/// How spans of the right side stand to those of the left side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// `>`: direct children.
    Child,
    /// `<`: direct parents.
    Parent,
    /// `>>`: below, however far.
    Descendant,
    /// `<<`: above, however far.
    Ancestor,
    /// `~`: of the same parent, and another span.
    Sibling,
}

/// Which spans a structural operator gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Those of the right side that stand in the relation to one of the left side.
    Holds,
    /// `!>`: those of the right side that stand in it to none.
    HoldsForNone,
    /// `&>`: those of either side that take part.
    Union,
}

/// `count() > 2`, `max(duration) < avg(duration) * 3`: at least one aggregate is among the operands.
#[derive(Debug, Clone, PartialEq)]
pub struct ScalarFilter {
    /// A comparison.
    pub op: BinaryOp,
    pub left: Scalar,
    pub right: Scalar,
}

/// A number of a spanset.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    Static(Static),
    Aggregate(Aggregate),
    Binary {
        /// `+ - * / % ^`
        op: BinaryOp,
        left: Box<Scalar>,
        right: Box<Scalar>,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub enum Aggregate {
    Count,
    Max(Expr),
    Min(Expr),
    Avg(Expr),
    Sum(Expr),
}

/// Metrics queries, and arithmetic and second stages over their series.
#[derive(Debug, Clone, PartialEq)]
pub enum MetricsExpr {
    Query(MetricsQuery),
    /// An operand of arithmetic; never the whole query.
    Number(f64),
    Binary {
        /// `+ - * /`
        op: BinaryOp,
        left: Box<MetricsExpr>,
        right: Box<MetricsExpr>,
    },
    Then {
        of: Box<MetricsExpr>,
        stage: SecondStage,
    },
}

/// Spans, counted or measured per interval.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricsQuery {
    pub pipeline: Pipeline,
    pub function: Function,
    /// Empty for [`Function::Compare`].
    pub by: Vec<Field>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Function {
    Rate,
    CountOverTime,
    MinOverTime(Field),
    MaxOverTime(Field),
    AvgOverTime(Field),
    SumOverTime(Field),
    /// Quantiles between 0 and 1, at least one.
    QuantileOverTime(Field, Vec<f64>),
    HistogramOverTime(Field),
    Compare(Compare),
}

/// `compare({ … }, top, start, end)`
#[derive(Debug, Clone, PartialEq)]
pub struct Compare {
    pub selection: Filter,
    /// How many values of an attribute are shown, 1 to 1000; 10 if not said.
    pub top: u32,
    /// Spans of the selection start in `(start, end]`, in nanoseconds since the Unix epoch.
    pub window: Option<(u64, u64)>,
}

/// What happens to finished series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SecondStage {
    /// Per point in time, the largest.
    TopK(u32),
    /// Per point in time, the smallest.
    BottomK(u32),
    /// Keeps samples for which the comparison holds.
    Compare { op: BinaryOp, value: f64 },
}

impl Query {
    /// The literal of the first hint of this name.
    #[must_use]
    pub fn hint(&self, name: &str) -> Option<&Static> {
        let named = self.hints.iter().find(|hint| hint.name == name);
        named.map(|hint| &hint.value)
    }
}

impl MetricsExpr {
    /// Calls `visit` with every metrics query, from left to right.
    pub fn for_each_query<'a>(&'a self, visit: &mut impl FnMut(&'a MetricsQuery)) {
        match self {
            Self::Query(query) => visit(query),
            Self::Number(_) => {}
            Self::Binary { left, right, .. } => {
                left.for_each_query(visit);
                right.for_each_query(visit);
            }
            Self::Then { of, .. } => of.for_each_query(visit),
        }
    }
}

impl Pipeline {
    /// The pipeline of one filter alone.
    #[must_use]
    pub fn of(filter: Filter) -> Self {
        Self {
            stages: vec![Stage::Spansets(Spansets::Filter(filter))],
        }
    }
}
