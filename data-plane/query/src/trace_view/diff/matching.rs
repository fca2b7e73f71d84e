//! Which spans match, and what changed in those that do.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value as Json;

use super::document::{
    Change, Format, Modified, Operation, Patch, Place, Snapshot, Stats, Target, Warning, Whole,
};
use super::normalize::{Identity, Normal, NormalSpan};
use super::tolerance;
use crate::trace_view::value::Plain;

pub(super) fn patch(base: &Normal<'_>, compare: &Normal<'_>) -> Patch {
    let partners = partners(base, compare);
    let mut modified = Vec::new();
    let mut added = Vec::new();
    let mut unmatched = vec![true; base.spans.len()];
    for (at, span) in compare.spans.iter().enumerate() {
        let Some(partner) = partners[at] else {
            added.push(addition(compare, at));
            continue;
        };
        unmatched[partner] = false;
        let changes = changes(&base.spans[partner], span);
        if !changes.is_empty() {
            modified.push(Modified {
                span: compare.reference(at),
                changes,
            });
        }
    }
    let removed: Vec<Whole> = (0..base.spans.len())
        .filter(|at| unmatched[*at])
        .map(|at| removal(base, at))
        .collect();
    Patch {
        version: Format::Patch.name(),
        base: base.meta.clone(),
        compare: compare.meta.clone(),
        stats: Stats {
            base_spans: base.meta.span_count,
            compare_spans: compare.meta.span_count,
            matched_spans: base.spans.len() - removed.len(),
            modified_spans: modified.len(),
            added_spans: added.len(),
            removed_spans: removed.len(),
            field_changes: count(&modified, |target| matches!(target, Target::Field { .. })),
            attribute_changes: count(&modified, |target| {
                matches!(target, Target::Attribute { .. })
            }),
            ..Stats::default()
        },
        modified,
        added,
        removed,
        warnings: merged(&base.warnings, &compare.warnings),
    }
}

fn count(modified: &[Modified], counts: impl Fn(&Target) -> bool) -> usize {
    let changes = modified.iter().flat_map(|span| &span.changes);
    changes.filter(|change| counts(&change.target)).count()
}

/// For every span of `compare` the span of `base` that matches it.
fn partners<'a>(base: &Normal<'a>, compare: &Normal<'a>) -> Vec<Option<usize>> {
    let mut candidates = HashMap::<Identity<'a>, Candidates<'a>>::new();
    for (at, span) in base.spans.iter().enumerate() {
        let candidates = candidates.entry(span.identity).or_default();
        candidates.push(base.parent_of(span), at);
    }
    let find = |span: &NormalSpan<'a>| {
        let candidates = candidates.get_mut(&span.identity)?;
        candidates.take(compare.parent_of(span))
    };
    compare.spans.iter().map(find).collect()
}

/// The spans of one identity that have no partner yet, in order. All queues hold what `taken` says
/// is gone until they come across it, so that a thousand like spans do not cost a million steps.
#[derive(Debug, Default)]
struct Candidates<'a> {
    all: Queue,
    by_parent: HashMap<Identity<'a>, Queue>,
    taken: BTreeSet<usize>,
}

#[derive(Debug, Default)]
struct Queue {
    spans: Vec<usize>,
    next: usize,
}

impl<'a> Candidates<'a> {
    fn push(&mut self, parent: Option<Identity<'a>>, at: usize) {
        self.all.spans.push(at);
        if let Some(parent) = parent {
            self.by_parent.entry(parent).or_default().spans.push(at);
        }
    }

    /// One under a like parent, or else the first.
    fn take(&mut self, parent: Option<Identity<'a>>) -> Option<usize> {
        let alike = parent
            .and_then(|parent| self.by_parent.get_mut(&parent))
            .and_then(|queue| queue.first(&self.taken));
        let found = alike.or_else(|| self.all.first(&self.taken))?;
        self.taken.insert(found);
        Some(found)
    }
}

impl Queue {
    fn first(&mut self, taken: &BTreeSet<usize>) -> Option<usize> {
        let rest = &self.spans[self.next..];
        let gone = rest.iter().take_while(|at| taken.contains(at)).count();
        self.next += gone;
        self.spans.get(self.next).copied()
    }
}

fn addition(trace: &Normal<'_>, at: usize) -> Whole {
    let span = snapshot(trace, at);
    let (index, parent) = span.span.path.split_last().expect("a path names its span");
    let target = Place {
        what: "span",
        path: Vec::new(),
        parent_path: parent.to_vec(),
        index: Some(*index),
    };
    Whole { target, span }
}

fn removal(trace: &Normal<'_>, at: usize) -> Whole {
    let span = snapshot(trace, at);
    let target = Place {
        what: "span",
        path: span.span.path.clone(),
        parent_path: Vec::new(),
        index: None,
    };
    Whole { target, span }
}

fn snapshot(trace: &Normal<'_>, at: usize) -> Snapshot {
    Snapshot {
        span: trace.reference(at),
        duration_nanos: trace.spans[at].duration.unwrap_or_default(),
        status: trace.spans[at].status,
    }
}

fn changes(base: &NormalSpan<'_>, compare: &NormalSpan<'_>) -> Vec<Change> {
    let mut changes = Vec::new();
    let differs = match (base.duration, compare.duration) {
        (Some(a), Some(b)) => tolerance::duration_differs(a, b),
        (a, b) => a != b,
    };
    if differs {
        changes.push(modify(Target::DURATION, base.duration, compare.duration));
    }
    if base.status != compare.status {
        changes.push(modify(Target::STATUS, base.status, compare.status));
    }
    let keys: BTreeSet<&String> = base
        .attributes
        .keys()
        .chain(compare.attributes.keys())
        .collect();
    for key in keys {
        changes.extend(attribute(
            key,
            base.attributes.get(key),
            compare.attributes.get(key),
        ));
    }
    changes
}

fn modify(target: Target, before: impl Into<Json>, after: impl Into<Json>) -> Change {
    Change {
        op: Operation::Modify,
        target,
        before: before.into(),
        after: after.into(),
    }
}

fn attribute(key: &str, before: Option<&Plain>, after: Option<&Plain>) -> Option<Change> {
    let op = match (before, after) {
        (None, None) => return None,
        (None, Some(_)) => Operation::Add,
        (Some(_), None) => Operation::Remove,
        (Some(a), Some(b)) if tolerance::attribute_differs(key, a, b) => Operation::Modify,
        (Some(_), Some(_)) => return None,
    };
    let json = |value: Option<&Plain>| value.map_or(Json::Null, |value| value.json(base64));
    Some(Change {
        op,
        target: Target::attribute(key),
        before: json(before),
        after: json(after),
    })
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// Both sides' warnings; what would be said twice is said once.
fn merged(base: &[Warning], compare: &[Warning]) -> Vec<Warning> {
    let mut all: Vec<Warning> = Vec::new();
    for warning in base.iter().chain(compare) {
        let names_its_side = warning.code != "high_cardinality_span_name";
        let said = all.iter().any(|known| known.code == warning.code);
        if names_its_side || !said {
            all.push(warning.clone());
        }
    }
    all
}
