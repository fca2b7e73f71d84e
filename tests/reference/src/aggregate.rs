//! Numbers of a spanset, and filters over them.

use std::cmp::Ordering;

use takt_traceql::{Aggregate, Expr, Scalar, ScalarFilter};

use crate::Trace;
use crate::expr::first_value;
use crate::search::Set;
use crate::value::{Value, arithmetic, compare, order};

/// The set with its numbers, if the filter holds for it. A number that the set does not have holds for
/// nothing.
pub(crate) fn keep(trace: &Trace<'_>, filter: &ScalarFilter, mut set: Set) -> Option<Set> {
    let mut numbers = Vec::new();
    let left = scalar(trace, &filter.left, &set.spans, &mut numbers)?;
    let right = scalar(trace, &filter.right, &set.spans, &mut numbers)?;
    for (key, value) in numbers {
        set.attributes.retain(|(known, _)| *known != key);
        set.attributes.push((key, Some(value)));
    }
    compare(filter.op, &left, &right).then_some(set)
}

fn scalar(
    trace: &Trace<'_>,
    scalar_of: &Scalar,
    spans: &[usize],
    numbers: &mut Vec<(String, Value)>,
) -> Option<Value> {
    match scalar_of {
        Scalar::Static(literal) => Value::of_literal(literal),
        Scalar::Aggregate(aggregate) => {
            let value = number(trace, aggregate, spans)?;
            numbers.push((name(aggregate), value.clone()));
            Some(value)
        }
        Scalar::Binary { op, left, right } => {
            let left = scalar(trace, left, spans, numbers)?;
            let right = scalar(trace, right, spans, numbers)?;
            arithmetic(*op, &left, &right)
        }
    }
}

fn name(aggregate: &Aggregate) -> String {
    match aggregate {
        Aggregate::Count => "count()".to_owned(),
        Aggregate::Max(of) => format!("max({of})"),
        Aggregate::Min(of) => format!("min({of})"),
        Aggregate::Avg(of) => format!("avg({of})"),
        Aggregate::Sum(of) => format!("sum({of})"),
    }
}

fn number(trace: &Trace<'_>, aggregate: &Aggregate, spans: &[usize]) -> Option<Value> {
    let all = |of: &Expr| numbers(trace, of, spans);
    match aggregate {
        Aggregate::Count => Some(Value::Int(i64::try_from(spans.len()).ok()?)),
        Aggregate::Max(of) => all(of)
            .into_iter()
            .reduce(|best, one| match order(&one, &best) {
                Some(Ordering::Greater) => one,
                Some(Ordering::Equal) => earlier_type(best, one),
                _ => best,
            }),
        Aggregate::Min(of) => all(of)
            .into_iter()
            .reduce(|best, one| match order(&one, &best) {
                Some(Ordering::Less) => one,
                Some(Ordering::Equal) => earlier_type(best, one),
                _ => best,
            }),
        Aggregate::Sum(of) => sum(&all(of)),
        Aggregate::Avg(of) => avg(&all(of)),
    }
}

/// The first value of each span, as far as it is a number.
fn numbers(trace: &Trace<'_>, of: &Expr, spans: &[usize]) -> Vec<Value> {
    let values = spans.iter().filter_map(|at| first_value(trace, *at, of));
    values
        .filter(Value::is_number)
        .filter(|value| !matches!(value, Value::Float(number) if number.is_nan()))
        .collect()
}

/// Of equal numbers the int, then the duration, then the float.
fn earlier_type(a: Value, b: Value) -> Value {
    let rank = |value: &Value| match value {
        Value::Int(_) => 0,
        Value::Duration(_) => 1,
        _ => 2,
    };
    if rank(&b) < rank(&a) { b } else { a }
}

fn sum(values: &[Value]) -> Option<Value> {
    if values.is_empty() {
        return None;
    }
    if let Some(numbers) = ints(values) {
        return Some(Value::Int(wrapping_sum(&numbers)));
    }
    if let Some(nanos) = durations(values) {
        return Some(Value::Duration(wrapping_sum(&nanos)));
    }
    Some(Value::Float(
        values.iter().filter_map(Value::as_float).sum(),
    ))
}

#[expect(clippy::cast_precision_loss, reason = "a mean of so many is rounded")]
fn avg(values: &[Value]) -> Option<Value> {
    match sum(values)? {
        Value::Duration(nanos) => Some(Value::Duration(nanos / i64::try_from(values.len()).ok()?)),
        total => Some(Value::Float(total.as_float()? / values.len() as f64)),
    }
}

fn wrapping_sum(numbers: &[i64]) -> i64 {
    numbers
        .iter()
        .fold(0, |sum, number| sum.wrapping_add(*number))
}

fn ints(values: &[Value]) -> Option<Vec<i64>> {
    let int = |value: &Value| match value {
        Value::Int(number) => Some(*number),
        _ => None,
    };
    values.iter().map(int).collect()
}

fn durations(values: &[Value]) -> Option<Vec<i64>> {
    let duration = |value: &Value| match value {
        Value::Duration(nanos) => Some(*nanos),
        _ => None,
    };
    values.iter().map(duration).collect()
}
