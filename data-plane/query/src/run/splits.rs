//! Which traces lie in several places. Such a trace is asked once, put together, and left out everywhere else.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasherDefault, Hasher};

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use takt_model::TraceId;

/// The place of a source in the order in which a run looks at them.
pub(crate) type Place = u32;

/// What is known of the sources added so far.
#[derive(Debug, Default)]
pub(crate) struct Splits {
    first: HashMap<TraceId, Place, BuildHasherDefault<Folded>>,
    places: BTreeMap<TraceId, BTreeSet<Place>>,
    /// Traces that were taken to be asked.
    taken: BTreeSet<TraceId>,
}

impl Splits {
    /// Enters the traces of one source; a trace that is known already lies in several places.
    pub(crate) fn add(&mut self, place: Place, traces: &[TraceId]) {
        self.first.reserve(traces.len());
        for trace in traces {
            match self.first.entry(*trace) {
                Entry::Vacant(entry) => drop(entry.insert(place)),
                Entry::Occupied(entry) if *entry.get() == place => {}
                Entry::Occupied(entry) => {
                    let places = self.places.entry(*trace).or_default();
                    places.extend([*entry.get(), place]);
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

/// Trace ids are random already; their bytes are folded into one number.
#[derive(Debug, Default)]
pub(crate) struct Folded(u64);

impl Hasher for Folded {
    fn finish(&self) -> u64 {
        self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 = self.0.rotate_left(5) ^ u64::from_le_bytes(word);
        }
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
