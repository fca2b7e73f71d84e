//! Which traces lie in several places. Such a trace is asked once, put together, and left out everywhere else.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use takt_model::TraceId;

/// The place of a source in the order in which a run looks at them.
pub(crate) type Place = u32;

/// What is known of the sources added so far.
#[derive(Debug, Default)]
pub(crate) struct Splits {
    first: HashTable<(TraceId, Place)>,
    places: BTreeMap<TraceId, BTreeSet<Place>>,
    /// Traces that were taken to be asked.
    taken: BTreeSet<TraceId>,
}

impl Splits {
    /// Enters the traces of one source; a trace that is known already lies in several places.
    pub(crate) fn add(&mut self, place: Place, traces: &[TraceId]) {
        self.first
            .reserve(traces.len(), |(trace, _)| trace.spread());
        for trace in traces {
            let entry = self.first.entry(
                trace.spread(),
                |(known, _)| known == trace,
                |(known, _)| known.spread(),
            );
            match entry {
                Entry::Vacant(entry) => drop(entry.insert((*trace, place))),
                Entry::Occupied(entry) if entry.get().1 == place => {}
                Entry::Occupied(entry) => {
                    let places = self.places.entry(*trace).or_default();
                    places.extend([entry.get().1, place]);
                }
            }
        }
    }

    /// The traces of a source that must not be asked there.
    pub(crate) fn skipped_at(&self, place: Place) -> Vec<TraceId> {
        let here = self
            .places
            .iter()
            .filter(|(_, places)| places.contains(&place));
        here.map(|(trace, _)| *trace).collect()
    }

    /// Split traces that were not taken before, with their places.
    pub(crate) fn take(&mut self) -> Vec<(TraceId, Vec<Place>)> {
        let new = self
            .places
            .iter()
            .filter(|(trace, _)| !self.taken.contains(trace))
            .map(|(trace, places)| (*trace, places.iter().copied().collect::<Vec<_>>()))
            .collect::<Vec<_>>();
        self.taken.extend(new.iter().map(|(trace, _)| *trace));
        new
    }

    /// Bytes held, roughly.
    pub(crate) fn memory(&self) -> usize {
        self.first.allocation_size() + 96 * self.places.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_of_two_places_is_skipped_at_both_and_taken_once() {
        let id = |n: u8| TraceId([n; 16]);
        let mut splits = Splits::default();
        splits.add(0, &[id(1), id(2)]);
        splits.add(1, &[id(3), id(3)]);
        assert_eq!(splits.take(), []);
        splits.add(2, &[id(2), id(4)]);
        assert_eq!(splits.skipped_at(0), [id(2)]);
        assert_eq!(splits.skipped_at(1), []);
        assert_eq!(splits.skipped_at(2), [id(2)]);
        assert_eq!(splits.take(), [(id(2), vec![0, 2])]);
        splits.add(3, &[id(2), id(1)]);
        assert_eq!(
            splits.take(),
            [(id(1), vec![0, 3])],
            "what was asked is not asked again"
        );
        assert_eq!(splits.skipped_at(3), [id(1), id(2)]);
    }
}
