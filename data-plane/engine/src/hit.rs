//! What a search answers: traces with spansets, best first.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use takt_model::{SpanId, TraceId};
use takt_trace::Value;
use takt_traceql::{Order, OrderKey};

/// Which traces are the best, and how much of them is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SearchOptions {
    /// How many traces at most.
    pub limit: usize,
    /// How many spans of each spanset at most; 0 for all.
    pub spans_per_set: usize,
    pub order: Order,
    /// Only traces that come after this one: what the order looks at (start or duration, in nanoseconds),
    /// and the trace.
    pub after: Option<(u64, TraceId)>,
}

/// A trace with what matches.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceHit {
    pub trace: TraceId,
    /// Nanoseconds since the Unix epoch, of the whole trace as far as the columns know it.
    pub start: u64,
    pub end: u64,
    /// In the order of their first spans.
    pub sets: Vec<SetHit>,
}

/// A spanset.
#[derive(Debug, Clone, PartialEq)]
pub struct SetHit {
    /// How many spans it has; `spans` may be fewer.
    pub matched: u32,
    /// In the order of their start.
    pub spans: Vec<SpanHit>,
    /// What it was split by and what was counted: `by(…)`, `count()` and so on.
    pub attributes: Vec<(String, Value)>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct SpanHit {
    pub span_id: SpanId,
    pub start: u64,
    pub duration: u64,
    /// Only if the query touched it.
    pub name: Option<String>,
    /// What else the query touched, in its order: by bare attribute name or name of the intrinsic.
    pub attributes: Vec<(String, Value)>,
}

impl SpanHit {
    /// Bytes beside itself.
    pub(crate) fn memory(&self) -> usize {
        self.name.as_ref().map_or(0, String::len) + memory_of(&self.attributes)
    }
}

impl TraceHit {
    /// Bytes held, itself included.
    #[must_use]
    pub fn memory(&self) -> usize {
        let sets = self.sets.iter().map(|set| {
            let spans: usize = set.spans.iter().map(SpanHit::memory).sum();
            size_of_val(set) + memory_of(&set.attributes) + size_of_val(&*set.spans) + spans
        });
        size_of::<Self>() + sets.sum::<usize>()
    }
}

fn memory_of(attributes: &[(String, Value)]) -> usize {
    let texts = attributes.iter().map(|(key, value)| {
        let value = match value {
            Value::String(text) => text.len(),
            Value::Other(bytes) => bytes.len(),
            Value::Int(_) | Value::Float(_) | Value::Bool(_) => 0,
        };
        key.len() + value
    });
    size_of_val(attributes) + texts.sum::<usize>()
}

/// Newest start first.
pub const NEWEST_FIRST: Order = Order {
    key: OrderKey::Start,
    ascending: false,
};

impl TraceHit {
    /// How it stands to another one in an answer; traces are never equal, as ties are broken by id.
    #[must_use]
    pub fn compare(&self, other: &Self, order: Order) -> Ordering {
        let place = |hit: &Self| place(order, hit.start, hit.end, hit.trace);
        place(self).cmp(&place(other))
    }
}

/// What traces are sorted by, in ascending order.
pub(crate) fn place(order: Order, start: u64, end: u64, trace: TraceId) -> (u64, TraceId) {
    let key = match order.key {
        OrderKey::Start => start,
        OrderKey::Duration => end.saturating_sub(start),
    };
    place_of_key(order, key, trace)
}

/// The same for who has what the order looks at.
pub(crate) fn place_of_key(order: Order, key: u64, trace: TraceId) -> (u64, TraceId) {
    (if order.ascending { key } else { u64::MAX - key }, trace)
}

/// The best `limit` of two answers. As long as no trace is in more than one part, parts may be merged in
/// any order; of one that is in two (a client's retry), the larger of like spansets stands.
#[must_use]
pub fn merge_hits(limit: usize, order: Order, a: Vec<TraceHit>, b: Vec<TraceHit>) -> Vec<TraceHit> {
    let mut traces = BTreeMap::<TraceId, TraceHit>::new();
    for hit in a.into_iter().chain(b) {
        match traces.entry(hit.trace) {
            Entry::Vacant(place) => drop(place.insert(hit)),
            Entry::Occupied(mut known) => join(known.get_mut(), hit),
        }
    }
    let mut hits: Vec<TraceHit> = traces.into_values().collect();
    hits.sort_by(|a, b| a.compare(b, order));
    hits.truncate(limit);
    hits
}

fn join(known: &mut TraceHit, other: TraceHit) {
    known.start = known.start.min(other.start);
    known.end = known.end.max(other.end);
    for set in other.sets {
        // Counts differ from part to part; what the set was split by does not.
        let like = |known: &&mut SetHit| groups(known).eq(groups(&set));
        match known.sets.iter_mut().find(like) {
            None => known.sets.push(set),
            Some(known) if known.matched < set.matched => *known = set,
            Some(_) => {}
        }
    }
}

fn groups(set: &SetHit) -> impl Iterator<Item = &(String, Value)> {
    set.attributes
        .iter()
        .filter(|(key, _)| key.starts_with("by("))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hit(trace: u8, start: u64, end: u64) -> TraceHit {
        TraceHit {
            trace: TraceId([trace; 16]),
            start,
            end,
            sets: Vec::new(),
        }
    }

    fn order() -> impl Strategy<Value = Order> {
        let key = prop_oneof![Just(OrderKey::Start), Just(OrderKey::Duration)];
        (key, any::<bool>()).prop_map(|(key, ascending)| Order { key, ascending })
    }

    proptest! {
        #[test]
        fn parts_may_be_merged_in_any_order(
            // Few distinct times, so that ties are common.
            times in proptest::collection::vec((0u64..4, 0u64..4), 0..24),
            limit in 0usize..12,
            order in order(),
        ) {
            let mut parts = [const { Vec::new() }; 3];
            for (trace, (start, length)) in (0u8..).zip(times) {
                parts[usize::from(trace) % 3].push(hit(trace, start, start + length));
            }
            let merged = |a, b| merge_hits(limit, order, a, b);
            let [a, b, c] = parts;
            let one = merged(merged(a.clone(), b.clone()), c.clone());
            prop_assert_eq!(&one, &merged(a.clone(), merged(b.clone(), c.clone())));
            prop_assert_eq!(&one, &merged(c, merged(b, a)));
            prop_assert!(one.is_sorted_by(|a, b| a.compare(b, order).is_lt()));
        }
    }

    #[test]
    fn a_trace_that_came_twice_is_one_with_the_larger_spansets() {
        let set = |group: &str, matched| SetHit {
            matched,
            spans: Vec::new(),
            attributes: vec![
                ("by(name)".to_owned(), Value::String(group.to_owned())),
                ("count()".to_owned(), Value::Int(i64::from(matched))),
            ],
        };
        let with = |start, sets| TraceHit {
            sets,
            ..hit(1, start, start + 10)
        };
        let merged = merge_hits(
            9,
            NEWEST_FIRST,
            vec![with(5, vec![set("a", 1), set("b", 4)])],
            vec![with(7, vec![set("b", 3), set("a", 2), set("c", 1)])],
        );
        let expected = vec![TraceHit {
            end: 17,
            ..with(5, vec![set("a", 2), set("b", 4), set("c", 1)])
        }];
        assert_eq!(merged, expected);
    }
}
