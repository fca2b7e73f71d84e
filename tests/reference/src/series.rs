//! What happens to finished series: second stages and arithmetic.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use takt_traceql::{BinaryOp, SecondStage};

use crate::value::Value;

pub type Labels = Vec<(String, Option<Value>)>;

#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    pub labels: Labels,
    /// By stamp; an interval without a sample is not there.
    pub samples: BTreeMap<u64, f64>,
}

/// By [`Series::key`].
pub(crate) type AllSeries = BTreeMap<String, Series>;

pub(crate) enum Operand {
    Number(f64),
    Series(AllSeries),
}

impl Series {
    /// What two series of one answer must differ in.
    #[must_use]
    pub fn key(&self) -> String {
        key_of(self.labels.iter())
    }

    fn name(&self) -> Option<String> {
        match self.labels.iter().find(|(label, _)| label == "__name__") {
            Some((_, Some(Value::Text(name)))) => Some(name.clone()),
            _ => None,
        }
    }

    /// What arithmetic joins by.
    fn key_without_name(&self) -> String {
        key_of(self.labels.iter().filter(|(label, _)| label != "__name__"))
    }
}

fn key_of<'l>(labels: impl Iterator<Item = &'l (String, Option<Value>)>) -> String {
    let mut texts: Vec<String> = labels
        .map(|(label, value)| {
            let value = value.as_ref().map_or_else(|| "nil".to_owned(), Value::key);
            format!("{label}={value}")
        })
        .collect();
    texts.sort();
    texts.join(", ")
}

pub(crate) fn then(stage: SecondStage, all: AllSeries) -> AllSeries {
    match stage {
        SecondStage::TopK(most) => best(&all, most, |(a, x), (b, y)| {
            y.total_cmp(&x).then_with(|| earlier(a, b))
        }),
        SecondStage::BottomK(most) => best(&all, most, |(a, x), (b, y)| {
            x.total_cmp(&y).then_with(|| earlier(b, a))
        }),
        SecondStage::Compare { op, value } => {
            let holds = |sample: f64| match op {
                BinaryOp::Eq => sample == value,
                BinaryOp::Ne => sample != value,
                BinaryOp::Lt => sample < value,
                BinaryOp::Le => sample <= value,
                BinaryOp::Gt => sample > value,
                _ => sample >= value,
            };
            let mut all = all;
            for series in all.values_mut() {
                series.samples.retain(|_, sample| holds(*sample));
            }
            all.retain(|_, series| !series.samples.is_empty());
            all
        }
    }
}

/// Per stamp, the first `most` series in this order.
fn best(
    all: &AllSeries,
    most: u32,
    order: impl Fn((&Series, f64), (&Series, f64)) -> Ordering,
) -> AllSeries {
    let mut stamps: Vec<u64> = all
        .values()
        .flat_map(|s| s.samples.keys().copied())
        .collect();
    stamps.sort_unstable();
    stamps.dedup();
    let mut chosen = AllSeries::new();
    for stamp in stamps {
        let mut here: Vec<(&Series, f64)> = all
            .values()
            .filter_map(|series| Some((series, *series.samples.get(&stamp)?)))
            .collect();
        here.sort_by(|a, b| order(*a, *b));
        for (series, sample) in here.into_iter().take(most as usize) {
            let into = chosen.entry(series.key()).or_insert_with(|| Series {
                labels: series.labels.clone(),
                samples: BTreeMap::new(),
            });
            into.samples.insert(stamp, sample);
        }
    }
    chosen
}

/// Which of two series with equal samples comes first: by the texts of their labels' values, of which no
/// value has an empty one; then a value before none.
fn earlier(a: &Series, b: &Series) -> Ordering {
    let texts = |series: &Series| {
        let values = series.labels.iter();
        let (gaps, texts): (Vec<bool>, Vec<String>) = values
            .map(|(_, value)| {
                let text = value.as_ref().map_or_else(String::new, text);
                (value.is_none(), text)
            })
            .unzip();
        (texts, gaps)
    };
    texts(a).cmp(&texts(b)).then_with(|| a.key().cmp(&b.key()))
}

pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        other => other.key(),
    }
}

/// Arithmetic between answers: series with the same labels (but for their names) meet; a series
/// without labels meets every one.
pub(crate) fn through(op: BinaryOp, left: Operand, right: Operand) -> Operand {
    match (left, right) {
        (Operand::Number(left), Operand::Number(right)) => {
            Operand::Number(calculate(op, left, right).unwrap_or(f64::NAN))
        }
        (Operand::Series(all), Operand::Number(right)) => {
            Operand::Series(each(all, |left| calculate(op, left, right)))
        }
        (Operand::Number(left), Operand::Series(all)) => {
            Operand::Series(each(all, |right| calculate(op, left, right)))
        }
        (Operand::Series(left), Operand::Series(right)) => {
            let mut joined = AllSeries::new();
            let keyed = |all: &AllSeries| -> Vec<(String, Series)> {
                let keyed = all
                    .values()
                    .map(|series| (series.key_without_name(), series.clone()));
                keyed.collect()
            };
            let (left, right) = (keyed(&left), keyed(&right));
            for (l, left) in &left {
                for (r, right) in &right {
                    if l == r || l.is_empty() || r.is_empty() {
                        let series = join(op, left, right);
                        joined.insert(series.key(), series);
                    }
                }
            }
            Operand::Series(joined)
        }
    }
}

fn each(mut all: AllSeries, change: impl Fn(f64) -> Option<f64>) -> AllSeries {
    for series in all.values_mut() {
        let samples = series.samples.iter();
        series.samples = samples
            .filter_map(|(stamp, sample)| Some((*stamp, change(*sample)?)))
            .collect();
    }
    all
}

fn join(op: BinaryOp, left: &Series, right: &Series) -> Series {
    let mut labels: Labels = Vec::new();
    if let (Some(left), Some(right)) = (left.name(), right.name()) {
        let name = format!("({left} {} {right})", op.symbol());
        labels.push(("__name__".to_owned(), Some(Value::Text(name))));
    }
    for (label, value) in left.labels.iter().chain(&right.labels) {
        if label != "__name__" && labels.iter().all(|(known, _)| known != label) {
            labels.push((label.clone(), value.clone()));
        }
    }
    let both = left.samples.iter().filter_map(|(stamp, left)| {
        let right = right.samples.get(stamp)?;
        Some((*stamp, calculate(op, *left, *right)?))
    });
    Series {
        labels,
        samples: both.collect(),
    }
}

/// Nothing where the result is not a number, as with a division by zero.
fn calculate(op: BinaryOp, left: f64, right: f64) -> Option<f64> {
    let result = match op {
        BinaryOp::Add => left + right,
        BinaryOp::Sub => left - right,
        BinaryOp::Mul => left * right,
        BinaryOp::Div if right == 0.0 => return None,
        _ => left / right,
    };
    (!result.is_nan()).then_some(result)
}
