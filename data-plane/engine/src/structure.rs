//! Structural operators: how spans of one trace stand to each other.

mod order;
mod walk;

use takt_trace::NO_ROW;
use takt_traceql::{Mode, Relation};

use crate::bitmap::Bitmap;
use crate::find::Search;
use crate::guard::Stopped;
use crate::spansets::Spansets;
use order::Order;

/// The rows that `left relation right` gives. Both are rows of `sets`, and only spans of the same
/// spanset stand in a relation.
pub(crate) fn related(
    search: &Search<'_>,
    sets: &Spansets<'_>,
    (relation, mode): (Relation, Mode),
    left: &Bitmap,
    right: &Bitmap,
) -> Result<Bitmap, Stopped> {
    let columns = search.columns;
    let mut traces = traces_of(search, left)?;
    traces.and(&traces_of(search, right)?);
    let in_both = |rows: &Bitmap| {
        let trace = |row: u32| columns.trace[row as usize];
        search.filter(rows, |row| traces.has(trace(row)))
    };
    let (both_left, both_right) = (in_both(left)?, in_both(right)?);
    let family = &search.reader.family;
    search.guard.hold(family.memory_of_parents())?;
    let mut holding = family.with_parents(traces.iter(), |parents| {
        let mut tree = Tree {
            search,
            parents,
            sets,
            order: Order::Unknown,
        };
        if sets.split {
            return walk::holding(&tree, relation, mode, &both_left, &both_right);
        }
        if matches!(relation, Relation::Descendant | Relation::Ancestor) {
            tree.order = Order::of(columns, &traces, parents, &search.guard)?;
        }
        let mut holding = tree.holding(relation, &both_left, &both_right)?;
        if mode == Mode::Union {
            holding.or(&tree.holding(inverse(relation), &both_right, &both_left)?);
        }
        Ok(holding)
    })?;
    if mode == Mode::HoldsForNone {
        let mut none = right.clone();
        none.subtract(&holding);
        holding = none;
    }
    Ok(holding)
}

/// How the left side stands to the right side if the right stands so to the left.
fn inverse(relation: Relation) -> Relation {
    match relation {
        Relation::Child => Relation::Parent,
        Relation::Parent => Relation::Child,
        Relation::Descendant => Relation::Ancestor,
        Relation::Ancestor => Relation::Descendant,
        Relation::Sibling => Relation::Sibling,
    }
}

fn traces_of(search: &Search<'_>, rows: &Bitmap) -> Result<Bitmap, Stopped> {
    let columns = search.columns;
    let mut traces = Bitmap::none(columns.traces.len());
    if columns.clustered {
        // The other rows of the trace need not be looked at.
        let mut next = rows.next(0);
        while let Some(row) = next {
            let trace = columns.trace[row as usize];
            traces.insert(trace);
            next = rows.next(columns.traces.last_row[trace as usize] + 1);
        }
        return Ok(traces);
    }
    search.guard.each(rows.iter(), |row| {
        traces.insert(columns.trace[row as usize]);
    })?;
    Ok(traces)
}

/// The parents of the spans of some traces.
struct Tree<'t, 'a> {
    search: &'t Search<'a>,
    parents: &'t [u32],
    sets: &'t Spansets<'t>,
    order: Order,
}

impl Tree<'_, '_> {
    fn parent(&self, row: u32) -> Option<u32> {
        Some(self.parents[row as usize]).filter(|parent| *parent != NO_ROW)
    }

    /// The rows of `right` that stand in the relation to any row of `left`.
    fn holding(
        &self,
        relation: Relation,
        left: &Bitmap,
        right: &Bitmap,
    ) -> Result<Bitmap, Stopped> {
        let mut holding = match relation {
            Relation::Child => {
                return self.search.filter(right, |row| {
                    self.parent(row).is_some_and(|parent| left.has(parent))
                });
            }
            Relation::Sibling => return self.siblings(left, right),
            Relation::Parent => self.parents_of(left)?,
            Relation::Descendant => self.order.below(self, left)?,
            Relation::Ancestor => self.order.above(self, left)?,
        };
        holding.and(right);
        Ok(holding)
    }

    fn parents_of(&self, rows: &Bitmap) -> Result<Bitmap, Stopped> {
        let mut parents = self.search.none();
        self.search.guard.each(rows.iter(), |row| {
            if let Some(parent) = self.parent(row) {
                parents.insert(parent);
            }
        })?;
        Ok(parents)
    }

    /// Spans with the same parent; roots of one trace are siblings too.
    fn siblings(&self, left: &Bitmap, right: &Bitmap) -> Result<Bitmap, Stopped> {
        let columns = self.search.columns;
        let (mut below_parents, mut roots) = (
            Repeats::new(columns.len()),
            Repeats::new(columns.traces.len()),
        );
        self.search
            .guard
            .each(left.iter(), |row| match self.family(row) {
                Some(Siblings::Of(parent)) => below_parents.add(parent),
                Some(Siblings::Roots(trace)) => roots.add(trace),
                None => {}
            })?;
        self.search.filter(right, |row| {
            let is_left = left.has(row);
            match self.family(row) {
                Some(Siblings::Of(parent)) => below_parents.has_other(parent, is_left),
                Some(Siblings::Roots(trace)) => roots.has_other(trace, is_left),
                None => false,
            }
        })
    }

    /// What a span shares with its siblings; one whose parent is missing has none.
    fn family(&self, row: u32) -> Option<Siblings> {
        let columns = self.search.columns;
        match self.parent(row) {
            Some(parent) => Some(Siblings::Of(parent)),
            None if columns.parent_id[row as usize].is_zero() => {
                Some(Siblings::Roots(columns.trace[row as usize]))
            }
            None => None,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Siblings {
    Of(u32),
    Roots(u32),
}

/// Counts to two.
struct Repeats {
    once: Bitmap,
    twice: Bitmap,
}

impl Repeats {
    fn new(len: usize) -> Self {
        Self {
            once: Bitmap::none(len),
            twice: Bitmap::none(len),
        }
    }

    fn add(&mut self, at: u32) {
        if self.once.has(at) {
            self.twice.insert(at);
        }
        self.once.insert(at);
    }

    /// Whether there is one more than the asking span itself, if that `is_counted`.
    fn has_other(&self, at: u32, is_counted: bool) -> bool {
        if is_counted {
            self.twice.has(at)
        } else {
            self.once.has(at)
        }
    }
}
