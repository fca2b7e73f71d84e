//! Who is whose parent among the spans of one trace.

use std::collections::{BTreeSet, HashMap};

use opentelemetry_proto::tonic::trace::v1::Span;

use super::Place;

/// The spans in the order of the trace, linked. Of spans with one id the first is the parent of all that name it.
pub(super) struct Tree<'a> {
    spans: Vec<(Place, &'a Span)>,
    parents: Vec<Option<usize>>,
    children: Vec<Vec<usize>>,
}

impl<'a> Tree<'a> {
    pub(super) fn of(spans: &[(Place, &'a Span)]) -> Self {
        let mut by_id = HashMap::<&[u8], usize>::with_capacity(spans.len());
        for (at, (_, span)) in spans.iter().enumerate() {
            by_id.entry(&span.span_id).or_insert(at);
        }
        let parents: Vec<Option<usize>> = spans
            .iter()
            .map(|(_, span)| span.parent_span_id.as_slice())
            .map(|parent| by_id.get(parent).copied().filter(|_| is_set(parent)))
            .collect();
        let mut children = vec![Vec::new(); spans.len()];
        for (at, parent) in parents.iter().enumerate() {
            if let Some(parent) = parent {
                children[*parent].push(at);
            }
        }
        Self {
            spans: spans.to_vec(),
            parents,
            children,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.spans.len()
    }

    pub(super) fn span(&self, at: usize) -> &'a Span {
        self.spans[at].1
    }

    pub(super) fn place(&self, at: usize) -> Place {
        self.spans[at].0
    }

    pub(super) fn parent(&self, at: usize) -> Option<usize> {
        self.parents[at]
    }

    pub(super) fn leaves(&self) -> impl Iterator<Item = usize> {
        (0..self.len()).filter(|at| self.children[*at].is_empty())
    }

    /// Parents of `members` that have a parent themselves and whose children are all `pruned`.
    pub(super) fn parents_left_without_children<'m>(
        &self,
        members: impl Iterator<Item = &'m usize>,
        pruned: &[bool],
    ) -> BTreeSet<usize> {
        members
            .filter_map(|at| self.parents[*at])
            .filter(|parent| {
                self.parents[*parent].is_some()
                    && !pruned[*parent]
                    && self.children[*parent].iter().all(|child| pruned[*child])
            })
            .collect()
    }
}

/// Roots name no parent, or one of zeros.
fn is_set(id: &[u8]) -> bool {
    id.iter().any(|byte| *byte != 0)
}
