//! What a metrics query answers.

use std::cmp::Ordering;

use takt_trace::Value;

use super::partial::order_of_values;

/// Samples over time with labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// In the order of the query; a label without a value stands where no span had any.
    pub labels: Vec<(String, Option<Value>)>,
    /// One for each step of the interval; not a number where there is no sample.
    pub samples: Vec<f64>,
    /// By time.
    pub exemplars: Vec<Exemplar>,
}

/// A span as an example of a sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar {
    /// `trace:id`, and what the query touched.
    pub labels: Vec<(String, Value)>,
    pub value: f64,
    /// When the span starts, in nanoseconds since the Unix epoch.
    pub time: u64,
}

/// The label of series that have no others.
pub(super) const NAME: &str = "__name__";

impl Series {
    pub(super) fn has_samples(&self) -> bool {
        self.samples.iter().any(|sample| !sample.is_nan())
    }

    pub(super) fn name(&self) -> Option<&str> {
        self.labels.iter().find_map(|label| match label {
            (key, Some(Value::String(name))) if key == NAME => Some(name.as_str()),
            _ => None,
        })
    }

    /// The labels that tell series apart.
    pub(super) fn identity(&self) -> impl Iterator<Item = &(String, Option<Value>)> {
        self.labels.iter().filter(|(key, _)| key != NAME)
    }
}

/// The order of an answer: few labels first, then by key and the text of the value.
pub(super) fn sort(series: &mut [Series]) {
    series.sort_by(|a, b| {
        let by_count = a.labels.len().cmp(&b.labels.len());
        by_count.then_with(|| by_labels(&a.labels, &b.labels))
    });
}

/// Label by label: key, text of the value, type.
pub(super) fn by_labels(a: &[(String, Option<Value>)], b: &[(String, Option<Value>)]) -> Ordering {
    a.iter()
        .zip(b)
        .map(|(a, b)| {
            let by_key = a.0.cmp(&b.0);
            by_key
                .then_with(|| text(a.1.as_ref()).cmp(&text(b.1.as_ref())))
                .then_with(|| order_of_values(a.1.as_ref(), b.1.as_ref()))
        })
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// A value as Tempo prints it to sort by.
pub(super) fn text(value: Option<&Value>) -> String {
    match value {
        None => "nil".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Int(number)) => number.to_string(),
        Some(Value::Float(number)) => number.to_string(),
        Some(Value::Bool(flag)) => flag.to_string(),
        Some(Value::Other(bytes)) => format!("other {bytes:?}"),
    }
}
