//! Is there an order in which everything happened one after the other?
//!
//! The search of Wing and Gong with the memory of Lowe, as porcupine does it: an operation may come
//! next if it was called before any operation that is still to come returned, and what was tried once
//! (the same operations done, the same state reached) is not tried again. An operation that never
//! returned may have happened at any time after its call, or not at all. One that only looked, and may
//! have seen the state that there is, comes next and nothing else is tried: in whatever order it comes
//! later, it can as well come now.

use std::collections::HashSet;
use std::hash::Hash;

use crate::history::Moment;

/// What a thing does when it is used by one at a time.
pub(crate) trait Model {
    type State: Clone + Eq + Hash;
    type Op;

    /// The state after an operation that returned what it did; `None` if it could not have.
    fn step(&self, state: &Self::State, op: &Self::Op) -> Option<Self::State>;

    /// Whether the operation, as it returned, changes neither this state nor any that may come of it.
    fn only_looks(&self, state: &Self::State, op: &Self::Op) -> bool;
}

/// An operation and when it was under way.
#[derive(Debug, Clone)]
pub(crate) struct Timed<O> {
    pub(crate) called: Moment,
    pub(crate) returned: Option<Moment>,
    pub(crate) op: O,
}

/// What the search came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Linearizable,
    Not,
    /// It went on for too long.
    Undecided,
}

/// Branches that are tried before the search gives up.
const BRANCHES_MAX: usize = 300_000;

/// Whether there is such an order.
pub(crate) fn search<M: Model>(model: &M, first: M::State, mut ops: Vec<Timed<M::Op>>) -> Verdict {
    ops.sort_by_key(|timed| (timed.returned.is_none(), timed.returned, timed.called));
    let returned = ops.partition_point(|timed| timed.returned.is_some());
    let mut seen = HashSet::new();
    let mut open = vec![(Done::none(ops.len()), first)];
    while let Some((done, state)) = open.pop() {
        // Sorted by return: the first that is to come bounds what may come next.
        let Some(next) = (0..returned).find(|at| !done.has(*at)) else {
            return Verdict::Linearizable;
        };
        let horizon = ops[next].returned;
        let may =
            |at: &usize| !done.has(*at) && horizon.is_none_or(|horizon| ops[*at].called < horizon);
        let looks = |at: &usize| {
            model.only_looks(&state, &ops[*at].op) && model.step(&state, &ops[*at].op).is_some()
        };
        if let Some(look) = (next..returned).filter(may).find(looks) {
            open.push((done.with(look), state));
            continue;
        }
        for at in (next..ops.len()).rev().filter(may) {
            if let Some(then) = model.step(&state, &ops[at].op) {
                let branch = (done.with(at), then);
                if seen.insert(branch.clone()) {
                    open.push(branch);
                }
            }
        }
        if seen.len() > BRANCHES_MAX {
            return Verdict::Undecided;
        }
    }
    Verdict::Not
}

/// A set of operations.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Done(Box<[u64]>);

impl Done {
    fn none(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)].into())
    }

    fn has(&self, at: usize) -> bool {
        self.0[at / 64] >> (at % 64) & 1 == 1
    }

    fn with(&self, at: usize) -> Self {
        let mut set = self.clone();
        set.0[at / 64] |= 1 << (at % 64);
        set
    }
}

#[cfg(test)]
mod tests;
