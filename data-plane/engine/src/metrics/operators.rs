//! What happens to finished series: arithmetic, `topk` and `bottomk`, comparisons.

use std::cmp::Ordering;

use takt_trace::Value;
use takt_traceql::{BinaryOp, SecondStage};

use super::partial::order_of_values;
use super::series::{NAME, Series, by_labels, text};

/// An operand of arithmetic.
pub(super) enum Operand {
    Series(Vec<Series>),
    Number(f64),
}

/// One second stage.
pub(super) fn stage(series: Vec<Series>, stage: SecondStage) -> Vec<Series> {
    match stage {
        SecondStage::TopK(most) => first(series, most as usize, &|a, b| b.total_cmp(&a), true),
        SecondStage::BottomK(most) => first(series, most as usize, &|a, b| a.total_cmp(&b), false),
        SecondStage::Compare { op, value } => compare(series, op, value),
    }
}

/// Of each step the first `most` samples in `order`. Where samples are equal, topk takes the series
/// that is first by its texts, and bottomk the last one, as Tempo does.
fn first(
    mut series: Vec<Series>,
    most: usize,
    order: &dyn Fn(f64, f64) -> Ordering,
    front: bool,
) -> Vec<Series> {
    if series.len() <= most {
        return series;
    }
    let mut in_order: Vec<usize> = (0..series.len()).collect();
    in_order.sort_by(|a, b| {
        let order = by_text(&series[*a], &series[*b]);
        if front { order } else { order.reverse() }
    });
    let steps = series.iter().map(|series| series.samples.len()).max();
    for step in 0..steps.unwrap_or_default() {
        let sample = |at: usize| series[at].samples[step];
        let mut ranked: Vec<usize> = in_order
            .iter()
            .copied()
            .filter(|at| !sample(*at).is_nan())
            .collect();
        // Stable, so the order by text decides among equals. -0 is equal to 0.
        ranked.sort_by(|a, b| order(sample(*a) + 0.0, sample(*b) + 0.0));
        for at in ranked.into_iter().skip(most) {
            series[at].samples[step] = f64::NAN;
        }
    }
    series.retain(Series::has_samples);
    series
}

/// By the texts of values in the order of the labels, where no value has an empty one; then a value
/// before none; then by keys and types.
fn by_text(a: &Series, b: &Series) -> Ordering {
    let texts = |series: &Series| -> Vec<String> {
        let values = series.labels.iter().map(|(_, value)| value.as_ref());
        values
            .map(|value| value.map_or_else(String::new, |value| text(Some(value))))
            .collect()
    };
    let gaps = |series: &Series| -> Vec<bool> {
        let values = series.labels.iter();
        values.map(|(_, value)| value.is_none()).collect()
    };
    let by_texts = texts(a).cmp(&texts(b));
    let by_gaps = by_texts.then_with(|| gaps(a).cmp(&gaps(b)));
    by_gaps.then_with(|| {
        let sorted = |series: &Series| {
            let mut labels = series.labels.clone();
            labels.sort_by(|a, b| a.0.cmp(&b.0));
            labels
        };
        by_labels(&sorted(a), &sorted(b))
    })
}

fn compare(mut series: Vec<Series>, op: BinaryOp, value: f64) -> Vec<Series> {
    for series in &mut series {
        for sample in &mut series.samples {
            if !holds(op, *sample, value) {
                *sample = f64::NAN;
            }
        }
        series
            .exemplars
            .retain(|example| holds(op, example.value, value));
    }
    series.retain(Series::has_samples);
    series
}

#[expect(clippy::float_cmp, reason = "a query may ask for just this")]
fn holds(op: BinaryOp, sample: f64, value: f64) -> bool {
    match op {
        BinaryOp::Eq => sample == value,
        BinaryOp::Ne => !sample.is_nan() && sample != value,
        BinaryOp::Lt => sample < value,
        BinaryOp::Le => sample <= value,
        BinaryOp::Gt => sample > value,
        BinaryOp::Ge => sample >= value,
        BinaryOp::Add
        | BinaryOp::Sub
        | BinaryOp::Mul
        | BinaryOp::Div
        | BinaryOp::Mod
        | BinaryOp::Pow
        | BinaryOp::And
        | BinaryOp::Or => false,
    }
}

/// `left op right`: series of the same labels, sample by sample.
pub(super) fn binary(op: BinaryOp, left: Operand, right: Operand) -> Operand {
    match (left, right) {
        (Operand::Number(left), Operand::Number(right)) => Operand::Number(apply(op, left, right)),
        (Operand::Series(series), Operand::Number(right)) => {
            Operand::Series(map(series, |left| apply(op, left, right)))
        }
        (Operand::Number(left), Operand::Series(series)) => {
            Operand::Series(map(series, |right| apply(op, left, right)))
        }
        (Operand::Series(left), Operand::Series(right)) => Operand::Series(join(op, &left, &right)),
    }
}

fn map(mut series: Vec<Series>, change: impl Fn(f64) -> f64) -> Vec<Series> {
    for series in &mut series {
        for sample in &mut series.samples {
            *sample = change(*sample);
        }
        for example in &mut series.exemplars {
            example.value = change(example.value);
        }
    }
    series
}

/// Series meet those of the same labels, whatever their names. One without labels meets all of the
/// other side.
fn join(op: BinaryOp, left: &[Series], right: &[Series]) -> Vec<Series> {
    let alone = |side: &[Series]| {
        side.iter()
            .position(|series| series.identity().next().is_none())
    };
    let (left_alone, right_alone) = (alone(left), alone(right));
    let partner = |side: &[Series], alone: Option<usize>, of: &Series| {
        let same = side.iter().position(|series| same_labels(series, of));
        same.map(|at| (at, false))
            .or_else(|| alone.map(|at| (at, true)))
    };
    // A side with a series without labels gives way to the labels of the other side.
    let lead = if right_alone.is_some() { left } else { right };
    lead.iter()
        .filter_map(|series| {
            let (left_at, left_alone) = partner(left, left_alone, series)?;
            let (right_at, right_alone) = partner(right, right_alone, series)?;
            let (left, right) = (&left[left_at], &right[right_at]);
            let samples = left.samples.iter().zip(&right.samples);
            let mut exemplars = Vec::new();
            // Examples of a side that meets many series belong to none of them.
            if !left_alone || right_alone {
                exemplars.extend(left.exemplars.iter().cloned());
            }
            if !right_alone || left_alone {
                exemplars.extend(right.exemplars.iter().cloned());
            }
            exemplars.sort_by_key(|example| example.time);
            Some(Series {
                labels: joined_labels(op, left, right),
                samples: samples
                    .map(|(left, right)| apply(op, *left, *right))
                    .collect(),
                exemplars,
            })
        })
        .collect()
}

/// In whatever order their queries name them.
fn same_labels(a: &Series, b: &Series) -> bool {
    let equal = |a: &(String, Option<Value>), b: &(String, Option<Value>)| {
        a.0 == b.0 && order_of_values(a.1.as_ref(), b.1.as_ref()).is_eq()
    };
    a.identity().count() == b.identity().count()
        && a.identity().all(|a| b.identity().any(|b| equal(a, b)))
}

fn joined_labels(op: BinaryOp, left: &Series, right: &Series) -> Vec<(String, Option<Value>)> {
    let mut labels = Vec::new();
    if let (Some(left), Some(right)) = (left.name(), right.name()) {
        let name = format!("({left} {} {right})", op.symbol());
        labels.push((NAME.to_owned(), Some(Value::String(name))));
    }
    for label in left.identity().chain(right.identity()) {
        if !labels.iter().any(|(key, _)| *key == label.0) {
            labels.push(label.clone());
        }
    }
    labels
}

/// What is divided by nothing is no number.
fn apply(op: BinaryOp, left: f64, right: f64) -> f64 {
    match op {
        BinaryOp::Add => left + right,
        BinaryOp::Sub => left - right,
        BinaryOp::Mul => left * right,
        BinaryOp::Div if right != 0.0 => left / right,
        BinaryOp::Div
        | BinaryOp::Mod
        | BinaryOp::Pow
        | BinaryOp::Eq
        | BinaryOp::Ne
        | BinaryOp::Lt
        | BinaryOp::Le
        | BinaryOp::Gt
        | BinaryOp::Ge
        | BinaryOp::And
        | BinaryOp::Or => f64::NAN,
    }
}
