//! Span pruning: many like leaves of a trace become one summary span, in the manner and with the
//! attribute names of OpenTelemetry's `spanpruningprocessor`.
//!
//! Leaves are alike when their name, kind, status, trace state, the attributes named by the
//! caller, and the name of their parent are. Parents all of whose children went may follow, up to
//! a given height. A summary carries on the longest of its spans, with the statistics of all.

mod glob;
mod tree;

use std::collections::{BTreeMap, HashSet};

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use takt_wire::tempopb::Trace;

use super::value::Plain;
use tree::Tree;

pub(crate) use glob::Glob;

/// What may be pruned.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pruning {
    /// Attributes whose values must be the same within a group.
    pub(crate) group_by: Vec<Glob>,
    /// Smaller groups stay as they are.
    pub(crate) min_spans: usize,
    /// How many levels above the leaves may be pruned; `None` is any number.
    pub(crate) max_parent_depth: Option<u32>,
}

impl Default for Pruning {
    fn default() -> Self {
        Self {
            group_by: Vec::new(),
            min_spans: 5,
            max_parent_depth: Some(1),
        }
    }
}

/// What became of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pruned {
    Nothing,
    /// It has a summary in it already, and summaries of summaries would be wrong.
    Before,
    Now,
}

const IS_SUMMARY: &str = "aggregation.is_summary";

/// Upper bounds of the histogram's buckets, in milliseconds; one more bucket has no bound.
const BUCKETS_MS: [i64; 11] = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000];

/// Spans that become one.
struct Group {
    /// Places in [`Tree::spans`], in the order of the trace.
    members: Vec<usize>,
}

impl Pruning {
    pub(crate) fn apply(&self, trace: &mut Trace) -> Pruned {
        let spans = spans(trace);
        if spans.iter().any(|(_, span)| is_summary(span)) {
            return Pruned::Before;
        }
        let tree = Tree::of(&spans);
        let levels = self.levels(&tree);
        if levels.is_empty() {
            return Pruned::Nothing;
        }
        let summaries = summaries(&tree, &levels);
        let gone: HashSet<usize> = levels
            .iter()
            .flatten()
            .flat_map(|group| group.members.iter().copied())
            .collect();
        replace(trace, &gone, summaries);
        Pruned::Now
    }

    /// The groups to summarise: leaves first, then their parents, level by level.
    fn levels(&self, tree: &Tree<'_>) -> Vec<Vec<Group>> {
        let mut pruned = vec![false; tree.len()];
        let mut groups = alike(tree.leaves(), |at| self.leaf_key(tree, at), self.min_spans);
        let mut levels = Vec::new();
        let mut height = 0;
        while !groups.is_empty() {
            let members = || groups.iter().flat_map(|group| &group.members);
            members().for_each(|at| pruned[*at] = true);
            let parents = tree.parents_left_without_children(members(), &pruned);
            levels.push(groups);
            height += 1;
            if self.max_parent_depth.is_some_and(|most| height > most) {
                break;
            }
            groups = alike(parents, |at| Key::of(tree.span(at)), 2);
        }
        levels
    }

    fn leaf_key<'a>(&self, tree: &Tree<'a>, at: usize) -> LeafKey<'a> {
        let span = tree.span(at);
        let grouped = |attribute: &&KeyValue| {
            self.group_by
                .iter()
                .any(|glob| glob.matches(&attribute.key))
        };
        LeafKey {
            parent: tree
                .parent(at)
                .map(|parent| tree.span(parent).name.as_str()),
            key: Key::of(span),
            attributes: span
                .attributes
                .iter()
                .filter(grouped)
                .map(|attribute| (attribute.key.as_str(), text(attribute)))
                .collect(),
        }
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key<'a> {
    name: &'a str,
    kind: i32,
    status: i32,
    trace_state: &'a str,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct LeafKey<'a> {
    parent: Option<&'a str>,
    key: Key<'a>,
    attributes: BTreeMap<&'a str, String>,
}

impl<'a> Key<'a> {
    fn of(span: &'a Span) -> Self {
        Self {
            name: &span.name,
            kind: span.kind,
            status: span.status.as_ref().map_or(0, |status| status.code),
            trace_state: &span.trace_state,
        }
    }
}

/// A value and its type as text: `1` and `"1"` are not the same, nor are `1` and `1.0`.
fn text(attribute: &KeyValue) -> String {
    format!("{:?}", Plain::of(attribute.value.as_ref()))
}

/// Groups of at least `least` spans with one key, in the order of their first spans.
fn alike<K: Ord>(
    spans: impl IntoIterator<Item = usize>,
    key: impl Fn(usize) -> K,
    least: usize,
) -> Vec<Group> {
    let mut groups = BTreeMap::<K, Vec<usize>>::new();
    for at in spans {
        groups.entry(key(at)).or_default().push(at);
    }
    let mut groups: Vec<Group> = groups
        .into_values()
        .filter(|members| members.len() >= least)
        .map(|members| Group { members })
        .collect();
    groups.sort_by_key(|group| group.members[0]);
    groups
}

fn is_summary(span: &Span) -> bool {
    span.attributes.iter().any(|attribute| {
        attribute.key == IS_SUMMARY
            && matches!(
                attribute
                    .value
                    .as_ref()
                    .and_then(|value| value.value.as_ref()),
                Some(Value::BoolValue(true))
            )
    })
}

/// Where a scope's spans are: which resource, which scope in it.
type Place = (usize, usize);

fn spans(trace: &Trace) -> Vec<(Place, &Span)> {
    let mut spans = Vec::new();
    for (resource, group) in trace.resource_spans.iter().enumerate() {
        for (scope, group) in group.scope_spans.iter().enumerate() {
            spans.extend(group.spans.iter().map(|span| ((resource, scope), span)));
        }
    }
    spans
}

/// The summaries, each with the scope it goes to; from the top down, because a summary's parent may be one too.
fn summaries(tree: &Tree<'_>, levels: &[Vec<Group>]) -> Vec<(Place, Span)> {
    let mut used: HashSet<&[u8]> = (0..tree.len())
        .map(|at| tree.span(at).span_id.as_slice())
        .collect();
    used.insert(&[0; 8]);
    let mut fresh = (1_u64..)
        .map(|number| number.to_be_bytes().to_vec())
        .filter(|id| !used.contains(id.as_slice()));
    let mut replaced_by = BTreeMap::<usize, Vec<u8>>::new();
    let mut summaries = Vec::new();
    for group in levels.iter().rev().flatten() {
        let id = fresh.next().expect("there are more numbers than spans");
        let first = group.members[0];
        let parent = tree
            .parent(first)
            .and_then(|parent| replaced_by.get(&parent))
            .map_or_else(|| tree.span(first).parent_span_id.clone(), Vec::clone);
        for at in &group.members {
            replaced_by.insert(*at, id.clone());
        }
        let longest = longest(tree, group);
        let mut summary = tree.span(longest).clone();
        summary.span_id = id;
        summary.parent_span_id = parent;
        describe(&mut summary, group.members.iter().map(|at| tree.span(*at)));
        summaries.push((tree.place(longest), summary));
    }
    summaries
}

/// The first of the longest.
fn longest(tree: &Tree<'_>, group: &Group) -> usize {
    let mut longest = group.members[0];
    for at in &group.members {
        if duration(tree.span(*at)) > duration(tree.span(longest)) {
            longest = *at;
        }
    }
    longest
}

/// Nanoseconds; negative for a span that ends before it starts.
fn duration(span: &Span) -> i64 {
    span.end_time_unix_nano
        .wrapping_sub(span.start_time_unix_nano)
        .cast_signed()
}

/// Gives a summary the times and statistics of all its spans.
fn describe<'a>(summary: &mut Span, spans: impl Iterator<Item = &'a Span> + Clone) {
    let durations: Vec<i64> = spans.clone().map(duration).collect();
    let count = i64::try_from(durations.len()).unwrap_or(i64::MAX);
    let total = durations
        .iter()
        .fold(0_i64, |sum, nanos| sum.saturating_add(*nanos));
    let least = durations.iter().min().copied().unwrap_or_default();
    let most = durations.iter().max().copied().unwrap_or_default();
    let start = spans.clone().map(|span| span.start_time_unix_nano).min();
    let end = spans.map(|span| span.end_time_unix_nano).max();
    summary.start_time_unix_nano = start.unwrap_or_default();
    summary.end_time_unix_nano = end.unwrap_or_default();
    let mut put = |key: &str, value: Value| put(&mut summary.attributes, key, value);
    put("aggregation.is_summary", Value::BoolValue(true));
    put("aggregation.span_count", Value::IntValue(count));
    put("aggregation.duration_min_ns", Value::IntValue(least));
    put("aggregation.duration_max_ns", Value::IntValue(most));
    put("aggregation.duration_total_ns", Value::IntValue(total));
    put(
        "aggregation.duration_avg_ns",
        Value::IntValue(total / count),
    );
    #[expect(clippy::cast_precision_loss, reason = "the bounds are small")]
    let bounds = BUCKETS_MS.map(|millis| Value::DoubleValue(millis as f64 / 1e3));
    put("aggregation.histogram_bucket_bounds_s", list(bounds));
    let within = |nanos: i64| {
        durations
            .iter()
            .filter(|duration| **duration <= nanos)
            .count()
    };
    let bounds = BUCKETS_MS.iter().map(|millis| millis * 1_000_000);
    let counts = bounds
        .chain([i64::MAX])
        .map(|bound| Value::IntValue(i64::try_from(within(bound)).unwrap_or(i64::MAX)));
    put("aggregation.histogram_bucket_counts", list(counts));
}

fn list(values: impl IntoIterator<Item = Value>) -> Value {
    let values = values
        .into_iter()
        .map(|value| AnyValue { value: Some(value) })
        .collect();
    Value::ArrayValue(ArrayValue { values })
}

/// Sets an attribute, in the place of one with the same key.
fn put(attributes: &mut Vec<KeyValue>, key: &str, value: Value) {
    attributes.retain(|attribute| attribute.key != key);
    attributes.push(KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    });
}

/// Takes the spans that are `gone` out (by their place in the trace) and puts the summaries in.
fn replace(trace: &mut Trace, gone: &HashSet<usize>, summaries: Vec<(Place, Span)>) {
    let mut at = 0;
    for scope in trace
        .resource_spans
        .iter_mut()
        .flat_map(|group| &mut group.scope_spans)
    {
        scope.spans.retain(|_| {
            at += 1;
            !gone.contains(&(at - 1))
        });
    }
    for ((resource, scope), summary) in summaries {
        trace.resource_spans[resource].scope_spans[scope]
            .spans
            .push(summary);
    }
    for group in &mut trace.resource_spans {
        group.scope_spans.retain(|scope| !scope.spans.is_empty());
    }
    trace
        .resource_spans
        .retain(|group| !group.scope_spans.is_empty());
}

#[cfg(test)]
mod tests;
