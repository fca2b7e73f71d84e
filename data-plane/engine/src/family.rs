//! Parents, children and nested-set numbers, found per trace and only where asked for.

use std::cell::RefCell;
use std::ops::Range;

use takt_model::SpanId;
use takt_trace::reorder::Parents;
use takt_trace::{NO_ROW, SpanColumns};

use crate::Bitmap;

/// What a span's place in its trace's tree is.
///
/// The nested set counts once through all trees of a trace, from 1, roots and children in row order. A root
/// has parent -1; a span that no root leads to has 0 everywhere, and so has every span of a trace
/// where an id is used more than twice (but a root stays a root).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) left: i64,
    pub(crate) right: i64,
    pub(crate) parent: i64,
}

/// What stands for the parent of a root.
const ROOT: i64 = -1;

pub(crate) struct Family<'a> {
    columns: &'a SpanColumns,
    /// None before the first question.
    parents: RefCell<Found<Option<Parents<'a>>>>,
    children: RefCell<Found<Vec<u32>>>,
    places: RefCell<Found<Vec<Place>>>,
}

/// What is known about the rows of some traces.
struct Found<T> {
    of: Bitmap,
    what: T,
}

impl<T> Found<T> {
    /// Whether the trace is one that nothing is known of yet; from now on it is not.
    fn is_new(&mut self, trace: u32) -> bool {
        let new = !self.of.has(trace);
        self.of.insert(trace);
        new
    }
}

impl<'a> Family<'a> {
    pub(crate) fn new(columns: &'a SpanColumns) -> Self {
        let of = Bitmap::none(columns.traces.len());
        Self {
            columns,
            parents: RefCell::new(Found {
                of: of.clone(),
                what: None,
            }),
            children: RefCell::new(Found {
                of: of.clone(),
                what: Vec::new(),
            }),
            places: RefCell::new(Found {
                of,
                what: Vec::new(),
            }),
        }
    }

    /// The row of the parent, if it is in these columns.
    pub(crate) fn parent(&self, row: u32) -> Option<u32> {
        let trace = self.columns.trace[row as usize];
        let parent = self.with_parents([trace], |parents| parents[row as usize]);
        (parent != NO_ROW).then_some(parent)
    }

    /// How many children a span has in these columns.
    pub(crate) fn children(&self, row: u32) -> i64 {
        let columns = self.columns;
        let children = &mut *self.children.borrow_mut();
        if children.what.is_empty() {
            children.what.resize(columns.len(), 0);
            count_children(&mut children.what, columns.parent.iter().copied());
        }
        let trace = columns.trace[row as usize];
        if columns.parent.is_empty() && children.is_new(trace) {
            self.with_parents([trace], |parents| {
                let parents = columns.rows_of(trace).map(|row| parents[row as usize]);
                count_children(&mut children.what, parents);
            });
        }
        i64::from(children.what[row as usize])
    }

    /// Calls `run` with the parents of all rows of `traces`; those of other rows may not be known.
    pub(crate) fn with_parents<R>(
        &self,
        traces: impl IntoIterator<Item = u32>,
        run: impl FnOnce(&[u32]) -> R,
    ) -> R {
        if !self.columns.parent.is_empty() {
            return run(&self.columns.parent);
        }
        let found = &mut *self.parents.borrow_mut();
        for trace in traces {
            if found.is_new(trace) {
                found
                    .what
                    .get_or_insert_with(|| Parents::new(self.columns))
                    .find(trace);
            }
        }
        run(found.what.as_ref().map_or(&[], Parents::of_rows))
    }

    /// What finding parents would take.
    pub(crate) fn memory_of_parents(&self) -> usize {
        let known = !self.columns.parent.is_empty() || self.parents.borrow().what.is_some();
        if known {
            0
        } else {
            self.columns.len() * Parents::BYTES
        }
    }

    pub(crate) fn place(&self, row: u32) -> Place {
        let trace = self.columns.trace[row as usize];
        let places = &mut *self.places.borrow_mut();
        if places.is_new(trace) {
            places.what.resize(self.columns.len(), Place::default());
            self.with_parents([trace], |parents| {
                find_places(self.columns, trace, parents, &mut places.what);
            });
        }
        places.what[row as usize]
    }
}

fn find_places(columns: &SpanColumns, trace: u32, parents: &[u32], places: &mut [Place]) {
    let mut rows: Vec<u32> = columns.rows_of(trace).collect();
    rows.sort_unstable();
    // (parent, child), so that the children of one parent stand together in row order.
    let mut children: Vec<(u32, u32)> = rows
        .iter()
        .map(|row| (parents[*row as usize], *row))
        .filter(|(parent, _)| *parent != NO_ROW)
        .collect();
    children.sort_unstable();
    let ambiguous = is_ambiguous(columns, &rows);
    let mut counter = 0;
    for root in rows {
        if !columns.parent_id[root as usize].is_zero() {
            continue;
        }
        if ambiguous {
            places[root as usize].parent = ROOT;
        } else {
            number(places, &children, root, &mut counter);
        }
    }
}

/// Whether an id is used more than twice: then no tree can be told from them.
fn is_ambiguous(columns: &SpanColumns, rows: &[u32]) -> bool {
    let mut ids: Vec<SpanId> = rows
        .iter()
        .map(|row| columns.span_id[*row as usize])
        .collect();
    ids.sort_unstable();
    ids.windows(3).any(|three| three[0] == three[2])
}

fn count_children(children: &mut [u32], parents: impl IntoIterator<Item = u32>) {
    for parent in parents {
        if parent != NO_ROW {
            children[parent as usize] += 1;
        }
    }
}

/// Numbers the tree below `root`, depth first.
fn number(places: &mut [Place], children: &[(u32, u32)], root: u32, counter: &mut i64) {
    let children_of = |row: u32| {
        let start = children.partition_point(|(parent, _)| *parent < row);
        let length = children[start..].iter().take_while(|(p, _)| *p == row);
        start..start + length.count()
    };
    let mut path = vec![(root, ROOT, None::<Range<usize>>)];
    while let Some((row, parent, rest)) = path.last_mut() {
        let place = &mut places[*row as usize];
        let rest = rest.get_or_insert_with(|| {
            *counter += 1;
            (place.left, place.parent) = (*counter, *parent);
            children_of(*row)
        });
        if let Some(next) = rest.next() {
            let left = place.left;
            path.push((children[next].1, left, None));
        } else {
            *counter += 1;
            place.right = *counter;
            path.pop();
        }
    }
}
