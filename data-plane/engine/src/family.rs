//! Parents, children and nested-set numbers, found per trace and only where asked for.

use std::cell::RefCell;
use std::ops::Range;

use takt_model::SpanId;
use takt_trace::{Kind, NO_ROW, SpanColumns};

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
    pub(crate) children: i64,
}

/// What stands for the parent of a root.
const ROOT: i64 = -1;

pub(crate) struct Family<'a> {
    columns: &'a SpanColumns,
    known: RefCell<Known>,
}

/// What has been found so far; empty vectors until the first question.
struct Known {
    parents_of: Bitmap,
    parent: Vec<u32>,
    places_of: Bitmap,
    place: Vec<Place>,
}

impl<'a> Family<'a> {
    pub(crate) fn new(columns: &'a SpanColumns) -> Self {
        let none = Bitmap::none(columns.traces.len());
        Self {
            columns,
            known: RefCell::new(Known {
                parents_of: none.clone(),
                parent: Vec::new(),
                places_of: none,
                place: Vec::new(),
            }),
        }
    }

    /// The row of the parent, if it is in these columns.
    pub(crate) fn parent(&self, row: u32) -> Option<u32> {
        let stored = &self.columns.parent;
        let parent = if stored.is_empty() {
            let known = &mut *self.known.borrow_mut();
            self.find_parents(known, self.columns.trace[row as usize]);
            known.parent[row as usize]
        } else {
            stored[row as usize]
        };
        (parent != NO_ROW).then_some(parent)
    }

    pub(crate) fn place(&self, row: u32) -> Place {
        let trace = self.columns.trace[row as usize];
        let known = &mut *self.known.borrow_mut();
        if !known.places_of.has(trace) {
            if self.columns.parent.is_empty() {
                self.find_parents(known, trace);
            }
            self.find_places(known, trace);
        }
        known.place[row as usize]
    }

    fn find_parents(&self, known: &mut Known, trace: u32) {
        if known.parents_of.has(trace) {
            return;
        }
        known.parents_of.insert(trace);
        known.parent.resize(self.columns.len(), NO_ROW);
        let twins = Twins::of(self.columns, trace);
        for &(_, row) in &twins.by_id {
            known.parent[row as usize] = self.parent_among(&twins, row);
        }
    }

    fn parent_among(&self, twins: &Twins, row: u32) -> u32 {
        let id = self.columns.parent_id[row as usize];
        if id.is_zero() {
            return NO_ROW;
        }
        let candidates = &twins.by_id[twins.range(id)];
        let kind = |row: u32| Kind(self.columns.kind[row as usize]);
        // Zipkin gives client and server of a call the same id: a server is the client's child, and
        // everything else the server's.
        let twin = if kind(row) == Kind::SERVER {
            Kind::CLIENT
        } else {
            Kind::SERVER
        };
        let others = || candidates.iter().map(|(_, row)| *row).filter(|r| *r != row);
        others()
            .find(|row| kind(*row) == twin)
            .or_else(|| others().next())
            .unwrap_or(NO_ROW)
    }

    fn find_places(&self, known: &mut Known, trace: u32) {
        known.places_of.insert(trace);
        known.place.resize(self.columns.len(), Place::default());
        let parents = if self.columns.parent.is_empty() {
            &known.parent
        } else {
            &self.columns.parent
        };
        let twins = Twins::of(self.columns, trace);
        let mut rows: Vec<u32> = twins.by_id.iter().map(|(_, row)| *row).collect();
        rows.sort_unstable();
        // (parent, child), so that the children of one parent stand together in row order.
        let mut children: Vec<(u32, u32)> = rows
            .iter()
            .map(|row| (parents[*row as usize], *row))
            .filter(|(parent, _)| *parent != NO_ROW)
            .collect();
        children.sort_unstable();
        for (parent, _) in &children {
            known.place[*parent as usize].children += 1;
        }
        let mut counter = 0;
        for root in rows {
            if !self.columns.parent_id[root as usize].is_zero() {
                continue;
            }
            if twins.ambiguous {
                known.place[root as usize].parent = ROOT;
            } else {
                number(&mut known.place, &children, root, &mut counter);
            }
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
        // A span reached twice would be in a circle, and no circle hangs below a root.
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

/// The rows of a trace by span id.
struct Twins {
    by_id: Vec<(SpanId, u32)>,
    /// Whether an id is used more than twice: then no tree can be told from them.
    ambiguous: bool,
}

impl Twins {
    fn of(columns: &SpanColumns, trace: u32) -> Self {
        let mut by_id: Vec<(SpanId, u32)> = columns
            .rows_of(trace)
            .map(|row| (columns.span_id[row as usize], row))
            .collect();
        by_id.sort_unstable();
        let ambiguous = by_id.windows(3).any(|three| three[0].0 == three[2].0);
        Self { by_id, ambiguous }
    }

    fn range(&self, id: SpanId) -> Range<usize> {
        let start = self.by_id.partition_point(|(other, _)| *other < id);
        let length = self.by_id[start..]
            .iter()
            .take_while(|(other, _)| *other == id);
        start..start + length.count()
    }
}
