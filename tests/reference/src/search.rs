//! Pipelines over the spans of one trace.

use std::collections::{BTreeMap, BTreeSet};

use takt_traceql::{Filter, Mode, Pipeline, Relation, SpansetOp, Spansets, Stage};

use crate::aggregate;
use crate::expr::{Only, matches, matching as event_and_link, values};
use crate::value::Value;
use crate::{Corpus, Trace};

/// A trace with what a search finds in it.
#[derive(Debug)]
pub struct Found<'a, 'c> {
    pub trace: &'c Trace<'a>,
    pub sets: Vec<Set>,
}

/// Some spans of a trace, and what was said about them as a whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Set {
    /// Positions in the trace, ascending.
    pub spans: Vec<usize>,
    /// `by(…)`, `count()` and the like; a group without a value has none.
    pub attributes: Vec<(String, Option<Value>)>,
}

/// The traces of which something is left at the end of the pipeline.
#[must_use]
pub fn search<'a, 'c>(corpus: &'c Corpus<'a>, pipeline: &Pipeline) -> Vec<Found<'a, 'c>> {
    corpus
        .traces
        .iter()
        .map(|trace| Found {
            trace,
            sets: run(trace, pipeline, whole(trace)),
        })
        .filter(|found| !found.sets.is_empty())
        .collect()
}

/// The spans of all sets that the pipeline leaves of a trace.
#[must_use]
pub fn spans(trace: &Trace<'_>, pipeline: &Pipeline) -> Vec<usize> {
    distinct(
        run(trace, pipeline, whole(trace))
            .into_iter()
            .flat_map(|set| set.spans),
    )
}

fn whole(trace: &Trace<'_>) -> Set {
    Set {
        spans: (0..trace.spans.len()).collect(),
        attributes: Vec::new(),
    }
}

fn run(trace: &Trace<'_>, pipeline: &Pipeline, input: Set) -> Vec<Set> {
    through(trace, pipeline, vec![input], first_filter(pipeline))
}

fn through(
    trace: &Trace<'_>,
    pipeline: &Pipeline,
    mut sets: Vec<Set>,
    first: Option<&Filter>,
) -> Vec<Set> {
    for stage in &pipeline.stages {
        sets = match stage {
            // Parentheses around a whole stage mean nothing.
            Stage::Spansets(Spansets::Pipeline(inner)) => through(trace, inner, sets, first),
            Stage::Spansets(expr) => each(sets, |set| {
                vec![Set {
                    spans: spansets(trace, expr, &set.spans).spans,
                    attributes: set.attributes,
                }]
            }),
            Stage::Scalar(filter) => each(sets, |set| {
                aggregate::keep(trace, filter, set, first)
                    .into_iter()
                    .collect()
            }),
            Stage::By(expr) => each(sets, |set| {
                let key = format!("by({expr})");
                split(set, &key, |at| {
                    let only = in_question(trace, at, first);
                    values(trace, at, expr, only).into_iter().next()
                })
            }),
            Stage::Coalesce => vec![Set {
                spans: distinct(sets.into_iter().flat_map(|set| set.spans)),
                attributes: Vec::new(),
            }],
            Stage::Select(_) => sets,
        };
        sets.retain(|set| !set.spans.is_empty());
    }
    sets
}

/// The filter that a pipeline starts with, if it starts with a single one.
pub(crate) fn first_filter(pipeline: &Pipeline) -> Option<&Filter> {
    match pipeline.stages.first()? {
        Stage::Spansets(Spansets::Filter(filter)) => Some(filter),
        Stage::Spansets(Spansets::Pipeline(inner)) => first_filter(inner),
        _ => None,
    }
}

/// What of a span's events and links is grouped and measured: where the first filter spoke of one alone,
/// that one.
pub(crate) fn in_question(trace: &Trace<'_>, at: usize, first: Option<&Filter>) -> Only {
    first
        .and_then(|filter| event_and_link(trace, at, filter))
        .unwrap_or_default()
}

fn each(sets: Vec<Set>, change: impl Fn(Set) -> Vec<Set>) -> Vec<Set> {
    sets.into_iter().flat_map(change).collect()
}

fn split(set: Set, key: &str, value: impl Fn(usize) -> Option<Value>) -> Vec<Set> {
    let mut groups: BTreeMap<Option<String>, Set> = BTreeMap::new();
    for at in set.spans {
        let value = value(at);
        let group = groups.entry(value.as_ref().map(Value::key));
        let group = group.or_insert_with(|| {
            let mut attributes = set.attributes.clone();
            attributes.retain(|(known, _): &(String, _)| known != key);
            attributes.push((key.to_owned(), value));
            Set {
                spans: Vec::new(),
                attributes,
            }
        });
        group.spans.push(at);
    }
    groups.into_values().collect()
}

/// What an expression of spansets gives.
struct Given {
    spans: Vec<usize>,
    /// Says that some spans are not there, so that `&&` adds nothing of it.
    of_absence: bool,
}

impl Given {
    fn of(spans: Vec<usize>) -> Self {
        Self {
            spans,
            of_absence: false,
        }
    }
}

fn spansets(trace: &Trace<'_>, expr: &Spansets, among: &[usize]) -> Given {
    match expr {
        Spansets::Filter(filter) => Given::of(matching(trace, filter, among)),
        Spansets::Without(filter) => Given {
            spans: if matching(trace, filter, among).is_empty() {
                among.to_vec()
            } else {
                Vec::new()
            },
            of_absence: true,
        },
        Spansets::Pipeline(pipeline) => match pipeline.stages.as_slice() {
            [Stage::Spansets(alone)] => spansets(trace, alone, among),
            _ => {
                let input = Set {
                    spans: among.to_vec(),
                    attributes: Vec::new(),
                };
                let sets = run(trace, pipeline, input);
                Given::of(distinct(sets.into_iter().flat_map(|set| set.spans)))
            }
        },
        Spansets::Binary { op, left, right } => {
            let left = spansets(trace, left, among);
            let right = spansets(trace, right, among);
            match op {
                SpansetOp::And => and(left, right),
                SpansetOp::Or => Given::of(distinct(left.spans.into_iter().chain(right.spans))),
                SpansetOp::Structural { relation, mode } => {
                    Given::of(related(trace, *relation, *mode, &left.spans, &right.spans))
                }
            }
        }
    }
}

fn matching(trace: &Trace<'_>, filter: &Filter, among: &[usize]) -> Vec<usize> {
    let all = among.iter().copied();
    all.filter(|at| matches(trace, *at, filter)).collect()
}

fn and(left: Given, right: Given) -> Given {
    if left.spans.is_empty() || right.spans.is_empty() {
        return Given::of(Vec::new());
    }
    match (left.of_absence, right.of_absence) {
        (true, false) => right,
        (_, true) => left,
        (false, false) => Given::of(distinct(left.spans.into_iter().chain(right.spans))),
    }
}

/// Goes through all pairs of spans that the relation holds for.
fn related(
    trace: &Trace<'_>,
    relation: Relation,
    mode: Mode,
    left: &[usize],
    right: &[usize],
) -> Vec<usize> {
    let marked = |spans: &[usize]| {
        let mut marks = vec![false; trace.spans.len()];
        spans.iter().for_each(|at| marks[*at] = true);
        marks
    };
    let (is_left, is_right) = (marked(left), marked(right));
    let (mut part_left, mut part_right) = (marked(&[]), marked(&[]));
    let mut pair = |l: usize, r: usize| {
        if is_left[l] && is_right[r] {
            part_left[l] = true;
            part_right[r] = true;
        }
    };
    for at in 0..trace.spans.len() {
        let parent = trace.parents[at].into_iter();
        match relation {
            Relation::Child => parent.for_each(|parent| pair(parent, at)),
            Relation::Parent => parent.for_each(|parent| pair(at, parent)),
            Relation::Descendant => ancestors(trace, at).for_each(|above| pair(above, at)),
            Relation::Ancestor => ancestors(trace, at).for_each(|above| pair(at, above)),
            Relation::Sibling => (0..trace.spans.len())
                .filter(|other| are_siblings(trace, at, *other))
                .for_each(|other| pair(at, other)),
        }
    }
    let rights = right.iter().copied();
    match mode {
        Mode::Holds => rights.filter(|r| part_right[*r]).collect(),
        Mode::HoldsForNone => rights.filter(|r| !part_right[*r]).collect(),
        Mode::Union => {
            let lefts = left.iter().copied().filter(|l| part_left[*l]);
            distinct(lefts.chain(rights.filter(|r| part_right[*r])))
        }
    }
}

/// Roots are siblings of each other, orphans of nobody.
fn are_siblings(trace: &Trace<'_>, a: usize, b: usize) -> bool {
    let parents = (trace.parents[a], trace.parents[b]);
    a != b
        && match parents {
            (None, None) => trace.is_root(a) && trace.is_root(b),
            (a, b) => a == b,
        }
}

fn ancestors<'t>(trace: &'t Trace<'_>, at: usize) -> impl Iterator<Item = usize> + 't {
    std::iter::successors(trace.parents[at], |above| trace.parents[*above])
}

fn distinct(spans: impl Iterator<Item = usize>) -> Vec<usize> {
    let set: BTreeSet<usize> = spans.collect();
    set.into_iter().collect()
}
