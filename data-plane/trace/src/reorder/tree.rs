//! The call tree of one trace at a time.

use std::hash::{BuildHasher as _, Hash as _, Hasher};

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use takt_model::SpanId;

use crate::columns::{Kind, NO_ROW, SpanColumns};

/// Traces of at most this many spans find parents by looking at each span; larger ones by a map.
const FEW: usize = 24;

/// Walks call trees and keeps its working memory from one trace to the next.
pub(super) struct Walker<'a> {
    columns: &'a SpanColumns,
    /// Row of the parent of each row, once its trace was looked at.
    pub(super) parents: Vec<u32>,
    rows: Vec<u32>,
    /// The first two spans of each id.
    by_id: HashMap<SpanId, (u32, u32), FixedState>,
    /// By position in `rows`: the first child and the next sibling, as positions.
    first_child: Vec<u32>,
    next_sibling: Vec<u32>,
    /// Position of each row in `rows`, valid for the trace at hand.
    position: Vec<u32>,
    visited: Vec<bool>,
    stack: Vec<(u32, u32)>,
}

impl<'a> Walker<'a> {
    pub(super) fn new(columns: &'a SpanColumns) -> Self {
        Self {
            columns,
            parents: vec![NO_ROW; columns.len()],
            rows: Vec::new(),
            by_id: HashMap::with_hasher(FixedState::with_seed(1)),
            first_child: Vec::new(),
            next_sibling: Vec::new(),
            position: vec![NO_ROW; columns.len()],
            visited: Vec::new(),
            stack: Vec::new(),
        }
    }

    /// Fills `parents` for the rows of a trace and sorts those rows by start.
    pub(super) fn find_parents(&mut self, trace: u32) {
        let columns = self.columns;
        self.rows.clear();
        self.rows.extend(columns.rows_of(trace));
        self.rows.sort_unstable_by_key(|row| {
            (
                columns.start[*row as usize],
                columns.span_id[*row as usize],
                *row,
            )
        });
        self.by_id.clear();
        if self.rows.len() > FEW {
            for row in &self.rows {
                let twins = self
                    .by_id
                    .entry(columns.span_id[*row as usize])
                    .or_insert((*row, NO_ROW));
                if twins.0 != *row && twins.1 == NO_ROW {
                    twins.1 = *row;
                }
            }
        }
        for (at, row) in (0..).zip(&self.rows) {
            self.position[*row as usize] = at;
        }
        for at in 0..self.rows.len() {
            let row = self.rows[at];
            self.parents[row as usize] = self.parent_of(row);
        }
    }

    /// Of the spans of a cycle, the one that starts first loses its parent.
    pub(super) fn cut_cycles(&mut self) {
        // For each position, from which one the way up first came by.
        let mut passed = vec![usize::MAX; self.rows.len()];
        for from in 0..self.rows.len() {
            let mut at = Some(from);
            while let Some(here) = at
                && passed[here] == usize::MAX
            {
                passed[here] = from;
                at = self.above(here);
            }
            if let Some(on_cycle) = at
                && passed[on_cycle] == from
            {
                let others = std::iter::successors(self.above(on_cycle), |here| self.above(*here));
                let first = others.take_while(|here| *here != on_cycle).min();
                let first = first.map_or(on_cycle, |first| first.min(on_cycle));
                self.parents[self.rows[first] as usize] = NO_ROW;
            }
        }
    }

    /// The position of the parent.
    fn above(&self, at: usize) -> Option<usize> {
        let parent = self.parents[self.rows[at] as usize];
        (parent != NO_ROW).then(|| self.position[parent as usize] as usize)
    }

    fn parent_of(&self, row: u32) -> u32 {
        let columns = self.columns;
        let wanted = columns.parent_id[row as usize];
        if wanted.is_zero() {
            return NO_ROW;
        }
        let twins = if self.rows.len() > FEW {
            self.by_id.get(&wanted).copied().unwrap_or((NO_ROW, NO_ROW))
        } else {
            let mut named = self
                .rows
                .iter()
                .copied()
                .filter(|other| columns.span_id[*other as usize] == wanted);
            (
                named.next().unwrap_or(NO_ROW),
                named.next().unwrap_or(NO_ROW),
            )
        };
        let (first, second) = match twins {
            (first, second) if first == row => (second, NO_ROW),
            (first, second) if second == row => (first, NO_ROW),
            twins => twins,
        };
        // Spans that share an id are Zipkin's client and server halves of one call: a server span
        // hangs below the client half, everything else below the server half.
        let preferred = if columns.kind[row as usize] == Kind::SERVER.0 {
            Kind::CLIENT
        } else {
            Kind::SERVER
        };
        let second_fits = second != NO_ROW && columns.kind[second as usize] == preferred.0;
        let first_fits = first != NO_ROW && columns.kind[first as usize] == preferred.0;
        if second_fits && !first_fits {
            second
        } else {
            first
        }
    }

    /// Appends the rows of a trace, parents first, and returns the fingerprint of its call tree.
    pub(super) fn walk(&mut self, trace: u32, out: &mut Vec<u32>) -> u64 {
        self.find_parents(trace);
        self.link_children();
        self.visited.clear();
        self.visited.resize(self.rows.len(), false);
        let mut hasher = FixedState::with_seed(3).build_hasher();
        let before = out.len();
        self.descend_from_tops(out, &mut hasher);
        if out.len() - before < self.rows.len() {
            // Only a cycle keeps a row from being reached.
            self.cut_cycles();
            self.descend_from_tops(out, &mut hasher);
        }
        hasher.finish()
    }

    fn link_children(&mut self) {
        let count = self.rows.len();
        self.first_child.clear();
        self.first_child.resize(count, NO_ROW);
        self.next_sibling.clear();
        self.next_sibling.resize(count, NO_ROW);
        for at in (0..count).rev() {
            if let Some(parent) = self.above(at) {
                self.next_sibling[at] = self.first_child[parent];
                self.first_child[parent] = u32::try_from(at).unwrap_or(NO_ROW);
            }
        }
    }

    /// Starts at every span without a parent here.
    fn descend_from_tops(&mut self, out: &mut Vec<u32>, hasher: &mut impl Hasher) {
        for (at, top) in (0..self.rows.len()).zip(0..) {
            if self.above(at).is_none() && !self.visited[at] {
                self.descend(top, out, hasher);
            }
        }
    }

    fn descend(&mut self, top: u32, out: &mut Vec<u32>, hasher: &mut impl Hasher) {
        let columns = self.columns;
        self.stack.push((top, 0));
        while let Some((at, depth)) = self.stack.pop() {
            if std::mem::replace(&mut self.visited[at as usize], true) {
                continue;
            }
            let row = self.rows[at as usize];
            out.push(row);
            (
                depth,
                columns.name[row as usize],
                columns.resources.service[columns.resource[row as usize] as usize],
            )
                .hash(hasher);
            // Pushed in order and popped in reverse, so turn the part just pushed around.
            let pushed = self.stack.len();
            let mut child = self.first_child[at as usize];
            while child != NO_ROW {
                self.stack.push((child, depth + 1));
                child = self.next_sibling[child as usize];
            }
            self.stack[pushed..].reverse();
        }
    }
}
