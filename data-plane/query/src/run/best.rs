//! The best traces found so far, in the order of the query; fragments of one trace become one.

use std::cmp::Ordering;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use takt_engine::{NEWEST_FIRST, SearchOptions, SetHit, SpanHit, TraceHit};
use takt_model::{SpanId, TraceId, UnixNano};
use takt_traceql::{Order, OrderKey};

/// Keeps the `limit` best traces.
#[derive(Debug)]
pub(crate) struct Best {
    limit: usize,
    spans_per_set: usize,
    order: Order,
    traces: BTreeMap<TraceId, TraceHit>,
    /// Bytes of `traces`, or more.
    bytes: usize,
    cut: bool,
    /// Traces that are new or other than when [`Best::take_settled`] gave them.
    changed: BTreeSet<TraceId>,
}

impl Best {
    /// `options.limit` is one more than wanted: it tells that there are more.
    pub(crate) fn new(options: &SearchOptions) -> Self {
        Self {
            limit: options.limit.saturating_sub(1).max(1),
            spans_per_set: options.spans_per_set,
            order: options.order,
            traces: BTreeMap::new(),
            bytes: 0,
            cut: false,
            changed: BTreeSet::new(),
        }
    }

    /// For a search that shows no spans.
    pub(crate) fn of_newest(limit: usize) -> Self {
        Self::new(&SearchOptions {
            limit,
            spans_per_set: 0,
            order: NEWEST_FIRST,
            after: None,
        })
    }

    pub(crate) fn take(&mut self, hits: Vec<TraceHit>) {
        for hit in hits {
            self.changed.insert(hit.trace);
            self.bytes += hit.memory();
            match self.traces.entry(hit.trace) {
                Entry::Vacant(place) => drop(place.insert(hit)),
                Entry::Occupied(mut known) => join(known.get_mut(), hit, self.spans_per_set),
            }
        }
        // A trace may yet turn out to start earlier, so a few more than asked for are kept on the way.
        if self.traces.len() > self.limit.saturating_mul(2) {
            self.cut_to(self.limit);
        }
    }

    /// Bytes held, or more.
    pub(crate) fn memory(&self) -> usize {
        self.bytes
    }

    /// Whether sources may be left unread at all.
    pub(crate) fn may_settle(&self) -> bool {
        self.order == NEWEST_FIRST
    }

    /// Whether no source that ends at `end` can change which traces are the best.
    pub(crate) fn is_settled_before(&self, end: UnixNano) -> bool {
        if self.order != NEWEST_FIRST || self.traces.len() < self.limit {
            return false;
        }
        let mut starts: Vec<u64> = self.traces.values().map(|hit| hit.start).collect();
        let at = starts.len() - self.limit;
        let (_, oldest_wanted, _) = starts.select_nth_unstable(at);
        *oldest_wanted > end.0
    }

    /// Whether matching traces were dropped, or will be.
    pub(crate) fn is_cut(&self) -> bool {
        self.cut || self.traces.len() > self.limit
    }

    /// At most `limit`, best first.
    pub(crate) fn hits(&mut self) -> Vec<TraceHit> {
        self.cut_to(self.limit);
        let mut hits: Vec<TraceHit> = self.traces.values().cloned().collect();
        hits.sort_by(|a, b| compare(self.order, a, b));
        hits
    }

    /// Those of [`Best::hits`] that came or changed since this was asked last and that stay among the
    /// best whatever comes: they start after `newest_left`, the newest moment that is not read yet.
    pub(crate) fn take_settled(&mut self, newest_left: UnixNano) -> Vec<TraceHit> {
        if self.order != NEWEST_FIRST {
            return Vec::new();
        }
        let mut hits = self.hits();
        hits.retain(|hit| hit.start > newest_left.0 && self.changed.remove(&hit.trace));
        hits
    }

    fn cut_to(&mut self, limit: usize) {
        if self.traces.len() <= limit {
            return;
        }
        self.cut = true;
        let mut order: Vec<(u64, TraceId)> = self
            .traces
            .values()
            .map(|hit| (key(self.order, hit), hit.trace))
            .collect();
        order.sort_by(|a, b| compare_keys(self.order, *a, *b));
        for (_, trace) in &order[limit..] {
            self.traces.remove(trace);
        }
        self.bytes = self.traces.values().map(TraceHit::memory).sum();
    }
}

/// What the order looks at: start or duration in nanoseconds.
pub(crate) fn key(order: Order, hit: &TraceHit) -> u64 {
    match order.key {
        OrderKey::Start => hit.start,
        OrderKey::Duration => hit.end.saturating_sub(hit.start),
    }
}

fn compare(order: Order, a: &TraceHit, b: &TraceHit) -> Ordering {
    compare_keys(order, (key(order, a), a.trace), (key(order, b), b.trace))
}

/// Traces of equal key stand in the order of their ids.
fn compare_keys(order: Order, a: (u64, TraceId), b: (u64, TraceId)) -> Ordering {
    let by_key = if order.ascending {
        a.0.cmp(&b.0)
    } else {
        b.0.cmp(&a.0)
    };
    by_key.then(a.1.cmp(&b.1))
}

/// Two fragments of one trace. A span that is in both (a client's retry) is counted once, as far as
/// the spans shown can tell.
fn join(known: &mut TraceHit, other: TraceHit, spans_per_set: usize) {
    known.start = known.start.min(other.start);
    known.end = known.end.max(other.end);
    for set in other.sets {
        match known
            .sets
            .iter_mut()
            .find(|mine| mine.attributes == set.attributes)
        {
            Some(mine) => join_sets(mine, set, spans_per_set),
            None => known.sets.push(set),
        }
    }
}

fn join_sets(known: &mut SetHit, other: SetHit, spans_per_set: usize) {
    known.matched += other.matched;
    let shown: BTreeSet<_> = known.spans.iter().map(identity).collect();
    let (again, new): (Vec<SpanHit>, Vec<SpanHit>) = other
        .spans
        .into_iter()
        .partition(|span| shown.contains(&identity(span)));
    known.matched = known
        .matched
        .saturating_sub(u32::try_from(again.len()).unwrap_or(u32::MAX));
    known.spans.extend(new);
    if spans_per_set > 0 {
        known.spans.truncate(spans_per_set);
    }
}

/// Client and server may share an id, but not also their times.
fn identity(span: &SpanHit) -> (SpanId, u64, u64) {
    (span.span_id, span.start, span.duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(trace: u8, start: u64, spans: &[u8]) -> TraceHit {
        let span = |id: &u8| SpanHit {
            span_id: SpanId([*id; 8]),
            start: u64::from(*id),
            duration: 1,
            name: None,
            attributes: Vec::new(),
        };
        TraceHit {
            trace: TraceId([trace; 16]),
            start,
            end: start + 1,
            sets: vec![SetHit {
                matched: u32::try_from(spans.len()).unwrap(),
                spans: spans.iter().map(span).collect(),
                attributes: Vec::new(),
            }],
        }
    }

    fn best(limit: usize, order: Order) -> Best {
        Best::new(&SearchOptions {
            limit: limit + 1,
            spans_per_set: 2,
            order,
            after: None,
        })
    }

    fn ids(hits: &[TraceHit]) -> Vec<u8> {
        hits.iter().map(|hit| hit.trace.0[0]).collect()
    }

    #[test]
    fn the_best_stay_whatever_order_they_come_in() {
        let mut newest = best(2, NEWEST_FIRST);
        newest.take(vec![hit(1, 10, &[1]), hit(2, 30, &[1])]);
        assert!(!newest.is_cut());
        newest.take(vec![hit(3, 20, &[1]), hit(4, 40, &[1]), hit(5, 5, &[1])]);
        assert!(newest.is_cut());
        assert_eq!(ids(&newest.hits()), [4, 2]);
        let mut oldest = best(
            2,
            Order {
                ascending: true,
                ..NEWEST_FIRST
            },
        );
        oldest.take(vec![hit(1, 10, &[1]), hit(2, 30, &[1]), hit(3, 20, &[1])]);
        assert_eq!(ids(&oldest.hits()), [1, 3]);
    }

    #[test]
    fn older_blocks_are_needless_once_enough_newer_traces_are_known() {
        let mut newest = best(1, NEWEST_FIRST);
        assert!(!newest.is_settled_before(UnixNano(0)));
        newest.take(vec![hit(1, 10, &[1])]);
        assert!(newest.is_settled_before(UnixNano(9)));
        assert!(
            !newest.is_settled_before(UnixNano(10)),
            "a trace may start when the block ends"
        );
        let mut longest = best(
            1,
            Order {
                key: OrderKey::Duration,
                ascending: false,
            },
        );
        longest.take(vec![hit(1, 10, &[1])]);
        assert!(
            !longest.is_settled_before(UnixNano(0)),
            "an old trace may be the longest"
        );
    }

    #[test]
    fn fragments_join_and_a_retried_span_counts_once() {
        let mut newest = best(5, NEWEST_FIRST);
        newest.take(vec![hit(1, 10, &[1, 2])]);
        newest.take(vec![hit(1, 10, &[2, 3])]);
        let hits = newest.hits();
        assert_eq!(
            (
                hits.len(),
                hits[0].sets[0].matched,
                hits[0].sets[0].spans.len()
            ),
            (1, 3, 2),
            "three distinct spans, two may be shown"
        );
    }

    #[test]
    fn only_what_is_new_and_stays_is_told() {
        let mut newest = best(2, NEWEST_FIRST);
        newest.take(vec![hit(1, 10, &[1]), hit(2, 20, &[1])]);
        assert_eq!(ids(&newest.take_settled(UnixNano(15))), [2]);
        assert!(newest.take_settled(UnixNano(15)).is_empty());
        newest.take(vec![hit(2, 20, &[2]), hit(3, 12, &[1])]);
        assert_eq!(
            ids(&newest.take_settled(UnixNano(5))),
            [2, 3],
            "trace 1 is no longer among the best, and trace 2 has one more span"
        );
    }
}
