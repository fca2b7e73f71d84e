//! Numbers of a spanset, and filters over them.

use std::cmp::Ordering;

use takt_traceql::{Aggregate, Expr, Filter, Scalar, ScalarFilter};

use crate::Trace;
use crate::expr::values;
use crate::search::{Set, in_question};
use crate::value::{Value, arithmetic, compare, order};

/// The set with its numbers, if the filter holds for it. A number that the set does not have holds for
/// nothing.
pub(crate) fn keep(
    trace: &Trace<'_>,
    filter: &ScalarFilter,
    mut set: Set,
    first: Option<&Filter>,
) -> Option<Set> {
    let numbers_of = |of: &Expr| -> Vec<Value> {
        // The first value of each span that is a number.
        let number = |at: &usize| {
            let only = in_question(trace, *at, first);
            values(trace, *at, of, only)
                .into_iter()
                .find(Value::is_number)
        };
        set.spans.iter().filter_map(number).collect()
    };
    let count = i64::try_from(set.spans.len()).ok()?;
    let mut known = Vec::new();
    let mut number = |aggregate: &Aggregate| {
        let value = match aggregate {
            Aggregate::Count => Value::Int(count),
            Aggregate::Max(of) => best(numbers_of(of), Ordering::Greater)?,
            Aggregate::Min(of) => best(numbers_of(of), Ordering::Less)?,
            Aggregate::Avg(of) => avg(&numbers_of(of))?,
            Aggregate::Sum(of) => sum(&numbers_of(of))?,
        };
        known.push((name(aggregate), value.clone()));
        Some(value)
    };
    let left = scalar(&filter.left, &mut number)?;
    let right = scalar(&filter.right, &mut number)?;
    for (key, value) in known {
        set.attributes.retain(|(known, _)| *known != key);
        set.attributes.push((key, Some(value)));
    }
    compare(filter.op, &left, &right).then_some(set)
}

fn scalar(of: &Scalar, number: &mut impl FnMut(&Aggregate) -> Option<Value>) -> Option<Value> {
    match of {
        Scalar::Static(literal) => Value::of_literal(literal),
        Scalar::Aggregate(aggregate) => number(aggregate),
        Scalar::Binary { op, left, right } => {
            arithmetic(*op, &scalar(left, number)?, &scalar(right, number)?)
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

/// The largest number, or the smallest.
fn best(numbers: Vec<Value>, wanted: Ordering) -> Option<Value> {
    numbers
        .into_iter()
        .reduce(|best, one| match order(&one, &best) {
            Some(Ordering::Equal) => earlier_type(best, one),
            order if order == Some(wanted) => one,
            _ => best,
        })
}

/// Of equal numbers the int, then the duration, then the float; of zeros the positive one.
fn earlier_type(a: Value, b: Value) -> Value {
    let rank = |value: &Value| match value {
        Value::Int(_) => 0,
        Value::Duration(_) => 1,
        Value::Float(number) if number.is_sign_negative() => 3,
        _ => 2,
    };
    if rank(&b) < rank(&a) { b } else { a }
}

/// With a float among them a float, unless infinities cancel; else with a duration among them a duration.
#[expect(clippy::cast_precision_loss, reason = "floats are added to floats")]
fn sum(values: &[Value]) -> Option<Value> {
    let (mut whole, mut reals) = (0i64, Vec::new());
    let mut durations = false;
    for value in values {
        match value {
            Value::Int(number) => whole = whole.wrapping_add(*number),
            Value::Duration(nanos) => {
                whole = whole.wrapping_add(*nanos);
                durations = true;
            }
            Value::Float(number) => reals.push(*number),
            _ => {}
        }
    }
    // The largest first, so that those of both signs cancel before small ones are lost in them.
    reals.sort_by(|a, b| b.abs().total_cmp(&a.abs()));
    let real: f64 = reals.iter().sum();
    match (values.is_empty(), !reals.is_empty(), durations) {
        (true, ..) => None,
        (_, true, _) => Some(Value::Float(whole as f64 + real)).filter(Value::is_number),
        (.., true) => Some(Value::Duration(whole)),
        (.., false) => Some(Value::Int(whole)),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a mean of so many is rounded")]
fn avg(values: &[Value]) -> Option<Value> {
    match sum(values)? {
        Value::Duration(nanos) => Some(Value::Duration(nanos / i64::try_from(values.len()).ok()?)),
        total => Some(Value::Float(total.as_float()? / values.len() as f64)),
    }
}
