//! What one source of spans contributes to a metrics query, and how contributions add up.

use std::cmp::Ordering;

use takt_model::{SpanId, TraceId};
use takt_trace::Value;

use super::exemplar;
use super::sampling::Sampling;
use super::sum::Sum;

/// What some spans contribute to a metrics query: plain data, made by [`crate::accumulate()`].
///
/// Merging is associative and commutative, so any split of the spans gives the same whole (sums of
/// floats: to the last bits that [`Sum`] keeps). Every list is sorted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Partial {
    /// By key.
    pub groups: Vec<Group>,
    /// Whether there were more groups than allowed. Those with the smallest keys are kept, and are
    /// complete.
    pub groups_cut: bool,
    /// By slot, then rank.
    pub exemplars: Vec<Candidate>,
    pub sampling: Sampling,
    /// What merging must keep to, the same in all partials of a plan.
    pub bounds: Bounds,
}

/// How large a partial may become.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bounds {
    pub groups: usize,
    /// Within groups that share the first part of their key; only `compare()` bounds these.
    pub groups_per_head: Option<usize>,
    pub exemplars_per_slot: usize,
}

/// The numbers of the spans that agree in the values they are grouped by.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// One value for each field of `by`; `compare()` has the name of the field and its value.
    pub key: Vec<Option<Value>>,
    pub cells: Cells,
}

/// Numbers by place, ascending. Places without spans are left out.
///
/// A place is a step; with buckets it is `step * 64 + log2 bucket`; for `compare()` it is `step * 2`,
/// plus one for the selection.
#[derive(Debug, Clone, PartialEq)]
pub enum Cells {
    /// How many spans (or how much they weigh).
    Counts(Vec<(u32, f64)>),
    Least(Vec<(u32, f64)>),
    Greatest(Vec<(u32, f64)>),
    Means(Vec<(u32, Mean)>),
}

/// What an average or a sum is made of.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Mean {
    pub sum: Sum,
    pub weight: f64,
}

/// A span that may be shown as an example.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The part of the interval it is an example for.
    pub slot: u32,
    /// The lowest stay; the same for all spans of a trace.
    pub rank: u64,
    pub trace: TraceId,
    pub span: SpanId,
    /// When the span starts, in nanoseconds since the Unix epoch.
    pub time: u64,
    /// What was measured; `NaN` where spans are only counted.
    pub value: f64,
    pub key: Vec<Option<Value>>,
    pub labels: Vec<(String, Value)>,
}

impl Partial {
    /// Adds what other spans contribute.
    pub fn merge(&mut self, other: Self) {
        self.groups = merged(
            std::mem::take(&mut self.groups),
            other.groups,
            |a, b| order_of_keys(&a.key, &b.key),
            |a, b| a.cells.merge(b.cells),
        );
        self.groups_cut |= other.groups_cut;
        self.bounds = self.bounds.or(other.bounds);
        self.cut();
        self.exemplars.extend(other.exemplars);
        exemplar::keep_lowest(&mut self.exemplars, self.bounds.exemplars_per_slot);
        self.sampling.add(other.sampling);
    }

    /// Drops the groups beyond the bounds.
    pub(super) fn cut(&mut self) {
        if let Some(most) = self.bounds.groups_per_head {
            let mut seen = (None::<Value>, 0);
            let before = self.groups.len();
            self.groups.retain(|group| {
                let head = group.key.first().cloned().flatten();
                if order_of_values(seen.0.as_ref(), head.as_ref()).is_ne() {
                    seen = (head, 0);
                }
                seen.1 += 1;
                seen.1 <= most
            });
            self.groups_cut |= self.groups.len() < before;
        }
        if self.groups.len() > self.bounds.groups {
            self.groups.truncate(self.bounds.groups);
            self.groups_cut = true;
        }
    }

    /// Bytes held, near enough for a budget.
    #[must_use]
    pub fn memory(&self) -> usize {
        let groups: usize = self.groups.iter().map(Group::memory).sum();
        let exemplars: usize = self.exemplars.iter().map(Candidate::memory).sum();
        size_of::<Self>() + groups + exemplars
    }
}

impl Bounds {
    /// Those of the plan: an empty partial made by `default()` has none yet.
    fn or(self, other: Self) -> Self {
        if self == Self::default() { other } else { self }
    }
}

impl Group {
    fn memory(&self) -> usize {
        let cells = match &self.cells {
            Cells::Counts(cells) | Cells::Least(cells) | Cells::Greatest(cells) => {
                cells.capacity() * size_of::<(u32, f64)>()
            }
            Cells::Means(cells) => cells.capacity() * size_of::<(u32, Mean)>(),
        };
        size_of::<Self>() + cells + memory_of_key(&self.key)
    }
}

impl Candidate {
    fn memory(&self) -> usize {
        let labels: usize = self
            .labels
            .iter()
            .map(|(key, value)| size_of::<(String, Value)>() + key.len() + memory_of(value))
            .sum();
        size_of::<Self>() + memory_of_key(&self.key) + labels
    }
}

impl Cells {
    fn merge(&mut self, other: Self) {
        match (self, other) {
            (Self::Counts(mine), Self::Counts(theirs)) => add(mine, theirs, |a, b| *a += b),
            (Self::Least(mine), Self::Least(theirs)) => add(mine, theirs, |a, b| *a = a.min(b)),
            (Self::Greatest(mine), Self::Greatest(theirs)) => {
                add(mine, theirs, |a, b| *a = a.max(b));
            }
            (Self::Means(mine), Self::Means(theirs)) => add(mine, theirs, |a, b| a.add(b)),
            (mine, theirs) => debug_assert!(
                std::mem::discriminant(mine) == std::mem::discriminant(&theirs),
                "partials of one plan have the same kind of cells"
            ),
        }
    }
}

impl Mean {
    pub(super) fn add(&mut self, other: Self) {
        self.sum.add_sum(other.sum);
        self.weight += other.weight;
    }
}

fn add<T: Copy>(
    mine: &mut Vec<(u32, T)>,
    theirs: Vec<(u32, T)>,
    mut combine: impl FnMut(&mut T, T),
) {
    *mine = merged(
        std::mem::take(mine),
        theirs,
        |a, b| a.0.cmp(&b.0),
        |a, b| combine(&mut a.1, b.1),
    );
}

/// Two sorted lists as one, with equal elements combined.
fn merged<T>(
    left: Vec<T>,
    right: Vec<T>,
    order: impl Fn(&T, &T) -> Ordering,
    mut combine: impl FnMut(&mut T, T),
) -> Vec<T> {
    if left.is_empty() {
        return right;
    }
    let mut result = Vec::with_capacity(left.len().max(right.len()));
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        match order(a, b) {
            Ordering::Less => result.extend(left.next()),
            Ordering::Greater => result.extend(right.next()),
            Ordering::Equal => {
                result.extend(left.next());
                if let (Some(last), Some(other)) = (result.last_mut(), right.next()) {
                    combine(last, other);
                }
            }
        }
    }
    result.extend(left);
    result.extend(right);
    result
}

/// A total order of keys, the same on every machine.
pub(super) fn order_of_keys(a: &[Option<Value>], b: &[Option<Value>]) -> Ordering {
    a.iter()
        .zip(b)
        .map(|(a, b)| order_of_values(a.as_ref(), b.as_ref()))
        .find(|order| order.is_ne())
        .unwrap_or_else(|| a.len().cmp(&b.len()))
}

/// No value first, then by type, then by value; floats by their total order.
pub(super) fn order_of_values(a: Option<&Value>, b: Option<&Value>) -> Ordering {
    match (a, b) {
        (Some(Value::String(a)), Some(Value::String(b))) => a.cmp(b),
        (Some(Value::Int(a)), Some(Value::Int(b))) => a.cmp(b),
        (Some(Value::Float(a)), Some(Value::Float(b))) => a.total_cmp(b),
        (Some(Value::Bool(a)), Some(Value::Bool(b))) => a.cmp(b),
        (Some(Value::Other(a)), Some(Value::Other(b))) => a.cmp(b),
        _ => rank(a).cmp(&rank(b)),
    }
}

fn rank(value: Option<&Value>) -> u8 {
    match value {
        None => 0,
        Some(Value::Bool(_)) => 1,
        Some(Value::Float(_)) => 2,
        Some(Value::Int(_)) => 3,
        Some(Value::Other(_)) => 4,
        Some(Value::String(_)) => 5,
    }
}

fn memory_of_key(key: &[Option<Value>]) -> usize {
    let values: usize = key.iter().flatten().map(memory_of).sum();
    size_of_val(key) + values
}

fn memory_of(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Other(bytes) => bytes.len(),
        Value::Int(_) | Value::Float(_) | Value::Bool(_) => 0,
    }
}
