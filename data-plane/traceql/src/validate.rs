//! What the grammar allows and the language does not.

use crate::error::ParseError;
use crate::query::{
    Aggregate, Body, Compare, Function, MetricsExpr, MetricsQuery, Pipeline, Query, Scalar,
    SecondStage, Spansets, Stage,
};
use crate::tree::Expr;

mod types;

pub(crate) use types::condition;

/// How many fields a metrics function groups by at most; where it adds a label of its own, one less.
const MAX_GROUPS: usize = 5;
/// How many values of an attribute `compare()` shows at most.
const MAX_TOP: u32 = 1_000;

type Verdict = Result<(), ParseError>;

pub(crate) fn query(query: &Query) -> Verdict {
    match &query.body {
        Body::Search(search) => pipeline(search),
        Body::Metrics(expr) => {
            metrics(expr)?;
            if compares(expr) && !matches!(expr, MetricsExpr::Query(_)) {
                return invalid("`compare()` cannot be used with second stage functions");
            }
            Ok(())
        }
    }
}

fn pipeline(pipeline: &Pipeline) -> Verdict {
    pipeline.stages.iter().try_for_each(|stage| match stage {
        Stage::Spansets(operand) => spansets(operand),
        Stage::Scalar(filter) => {
            scalar(&filter.left)?;
            scalar(&filter.right)
        }
        Stage::By(key) => {
            types::type_of(key)?;
            if names_a_field(key) {
                return Ok(());
            }
            invalid(format!(
                "grouping field expressions must reference the span: by({key})"
            ))
        }
        Stage::Coalesce | Stage::Select(_) => Ok(()),
    })
}

fn spansets(operand: &Spansets) -> Verdict {
    match operand {
        Spansets::Filter(filter) | Spansets::Without(filter) => types::filter(filter),
        Spansets::Pipeline(inner) => pipeline(inner),
        Spansets::Binary { left, right, .. } => {
            spansets(left)?;
            spansets(right)
        }
    }
}

fn scalar(operand: &Scalar) -> Verdict {
    match operand {
        Scalar::Static(_) | Scalar::Aggregate(Aggregate::Count) => Ok(()),
        Scalar::Aggregate(
            aggregate @ (Aggregate::Max(expr)
            | Aggregate::Min(expr)
            | Aggregate::Avg(expr)
            | Aggregate::Sum(expr)),
        ) => {
            let of = types::type_of(expr)?;
            if !of.is_numeric() && of != types::Type::Any {
                return invalid(format!(
                    "aggregate field expressions must resolve to a number type: {aggregate}"
                ));
            }
            if !names_a_field(expr) {
                return invalid(format!(
                    "aggregate field expressions must reference the span: {aggregate}"
                ));
            }
            Ok(())
        }
        Scalar::Binary { left, right, .. } => {
            scalar(left)?;
            scalar(right)
        }
    }
}

fn metrics(expr: &MetricsExpr) -> Verdict {
    match expr {
        MetricsExpr::Number(_) => Ok(()),
        MetricsExpr::Query(query) => metrics_query(query),
        MetricsExpr::Binary { left, right, .. } => {
            metrics(left)?;
            metrics(right)
        }
        MetricsExpr::Then { of, stage } => {
            metrics(of)?;
            match stage {
                SecondStage::TopK(0) | SecondStage::BottomK(0) => {
                    invalid("limit must be greater than 0")
                }
                SecondStage::TopK(_) | SecondStage::BottomK(_) | SecondStage::Compare { .. } => {
                    Ok(())
                }
            }
        }
    }
}

fn metrics_query(query: &MetricsQuery) -> Verdict {
    pipeline(&query.pipeline)?;
    let most = match &query.function {
        Function::Rate
        | Function::CountOverTime
        | Function::MinOverTime(_)
        | Function::MaxOverTime(_)
        | Function::AvgOverTime(_)
        | Function::SumOverTime(_) => MAX_GROUPS,
        Function::HistogramOverTime(_) => MAX_GROUPS - 1,
        Function::QuantileOverTime(_, quantiles) => {
            if let Some(wrong) = quantiles.iter().find(|q| !(0.0..=1.0).contains(*q)) {
                return invalid(format!("quantile must be between 0 and 1: {wrong}"));
            }
            MAX_GROUPS - 1
        }
        Function::Compare(compare) => return comparison(compare),
    };
    if query.by.len() > most {
        return Err(ParseError::Unsupported(format!(
            "metrics group by {} values",
            query.by.len()
        )));
    }
    Ok(())
}

fn comparison(compare: &Compare) -> Verdict {
    types::filter(&compare.selection)?;
    if !(1..=MAX_TOP).contains(&compare.top) {
        return invalid(format!(
            "compare() top number of values must be an integer between 1 and {MAX_TOP}"
        ));
    }
    match compare.window {
        None => Ok(()),
        Some((0, _) | (_, 0)) => {
            invalid("compare() timestamps must be positive integer unix nanoseconds")
        }
        Some((start, end)) if end <= start => {
            invalid("compare() end timestamp must be greater than start timestamp")
        }
        Some(_) => Ok(()),
    }
}

fn compares(expr: &MetricsExpr) -> bool {
    let mut found = false;
    expr.for_each_query(&mut |query| found |= matches!(query.function, Function::Compare(_)));
    found
}

fn names_a_field(expr: &Expr) -> bool {
    let mut found = false;
    expr.for_each_field(&mut |_| found = true);
    found
}

fn invalid(text: impl Into<String>) -> Verdict {
    Err(ParseError::Invalid(text.into()))
}
