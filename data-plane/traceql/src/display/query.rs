//! The canonical text of a whole query.

use std::fmt::{Display, Formatter, Result, Write};

use crate::query::{
    Aggregate, Body, Compare, Function, Hint, MetricsExpr, MetricsQuery, Mode, Order, OrderKey,
    Pipeline, Query, Relation, Scalar, ScalarFilter, SecondStage, SpansetOp, Spansets, Stage,
};
use crate::tree::BinaryOp;

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match &self.body {
            Body::Search(pipeline) => write!(f, "{pipeline}")?,
            Body::Metrics(expr) => write!(f, "{expr}")?,
        }
        if let Some(order) = &self.order {
            write!(f, " | {order}")?;
        }
        if !self.hints.is_empty() {
            write!(f, " with({})", List(&self.hints))?;
        }
        Ok(())
    }
}

impl Display for Order {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let key = match self.key {
            OrderKey::Start => "start",
            OrderKey::Duration => "duration",
        };
        let direction = if self.ascending { "asc" } else { "desc" };
        write!(f, "order by {key} {direction}")
    }
}

impl Display for Hint {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}={}", self.name, self.value)
    }
}

impl Display for Pipeline {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for (i, stage) in self.stages.iter().enumerate() {
            let separator = if i == 0 { "" } else { " | " };
            f.write_str(separator)?;
            stage.fmt(f)?;
        }
        Ok(())
    }
}

impl Display for Stage {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Spansets(spansets) => spansets.fmt(f),
            Self::Scalar(filter) => write!(f, "{filter}"),
            Self::By(key) => write!(f, "by({key})"),
            Self::Coalesce => f.write_str("coalesce()"),
            Self::Select(fields) => write!(f, "select({})", List(fields)),
        }
    }
}

impl Display for Spansets {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Filter(filter) => write!(f, "{filter}"),
            Self::Without(filter) => write!(f, "!{filter}"),
            Self::Pipeline(pipeline) => operand(f, pipeline.as_ref(), true),
            Self::Binary { op, left, right } => {
                operand(f, left, !reads_on(left, *op))?;
                write!(f, " {} ", op.symbol())?;
                operand(f, right, matches!(**right, Self::Binary { .. }))
            }
        }
    }
}

/// Whether `left` needs no parentheses before `op`. `&&` and `||` side by side have them for the reader.
fn reads_on(left: &Spansets, op: SpansetOp) -> bool {
    match left {
        Spansets::Binary { op: inner, .. } => {
            let structural = |op| matches!(op, SpansetOp::Structural { .. });
            *inner == op || (structural(*inner) && structural(op))
        }
        Spansets::Filter(_) | Spansets::Without(_) | Spansets::Pipeline(_) => true,
    }
}

impl SpansetOp {
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        let (relation, mode) = match self {
            Self::And => return "&&",
            Self::Or => return "||",
            Self::Structural { relation, mode } => (relation, mode),
        };
        match (mode, relation) {
            (Mode::Holds, Relation::Child) => ">",
            (Mode::Holds, Relation::Parent) => "<",
            (Mode::Holds, Relation::Descendant) => ">>",
            (Mode::Holds, Relation::Ancestor) => "<<",
            (Mode::Holds, Relation::Sibling) => "~",
            (Mode::HoldsForNone, Relation::Child) => "!>",
            (Mode::HoldsForNone, Relation::Parent) => "!<",
            (Mode::HoldsForNone, Relation::Descendant) => "!>>",
            (Mode::HoldsForNone, Relation::Ancestor) => "!<<",
            (Mode::HoldsForNone, Relation::Sibling) => "!~",
            (Mode::Union, Relation::Child) => "&>",
            (Mode::Union, Relation::Parent) => "&<",
            (Mode::Union, Relation::Descendant) => "&>>",
            (Mode::Union, Relation::Ancestor) => "&<<",
            (Mode::Union, Relation::Sibling) => "&~",
        }
    }
}

impl Display for ScalarFilter {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        binary_of_scalars(f, self.op, &self.left, &self.right)
    }
}

impl Display for Scalar {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Static(literal) => write!(f, "{literal}"),
            Self::Aggregate(aggregate) => write!(f, "{aggregate}"),
            Self::Binary { op, left, right } => binary_of_scalars(f, *op, left, right),
        }
    }
}

fn binary_of_scalars(f: &mut Formatter<'_>, op: BinaryOp, left: &Scalar, right: &Scalar) -> Result {
    let compound = |inner: &BinaryOp| !bind_alike(*inner, op);
    operand(
        f,
        left,
        matches!(left, Scalar::Binary { op, .. } if compound(op)),
    )?;
    write!(f, " {} ", op.symbol())?;
    operand(f, right, matches!(right, Scalar::Binary { .. }))
}

impl Display for Aggregate {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Count => f.write_str("count()"),
            Self::Max(of) => write!(f, "max({of})"),
            Self::Min(of) => write!(f, "min({of})"),
            Self::Avg(of) => write!(f, "avg({of})"),
            Self::Sum(of) => write!(f, "sum({of})"),
        }
    }
}

impl Display for MetricsExpr {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Query(query) => write!(f, "{query}"),
            // Debug keeps the point or the exponent, so it stays a float.
            Self::Number(number) => write!(f, "{number:?}"),
            Self::Binary { op, left, right } => {
                let plain = match left.as_ref() {
                    Self::Number(_) => true,
                    Self::Binary { op: inner, .. } => bind_alike(*inner, *op),
                    Self::Query(_) | Self::Then { .. } => false,
                };
                operand(f, left, !plain)?;
                write!(f, " {} ", op.symbol())?;
                operand(f, right, !matches!(**right, Self::Number(_)))
            }
            Self::Then { of, stage } => {
                operand(f, of, matches!(**of, Self::Binary { .. }))?;
                match stage {
                    SecondStage::TopK(limit) => write!(f, " | topk({limit})"),
                    SecondStage::BottomK(limit) => write!(f, " | bottomk({limit})"),
                    SecondStage::Compare { op, value } => write!(f, " {} {value:?}", op.symbol()),
                }
            }
        }
    }
}

impl Display for MetricsQuery {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{} | {}", self.pipeline, self.function)?;
        if !self.by.is_empty() {
            write!(f, " by ({})", List(&self.by))?;
        }
        Ok(())
    }
}

impl Display for Function {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let name = self.name();
        match self {
            Self::Rate | Self::CountOverTime => write!(f, "{name}()"),
            Self::MinOverTime(field)
            | Self::MaxOverTime(field)
            | Self::AvgOverTime(field)
            | Self::SumOverTime(field)
            | Self::HistogramOverTime(field) => write!(f, "{name}({field})"),
            Self::QuantileOverTime(field, quantiles) => {
                write!(f, "{name}({field}")?;
                for quantile in quantiles {
                    write!(f, ", {quantile:?}")?;
                }
                f.write_str(")")
            }
            Self::Compare(Compare {
                selection,
                top,
                window,
            }) => {
                write!(f, "{name}({selection}, {top}")?;
                if let Some((start, end)) = window {
                    write!(f, ", {start}, {end}")?;
                }
                f.write_str(")")
            }
        }
    }
}

impl Function {
    /// The name, which is also that of an ungrouped series.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::CountOverTime => "count_over_time",
            Self::MinOverTime(_) => "min_over_time",
            Self::MaxOverTime(_) => "max_over_time",
            Self::AvgOverTime(_) => "avg_over_time",
            Self::SumOverTime(_) => "sum_over_time",
            Self::QuantileOverTime(..) => "quantile_over_time",
            Self::HistogramOverTime(_) => "histogram_over_time",
            Self::Compare(_) => "compare",
        }
    }
}

/// Whether a chain of the two operators is read from left to right.
fn bind_alike(inner: BinaryOp, outer: BinaryOp) -> bool {
    let sum = |op| matches!(op, BinaryOp::Add | BinaryOp::Sub);
    let product = |op| matches!(op, BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod);
    (sum(inner) && sum(outer)) || (product(inner) && product(outer))
}

fn operand(f: &mut Formatter<'_>, operand: &impl Display, parentheses: bool) -> Result {
    if parentheses {
        f.write_char('(')?;
        operand.fmt(f)?;
        f.write_char(')')
    } else {
        operand.fmt(f)
    }
}

struct List<'a, T>(&'a [T]);

impl<T: Display> Display for List<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for (i, item) in self.0.iter().enumerate() {
            let separator = if i == 0 { "" } else { ", " };
            write!(f, "{separator}{item}")?;
        }
        Ok(())
    }
}
