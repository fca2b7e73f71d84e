//! What the last decisions changed.

use std::collections::{BTreeSet, VecDeque};

use takt_domain::Subject;
use takt_log::Recorded;
use takt_model::Revision;

use crate::Moment;

/// What one decision changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delta {
    /// The moment after it.
    pub moment: Moment,
    /// Each once.
    pub subjects: BTreeSet<Subject>,
}

impl Delta {
    #[must_use]
    pub fn of(recorded: &Recorded) -> Self {
        let events = recorded.batch.events.iter();
        Self {
            moment: Moment::after(recorded),
            subjects: events.flat_map(takt_domain::Event::changes).collect(),
        }
    }
}

/// Deltas without a hole, newest last, bounded by how much they name.
#[derive(Debug)]
pub(crate) struct Recent {
    /// The moment before the first delta.
    base: Moment,
    deltas: VecDeque<Delta>,
    /// How many subjects they name together.
    named: usize,
    named_max: usize,
}

impl Recent {
    pub(crate) fn after(base: Moment, named_max: usize) -> Self {
        Self {
            base,
            deltas: VecDeque::new(),
            named: 0,
            named_max,
        }
    }

    pub(crate) fn newest(&self) -> Moment {
        self.deltas.back().map_or(self.base, |delta| delta.moment)
    }

    pub(crate) fn push(&mut self, delta: Delta) {
        self.named += delta.subjects.len();
        self.deltas.push_back(delta);
        while self.named > self.named_max
            && let Some(oldest) = self.deltas.pop_front()
        {
            self.named -= oldest.subjects.len();
            self.base = oldest.moment;
        }
    }

    /// The moment of a revision, if it is one of those kept.
    pub(crate) fn moment(&self, revision: Revision) -> Option<Moment> {
        if revision == self.base.revision {
            return Some(self.base);
        }
        let at = self.at(revision)?;
        Some(self.deltas.get(at)?.moment)
    }

    fn at(&self, revision: Revision) -> Option<usize> {
        self.deltas
            .binary_search_by_key(&revision, |delta| delta.moment.revision)
            .ok()
    }

    /// What came after a moment; `None` when that is not one of those kept.
    pub(crate) fn since(&self, moment: Moment) -> Option<impl Iterator<Item = &Delta>> {
        let from = if moment == self.base {
            0
        } else {
            let at = self.at(moment.revision)?;
            if self.deltas.get(at)?.moment != moment {
                return None;
            }
            at + 1
        };
        Some(self.deltas.range(from..))
    }
}

#[cfg(test)]
mod tests;
