//! Passes along the trees of traces, from parents to children and back.

use std::ops::Range;

use takt_trace::{NO_ROW, SpanColumns};

use super::Tree;
use crate::bitmap::Bitmap;
use crate::guard::{Guard, Stopped};

/// Rows of some traces such that a parent comes before its children.
pub(super) enum Order {
    /// Nobody will ask.
    Unknown,
    /// In clustered columns the rows of each trace stand so.
    Stored(Vec<Range<u32>>),
    Found(Vec<u32>),
}

impl Order {
    pub(super) fn of(
        columns: &SpanColumns,
        traces: &Bitmap,
        parents: &[u32],
        guard: &Guard<'_>,
    ) -> Result<Self, Stopped> {
        if !columns.clustered {
            return find(columns, traces, parents, guard);
        }
        let mut ranges = Vec::<Range<u32>>::new();
        for trace in traces.iter() {
            let at = trace as usize;
            let end = columns.traces.last_row[at] + 1;
            let range = end - columns.traces.spans[at]..end;
            match ranges.last_mut() {
                Some(last) if last.end == range.start => last.end = range.end,
                _ => ranges.push(range),
            }
        }
        Ok(Self::Stored(ranges))
    }

    /// The rows below any of `rows`.
    pub(super) fn below(&self, tree: &Tree<'_, '_>, rows: &Bitmap) -> Result<Bitmap, Stopped> {
        let guard = &tree.search.guard;
        let mut below = tree.search.none();
        let mut reached = rows.clone();
        let mut fall = |row: u32| {
            let parent = tree.parents[row as usize];
            if parent != NO_ROW && reached.has(parent) {
                reached.insert(row);
                below.insert(row);
            }
        };
        match self {
            Self::Unknown => {}
            Self::Stored(ranges) => {
                for range in ranges {
                    guard.each(range.clone(), &mut fall)?;
                }
            }
            Self::Found(order) => guard.each(order.iter(), |row| fall(*row))?,
        }
        Ok(below)
    }

    /// The rows above any of `rows`.
    pub(super) fn above(&self, tree: &Tree<'_, '_>, rows: &Bitmap) -> Result<Bitmap, Stopped> {
        let guard = &tree.search.guard;
        let mut above = tree.search.none();
        let mut climb = |row: u32| {
            let parent = tree.parents[row as usize];
            if parent != NO_ROW && (rows.has(row) || above.has(row)) {
                above.insert(parent);
            }
        };
        match self {
            Self::Unknown => {}
            Self::Stored(ranges) => {
                for range in ranges.iter().rev() {
                    guard.each(range.clone().rev(), &mut climb)?;
                }
            }
            Self::Found(order) => guard.each(order.iter().rev(), |row| climb(*row))?,
        }
        Ok(above)
    }
}

/// Follows the parents of each row up to one that is in the order, then enters the way back down.
fn find(
    columns: &SpanColumns,
    traces: &Bitmap,
    parents: &[u32],
    guard: &Guard<'_>,
) -> Result<Order, Stopped> {
    guard.hold_many::<u32>(columns.len())?;
    let mut order = Vec::new();
    let mut entered = Bitmap::none(columns.len());
    let mut way = Vec::new();
    let rows = traces.iter().flat_map(|trace| columns.rows_of(trace));
    guard.each(rows, |row| {
        let mut at = row;
        while at != NO_ROW && !entered.has(at) {
            entered.insert(at);
            way.push(at);
            at = parents[at as usize];
        }
        order.extend(way.drain(..).rev());
    })?;
    Ok(Order::Found(order))
}
