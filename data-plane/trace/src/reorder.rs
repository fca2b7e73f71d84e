//! Rows in another order: traces picked out of columns, fragments joined, and columns clustered for a block.
//!
//! All of them rebuild dictionaries and tables from what is used, so nothing of a span that is not taken
//! along (its values, its resource) can be seen in the result.

mod join;
mod take;
mod tree;

use crate::columns::{NO_ROW, SpanColumns};

pub use join::join;
use take::take;
use tree::Walker;

/// The spans of some traces (by ordinal), in the order in which they arrived.
#[must_use]
pub fn select(columns: &SpanColumns, traces: &[u32]) -> SpanColumns {
    let mut chosen = vec![false; columns.traces.len()];
    for trace in traces {
        chosen[*trace as usize] = true;
    }
    let rows: Vec<u32> = (0..)
        .zip(&columns.trace)
        .filter(|(_, trace)| chosen[**trace as usize])
        .map(|(row, _)| row)
        .collect();
    pick(columns, &rows)
}

/// Some spans, in the order of `rows`; columns that were not loaded stay empty.
#[must_use]
pub fn pick(columns: &SpanColumns, rows: &[u32]) -> SpanColumns {
    take(columns, rows)
}

/// All spans with the rows of each trace contiguous, every parent before its children and siblings
/// by start; traces ordered by shape (root service, root name, fingerprint of the call tree), then by
/// start, so that like stands by like. Parents are resolved; of a cycle of parents the span that starts
/// first has none, so the parent's row is always the lower one.
#[must_use]
pub fn cluster(columns: &SpanColumns) -> SpanColumns {
    let mut walker = Walker::new(columns);
    let mut shapes = Vec::with_capacity(columns.traces.len());
    let mut rows = Vec::with_capacity(columns.len());
    for trace in 0..u32::try_from(columns.traces.len()).unwrap_or(NO_ROW) {
        let begin = rows.len();
        let fingerprint = walker.walk(trace, &mut rows);
        shapes.push(Shape {
            trace,
            fingerprint,
            rows: begin..rows.len(),
        });
    }
    let ranks = Ranks::new(columns);
    shapes.sort_by_cached_key(|shape| {
        let at = shape.trace as usize;
        (
            ranks.of(columns, columns.traces.root[at]),
            shape.fingerprint,
            columns.traces.start[at],
            columns.traces.id[at],
        )
    });
    let order: Vec<u32> = shapes
        .iter()
        .flat_map(|shape| &rows[shape.rows.clone()])
        .copied()
        .collect();
    let parents = walker.parents;
    let mut clustered = take(columns, &order);
    clustered.parent = moved(&order, &parents);
    clustered.clustered = true;
    clustered
}

impl SpanColumns {
    /// Finds the row of each span's parent and fills `parent`. Unlike in clustered columns, the parent
    /// may stand anywhere.
    pub fn resolve_parents(&mut self) {
        let mut parents = Parents::new(self);
        for trace in 0..u32::try_from(self.traces.len()).unwrap_or(NO_ROW) {
            parents.find(trace);
        }
        self.parent = parents.0.parents;
    }
}

/// Finds parents trace by trace, for those who need them of few traces.
pub struct Parents<'a>(Walker<'a>);

impl<'a> Parents<'a> {
    /// What it holds for each span.
    pub const BYTES: usize = 2 * size_of::<u32>();

    #[must_use]
    pub fn new(columns: &'a SpanColumns) -> Self {
        Self(Walker::new(columns))
    }

    /// Finds the parents of the spans of a trace.
    pub fn find(&mut self, trace: u32) {
        self.0.find_parents(trace);
        self.0.cut_cycles();
    }

    /// The row of each row's parent, or [`NO_ROW`], as far as the trace was looked at.
    #[must_use]
    pub fn of_rows(&self) -> &[u32] {
        &self.0.parents
    }
}

impl std::fmt::Debug for Parents<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parents").finish_non_exhaustive()
    }
}

struct Shape {
    trace: u32,
    fingerprint: u64,
    rows: std::ops::Range<usize>,
}

/// The alphabetical rank of every service and name code, so that traces sort without comparing texts.
struct Ranks {
    services: Vec<u32>,
    names: Vec<u32>,
}

impl Ranks {
    fn new(columns: &SpanColumns) -> Self {
        Self {
            services: ranks(&columns.resources.services),
            names: ranks(&columns.names),
        }
    }

    /// Traces without a root come last.
    fn of(&self, columns: &SpanColumns, root: u32) -> (u32, u32) {
        if root == NO_ROW {
            return (u32::MAX, u32::MAX);
        }
        let resource = columns.resource[root as usize] as usize;
        let service = columns.resources.service[resource] as usize;
        (
            self.services[service],
            self.names[columns.name[root as usize] as usize],
        )
    }
}

fn ranks(dict: &crate::Dict) -> Vec<u32> {
    let mut codes: Vec<u32> = (0..u32::try_from(dict.len()).unwrap_or(NO_ROW)).collect();
    codes.sort_unstable_by_key(|code| dict.get(*code));
    let mut ranks = vec![0; codes.len()];
    for (rank, code) in (0..).zip(codes) {
        ranks[code as usize] = rank;
    }
    ranks
}

/// Links between rows, after the rows have moved.
fn moved(order: &[u32], parents: &[u32]) -> Vec<u32> {
    let mut new_of_old = vec![NO_ROW; parents.len()];
    for (new, old) in (0..).zip(order) {
        new_of_old[*old as usize] = new;
    }
    let parent = |old: &u32| match parents[*old as usize] {
        NO_ROW => NO_ROW,
        parent => new_of_old[parent as usize],
    };
    order.iter().map(parent).collect()
}

#[cfg(test)]
mod tests;
